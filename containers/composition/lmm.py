"""Lean muscle mass of nako_cbp under each reading of what is printed.

Procedures: "LMM = muscle volume/BMI", as volume normalised to "fat-free muscle BMI"; units cm3/kg/m and cm3/kg/m2. The
printed means (25.32 and 26.98 with mean BMIs of 27.1 and 26.3) ask for some 700 cm3 over BMI, which is the size of the
lean autochthonous muscles: `lmm_cm3_per_bmi`. Values printed with the other unit are of the same size (20.9 to 26.8):
the same quantity. With weight over height in place of BMI they would be three fifths of it, over weight and height a
fifth.
"""

from containers.composition.facts import Person
from containers.contract.stage import Result

MUSCLE_KG_PER_CM3 = 1.0597e-3
"""Density of mammalian skeletal muscle (Mendez and Keys, Metabolism 9:184, 1960)."""

UNITS = (
    "lmm_cm3_per_bmi is lean volume over BMI, cm3/(kg/m2), which the printed means fit. Other readings:"
    " lmm_whole_cm3_per_bmi keeps InterMAT in; lmm_cm3_per_kg_over_m takes the printed unit cm3/kg/m as cm3/(kg/m);"
    " lmm_cm3_per_kg_m takes it as cm3/(kg m); lmm_whole_cm3_per_fat_free_muscle_bmi divides muscle with its InterMAT"
    " by the mass of lean muscle over height squared."
)


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
    result.details["lmm_units"] = UNITS
    if bmi is None:
        result.warn(f"lean muscle mass is undefined: {no_bmi if not both else reason}")


def _over(volume: float | None, divisor: float | None, reason: str, missing: str) -> tuple[float | None, str]:
    if volume is None:
        return None, reason
    return (None, missing) if divisor is None else (volume / divisor, "")
