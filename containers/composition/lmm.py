"""Lean muscle mass: volume of lean muscle over a measure of body size (nako_cbp, Procedures).

What the divisor is, and whether InterMAT is taken off first, can be read in several ways: each reading is a metric.
`lmm_cm3_per_bmi` takes lean volume over BMI; with weight over height in place of BMI it would be three fifths of that,
over weight and height a fifth.
"""

from containers.composition.facts import Person
from containers.contract.stage import Result

MUSCLE_KG_PER_CM3 = 1.0597e-3
"""Density of mammalian skeletal muscle (Mendez and Keys, Metabolism 9:184, 1960)."""


def measure_lmm(whole_cm3: float | None, lean_cm3: float | None, reason: str, person: Person, result: Result) -> None:
    """Write LMM by all readings. whole_cm3: muscle with InterMAT; reason: why a volume is None.

    A reading whose facts are missing is None, with a note that names them.
    """
    bmi, weight, height = person.bmi, person.weight_kg, person.height_m
    no_bmi = "facts height_m and weight_kg, or bmi_kg_per_m2, are not given"
    no_both = "facts height_m and weight_kg are not both given"
    both = weight is not None and height is not None
    result.metric("lmm_cm3_per_bmi", *_over(lean_cm3, bmi, reason, no_bmi))
    result.metric("lmm_whole_cm3_per_bmi", *_over(whole_cm3, bmi, reason, no_bmi))
    over_m = weight / height if weight is not None and height is not None else None
    result.metric("lmm_cm3_per_kg_over_m", *_over(lean_cm3, over_m, reason, no_both))
    by_m = weight * height if weight is not None and height is not None else None
    result.metric("lmm_cm3_per_kg_m", *_over(lean_cm3, by_m, reason, no_both))
    index = MUSCLE_KG_PER_CM3 * lean_cm3 / height**2 if lean_cm3 and height is not None else None
    missing = "fact height_m is not given" if height is None else "there is no lean muscle"
    result.metric("lmm_whole_cm3_per_fat_free_muscle_bmi", *_over(whole_cm3, index, reason, missing))
    if bmi is None:
        result.warn(f"lean muscle mass is undefined: {no_bmi if not both else reason}")


def _over(volume: float | None, divisor: float | None, reason: str, missing: str) -> tuple[float | None, str]:
    if volume is None:
        return None, reason
    return (None, missing) if divisor is None else (volume / divisor, "")
