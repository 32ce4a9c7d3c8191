"""What is true of a spine anatomy: volumes, InterMAT, lean volume and LMM, with the precision of each by refinement."""

import numpy as np

from containers.toolkit.images.labels import AUTOCHTHONOUS, SPINE_LABELS
from phantoms.back.anatomy import SpineAnatomy
from phantoms.back.template import LEVELS
from phantoms.shared.tube_kernel import F64

STRUCTURES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in SPINE_LABELS.values()},
    **AUTOCHTHONOUS,
    "erector_spinae": ("erector_spinae_left", "erector_spinae_right"),
    "multifidus": ("multifidus_left", "multifidus_right"),
}
"""The four labels, a side's two muscles (MRSegmentator's classes), a muscle's two sides."""
LATTICES = 6
PLANE_STEPS = 1.6
"""Distance of planes in units of the step within them: muscles change slowly along the body."""


def _quantities(volume: F64, anatomy: SpineAnatomy) -> dict[str, float]:
    """All true values from volumes (18 levels, 9 codes) in cm3."""
    whole, fat = volume[:, 1:5] + volume[:, 5:9], volume[:, 5:9]
    labels = list(SPINE_LABELS.values())
    values: dict[str, float] = {}

    def put(suffix: str, v: float, f: float) -> None:
        values[f"volume_cm3{suffix}"] = v
        values[f"lean_volume_cm3{suffix}"] = v - f
        values[f"intermat_percent{suffix}"] = 100 * f / v

    for name, parts in STRUCTURES.items():
        columns = [labels.index(part) for part in parts]
        put(f".{name}", float(whole[:, columns].sum()), float(fat[:, columns].sum()))
    for n, level in enumerate(LEVELS):
        put(f".level_{level}", float(whole[n].sum()), float(fat[n].sum()))
    put("", float(whole.sum()), float(fat.sum()))
    values["lmm_cm3_per_bmi"] = values["lean_volume_cm3"] / anatomy.subject.bmi
    left, right = (values[f"volume_cm3.autochthon_{side}"] for side in ("left", "right"))
    values["asymmetry_percent"] = 100 * abs(left - right) / max(left, right)
    return values


def truth(anatomy: SpineAnatomy, step_mm: float) -> tuple[dict[str, float], dict[str, float]]:
    """True values, and the precision of each.

    Names: `volume_cm3` (mask: muscle with its InterMAT), `lean_volume_cm3` (without it), `intermat_percent`, each for
    all four labels together, and with `.<structure>` (see STRUCTURES) and `.level_<T1..S1>`; `lmm_cm3_per_bmi` (lean
    volume over BMI, nako_cbp Methods); `asymmetry_percent`.

    Six lattices of the given step, shifted in their planes by multiples of irrational parts of it, and with planes 0 to
    35 % further apart, give six estimates. The value is their mean; the precision is the half-width of its 95 %
    interval (Student's t, 5 degrees of freedom), and at least 1e-4 of the value.
    """
    found = []
    for n in range(LATTICES):
        # Multiples of the inverse powers of 1.3247, the root of x^3 = x + 1: evenly spread in the unit square.
        shift = (0.7549 * n % 1, 0.5698 * n % 1)
        found.append(_quantities(anatomy.counts(step_mm, PLANE_STEPS * step_mm * (1 + 0.07 * n), shift), anatomy))
    values = {name: float(np.mean([f[name] for f in found])) for name in found[0]}
    precision = {
        name: max(2.571 * float(np.std([f[name] for f in found], ddof=1)) / LATTICES**0.5, 1e-4 * abs(value))
        for name, value in values.items()
    }
    return values, precision
