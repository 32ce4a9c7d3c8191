"""How effects come from the columns of a table: direction, given effects, combined groups, both sides."""

from typing import Any

import numpy as np
import pytest

from tests.meta_analysis.conftest import Answer

EMPTY = {"schema_version": "1.0"}
NUMBER = {"type": "number"}
PARTS = ("mean_a", "sd_a", "n_a", "mean_b", "sd_b", "n_b", "mean_c", "sd_c", "n_c", "g", "se")
COLUMNS: dict[str, Any] = {
    "id": {"type": "id"},
    "study": {"type": "label"},
    "side": {"type": "category", "levels": ["left", "right", "both"]},
    "muscle": {"type": "category", "levels": ["mf", "es"]},
    "outcome": {"type": "category", "levels": ["CSA", "FI"]},
    **dict.fromkeys(PARTS, NUMBER),
}
DICTIONARY = {**EMPTY, "columns": COLUMNS}
SMD = {
    "study": "study",
    "measure": "smd",
    **{f"{part}_1": f"{part}_a" for part in ("mean", "sd", "n")},
    **{f"{part}_2": f"{part}_b" for part in ("mean", "sd", "n")},
}
LIST = {"id": "x", "kind": "effects"}


def row(name: str, study: str, values: str, **others: Any) -> dict[str, Any]:
    """values: mean, sd, n of groups a, b and c, as many as there are."""
    empty: dict[str, Any] = {**dict.fromkeys(COLUMNS, ""), "id": name, "study": study, "muscle": "mf", "outcome": "CSA"}
    return {**empty, **dict(zip(PARTS, values.split(), strict=False)), **others}


def effects(answer: Answer, table: list[dict[str, Any]], spec: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Effect and standard error by id."""
    record = answer(table, DICTIONARY, {**EMPTY, "effects": spec, "analyses": [LIST]})
    assert record["status"] == "ok", record["error"]
    names = [name.removeprefix("effect.x.") for name in record["metrics"] if name.startswith("effect.x.")]
    return {n: tuple(record["metrics"][f"{q}.x.{n}"]["value"] for q in ("effect", "effect_se")) for n in names}  # type: ignore[misc]


def by_hand(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float]:
    """g and its standard error (LS), with J from the gamma function of the standard library."""
    import math

    (m1, s1, n1), (m2, s2, n2) = a, b
    m = n1 + n2 - 2
    pooled = math.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / m)
    j = math.gamma(m / 2) / (math.sqrt(m / 2) * math.gamma((m - 1) / 2))
    g = j * (m1 - m2) / pooled
    return g, math.sqrt(1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2)))


def test_direction_turns_only_the_declared_levels(answer: Answer) -> None:
    table = [row("p", "s", "10 2 12 12 3 15"), row("q", "s", "10 2 12 12 3 15", outcome="FI")]
    made = effects(answer, table, {**SMD, "direction": {"column": "outcome", "flip": ["CSA"]}})
    g, se = by_hand((10, 2, 12), (12, 3, 15))
    assert made["p"] == pytest.approx((-g, se))
    assert made["q"] == pytest.approx((g, se))


def test_given_effects_stand_beside_computed_ones(answer: Answer) -> None:
    table = [row("p", "s", "10 2 12 12 3 15"), row("q", "t", "", g="-0.4", se="0.2"), row("r", "t", "")]
    made = effects(answer, table, {**SMD, "effect": "g", "standard_error": "se"})
    assert made["q"] == (-0.4, pytest.approx(0.2))
    assert made["p"] == pytest.approx(by_hand((10, 2, 12), (12, 3, 15)))
    assert "r" not in made


def test_listed_groups_are_combined_where_they_are_there(answer: Answer) -> None:
    table = [row("p", "s", "10 2 12 12 3 15 14 1 9"), row("q", "s", "10 2 12 12 3 15")]
    spec = {**SMD, **{f"{part}_2": [f"{part}_b", f"{part}_c"] for part in ("mean", "sd", "n")}}
    made = effects(answer, table, spec)
    # Cochrane Handbook 6.5.2.10 by hand: n = 24, mean = (15*12 + 9*14)/24, var = (14*9 + 8*1 + 15*9/24*4)/23
    merged = ((15 * 12 + 9 * 14) / 24, np.sqrt((14 * 9 + 8 * 1 + 15 * 9 / 24 * 4) / 23), 24)
    assert made["p"] == pytest.approx(by_hand((10, 2, 12), merged))
    assert made["q"] == pytest.approx(by_hand((10, 2, 12), (12, 3, 15)))


SIDES = [
    row("l", "s", "10 2 12 12 3 15", side="left"),
    row("r", "s", "11 4 12 14 2 15", side="right"),
    row("e", "s", "10 2 12 12 3 15", side="left", muscle="es"),
    row("b", "t", "10 2 12 12 3 15", side="both"),
]
BILATERAL = {"side": "side", "by": ["muscle"], "correlation": 0.5}


def test_sides_are_averaged_as_summaries(answer: Answer) -> None:
    made = effects(answer, SIDES, {**SMD, "bilateral": {**BILATERAL, "of": "summaries"}})
    # var = (s_l^2 + s_r^2 + 2 r s_l s_r) / 4: (4 + 16 + 8)/4 = 7 and (9 + 4 + 6)/4 = 4.75
    expected = by_hand((10.5, np.sqrt(7), 12), (13, np.sqrt(4.75), 15))
    assert list(made) == ["b", "e", "l+r"]
    assert made["l+r"] == pytest.approx(expected)
    assert made["e"] == pytest.approx(by_hand((10, 2, 12), (12, 3, 15)))


def test_sides_are_averaged_as_effects(answer: Answer) -> None:
    made = effects(answer, SIDES, {**SMD, "bilateral": {**BILATERAL, "of": "effects"}})
    (g1, s1), (g2, s2) = by_hand((10, 2, 12), (12, 3, 15)), by_hand((11, 4, 12), (14, 2, 15))
    assert made["l+r"] == pytest.approx(((g1 + g2) / 2, np.sqrt(s1**2 + s2**2 + s1 * s2) / 2))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"id": "r", "side": "right", "n_b": 16}, "has other group sizes, or none, on the other side in row 1"),
        ({"id": "r", "side": "right", "outcome": "FI"}, "column outcome differs between the sides in rows 1 and 2"),
        ({"id": "r", "side": "left"}, "one side is there more than once in rows 1 and 2"),
    ],
)
def test_sides_that_do_not_fit_are_refused(answer: Answer, change: dict[str, Any], what: str) -> None:
    table = [SIDES[0], {**SIDES[0], **change}]
    spec = {**SMD, "bilateral": {**BILATERAL, "of": "summaries"}}
    record = answer(table, DICTIONARY, {**EMPTY, "effects": spec, "analyses": [LIST]})
    assert record["error"]["what"] == what
