"""Facts of the person: height, weight, BMI. Implausible ones are refused: they are centimetres, inches or slips."""

from dataclasses import dataclass

from containers.contract.errors import ItemFault
from containers.contract.request import Item

RANGES = {
    "height_m": (1.0, 2.5, "a height in metres", "give metres, for example 1.70"),
    "weight_kg": (20.0, 350.0, "a weight in kilograms", "give kilograms, for example 75"),
    "bmi_kg_per_m2": (10.0, 100.0, "a BMI in kg/m2", "give weight over height squared, for example 26"),
}
"""Fact: lowest, highest, what it should be, how to fix it."""

BMI_AGREES = 0.2
"""kg/m2 by which a given BMI may differ from weight and height: each is rounded, BMI to 0.1."""


@dataclass(frozen=True)
class Person:
    """What is known of the person."""

    height_m: float | None
    """Body height in m; None where it is not given."""
    weight_kg: float | None
    """Body weight in kg; None where it is not given."""
    bmi: float | None
    """Body mass index in kg/m2, given or from height and weight; None where neither is."""


def read_person(item: Item) -> Person:
    """Read the facts of `item`. Raises ItemFault for a value out of range, or a BMI that contradicts the other two."""
    height, weight, bmi = (_fact(item, name) for name in RANGES)
    if height is not None and weight is not None:
        from_both = weight / height**2
        if bmi is not None and abs(bmi - from_both) > BMI_AGREES:
            raise ItemFault(
                f"{bmi:g} is not {weight:g} kg over ({height:g} m)^2 = {from_both:.2f}",
                where="fact bmi_kg_per_m2",
                fix="give the BMI of this height and weight, or leave it out",
            )
        bmi = from_both if bmi is None else bmi
    return Person(height, weight, bmi)


def _fact(item: Item, name: str) -> float | None:
    value = item.facts.get(name)
    if value is None:
        return None
    low, high, meaning, fix = RANGES[name]
    if isinstance(value, (bool, str)) or not low <= value <= high:
        raise ItemFault(f"{value!r} is not {meaning} ({low:g} to {high:g})", where=f"fact {name}", fix=fix)
    return float(value)
