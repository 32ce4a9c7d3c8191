"""T2 and proton density of the tissues at 3 T.

T2 is what a long train of refocusing pulses shows. Sources: muscle 32 ms and fat 133 ms (Gold 2004, AJR 183:343; de
Bazelaire 2004, Radiology 230:652, has 68 ms for fat from single echoes, but a train refocuses its couplings);
paraspinal muscle 29, marrow 49, liver 34, spleen 61, kidney 76 to 81 ms (de Bazelaire); spinal cord 78 ms (Stanisz
2005, MRM 54:507). The values below are rounded, marrow and liver a little up for the same reason as fat; the others are
round figures. Flowing blood and cortical bone give no signal. They set contrast only: truth never depends on them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phantoms.back import kernel as codes
from phantoms.back.subjects import SpineSubject


@dataclass(frozen=True)
class HasteTissue:
    """What decides a tissue's signal."""

    t2_ms: float
    """T2 in ms."""
    proton_density: float
    """Proton density relative to fluid."""


MUSCLE = HasteTissue(35.0, 0.80)
"""Other muscles; the labelled ones have the subject's T2."""
FAT = HasteTissue(130.0, 0.90)
BY_CODE: dict[int, HasteTissue] = {
    codes.OTHER_MUSCLE: MUSCLE,
    **dict.fromkeys((5, 6, 7, 8, codes.SUBCUTANEOUS, codes.INTERMUSCULAR, codes.VISCERAL_FAT), FAT),
    codes.FASCIA: HasteTissue(20.0, 0.50),
    codes.SKIN: HasteTissue(35.0, 0.70),
    codes.MARROW: HasteTissue(60.0, 0.65),
    codes.DISC: HasteTissue(85.0, 0.75),
    codes.CSF: HasteTissue(1500.0, 1.0),
    codes.CORD: HasteTissue(78.0, 0.75),
    codes.LUNG: HasteTissue(35.0, 0.15),
    codes.LIVER: HasteTissue(40.0, 0.85),
    codes.SPLEEN: HasteTissue(61.0, 0.85),
    codes.KIDNEY: HasteTissue(78.0, 0.85),
    codes.BOWEL: HasteTissue(60.0, 0.75),
    codes.BOWEL_FLUID: HasteTissue(250.0, 0.95),
    codes.MYOCARDIUM: HasteTissue(45.0, 0.80),
    codes.FLUID: HasteTissue(600.0, 1.0),
}
"""Codes that are not here (air, cortical bone, vessels) give no signal; 1 to 4 are the labelled muscles."""


def groups(subject: SpineSubject) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Per code the proton density and the group of equal T2 (-1: no signal), and the T2 in ms of each group."""
    tissues = BY_CODE | dict.fromkeys(range(1, 5), HasteTissue(subject.muscle_t2_ms, MUSCLE.proton_density))
    times = sorted({t.t2_ms for t in tissues.values()})
    density = np.zeros(codes.CODES)
    group = np.full(codes.CODES, -1, dtype=np.int64)
    for code, tissue in tissues.items():
        density[code], group[code] = tissue.proton_density, times.index(tissue.t2_ms)
    return density, group, np.array(times)
