"""Relaxation, proton density and fat of the tissues at 1.5 T, and the multi-peak spectrum of fat.

Values are round figures of the literature at 1.5 T (Stanisz 2005 and de Bazelaire 2004 for T1; Bydder 2008 and Ren 2008
for the fat peaks, as used by Hernando and others). They set contrast only: truth never depends on them, except
`signal_ff_percent`, which is computed from these very numbers.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.labels import BONES, THIGH_LABELS, label_of
from phantoms.shared import anatomy_kernel as codes
from phantoms.shared.subjects import Subject

GAMMA_MHZ_PER_T = 42.577478518
FAT_PEAKS_PPM = np.array([-3.80, -3.40, -2.60, -1.94, -0.39, 0.60])
"""Shift of each fat resonance against water."""
FAT_PEAKS_SHARE = np.array([0.087, 0.693, 0.128, 0.004, 0.039, 0.049])


@dataclass(frozen=True)
class Tissue:
    """What decides a tissue's signal."""

    t1_ms: float
    """T1 of its water in ms."""
    t2star_ms: float
    """T2* of its water in ms."""
    proton_density: float
    """Proton density relative to fluid."""
    fat: float
    """Fat fraction of the protons, 0 to 1."""


FAT_T1_MS, FAT_T2STAR_MS = 300.0, 40.0
MUSCLE = Tissue(1000.0, 35.0, 0.80, 0.06)
SUBCUTANEOUS_FAT_FRACTION = 0.93
BY_CODE: dict[int, Tissue] = {
    codes.SUBCUTANEOUS: Tissue(1000, 30, 0.90, SUBCUTANEOUS_FAT_FRACTION),
    codes.INTERMUSCULAR: Tissue(1000, 30, 0.90, 0.88),
    codes.ORGAN: Tissue(600, 28, 0.85, 0.05),
    codes.LUNG: Tissue(1200, 2, 0.15, 0.0),
    codes.OTHER_BONE: Tissue(800, 18, 0.60, 0.45),
    codes.OTHER_MUSCLE: MUSCLE,
    codes.BOWEL: Tissue(900, 22, 0.75, 0.15),
    codes.FLUID: Tissue(3500, 200, 1.0, 0.0),
    codes.ILIAC_CORTEX: Tissue(300, 0.5, 0.10, 0.0),
    codes.FEMUR_CORTEX: Tissue(300, 0.5, 0.10, 0.0),
    label_of("iliac_bone"): Tissue(800, 18, 0.60, 0.55),
    label_of("femur"): Tissue(800, 20, 0.65, 0.85),
}


def tissue_of(code: int, subject: Subject) -> Tissue:
    """Tissue of a code for a subject: muscles carry the subject's fat fraction."""
    name = THIGH_LABELS.get(code)
    if name is None or name in BONES:
        return BY_CODE[code]
    fat = subject.pdff_percent.get(name, 100 * MUSCLE.fat) / 100
    return Tissue(MUSCLE.t1_ms, MUSCLE.t2star_ms, MUSCLE.proton_density, fat)


def fat_dephasing(te_ms: npt.ArrayLike, field_tesla: float) -> npt.NDArray[np.complex128]:
    """Complex signal of unit fat at echo times (any shape) against water, without relaxation: sum of its peaks."""
    te_s = np.asarray(te_ms, dtype=float)[..., None] / 1000.0
    hertz = FAT_PEAKS_PPM * GAMMA_MHZ_PER_T * field_tesla
    return np.asarray((FAT_PEAKS_SHARE * np.exp(2j * np.pi * hertz * te_s)).sum(-1))


def spoiled_gradient_echo(t1_ms: float, tr_ms: float, flip_deg: float) -> float:
    """Steady-state transverse magnetisation per unit of proton density (Ernst formula)."""
    e1, flip = np.exp(-tr_ms / t1_ms), np.deg2rad(flip_deg)
    return float(np.sin(flip) * (1 - e1) / (1 - e1 * np.cos(flip)))
