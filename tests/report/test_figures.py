"""The register of the papers' figures, and the pictures from printed numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.claims.ledger import Ledger
from harness.claims.loader import ledgers
from harness.claims.paper import papers
from harness.pictures.interval_plot import Group
from harness.report import figures, print_figures
from harness.run.case import load_cases
from harness.run.results import ClaimResult, Picture


@pytest.fixture(scope="module")
def printed() -> dict[str, Ledger]:
    return {ledger.paper: ledger for ledger in ledgers()}


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the drawing functions of print_figures were given, by the title of the picture."""
    found: dict[str, Any] = {}

    def keep(real: Callable[..., None]) -> Callable[..., None]:
        def draw(what: Any, path: Path, title: str, *rest: Any, **named: Any) -> None:
            found[title] = what
            real(what, path, title, *rest, **named)

        return draw

    for name in ("interval_plot", "heat_plot", "subgroup_boxes", "selection"):
        monkeypatch.setattr(print_figures, name, keep(getattr(print_figures, name)))
    return found


def _picture(name: str) -> Picture:
    case, stem = name.split("/")
    return Picture(case=case, path=f"{case}/pictures/{stem}.png", title=stem, evidence="phantom", alt="a")


def test_the_register_names_pictures_that_exist() -> None:
    known = {f"{case.name}/{picture.name}" for case in load_cases() for picture in case.pictures}
    spec = print_figures._spec()
    known |= {f"print/{one.name}" for one in (*spec.intervals, *spec.combined, *spec.boxes, *spec.selections)}
    named = [name for figure in figures.register() for name in figure.pictures]
    assert set(named) <= known
    assert len(set(named)) == len(named)
    assert {figure.paper for figure in figures.register()} >= set(papers())


def test_a_figure_shows_what_is_there_or_says_why_not() -> None:
    shown = {(s.figure.paper, s.figure.figure): s for s in figures.shown([_picture("cohort_figures/concordance")])}
    assert len(shown) == len(figures.register())
    there = shown["ukb_thigh", "Fig. 3a, b"]
    assert (there.pictures, there.note) == (["cohort_figures/concordance"], "")
    for one in shown.values():
        assert bool(one.pictures) != bool(one.note)
    assert "myorepro reproduce --case ukb_segmentation" in shown["ukb_thigh", "Fig. 1"].note


def test_pictures_from_print_carry_the_ledgers_numbers(
    tmp_path: Path, printed: dict[str, Ledger], caught: dict[str, Any]
) -> None:
    made = print_figures.draw([], list(printed.values()), tmp_path)
    assert {picture.evidence for picture in made} == {"recomputed from print"}
    assert all((tmp_path / picture.path).stat().st_size > 5000 for picture in made)
    groups: list[Group] = next(v for k, v in caught.items() if k.startswith("Fig. 5"))
    weak = next(row for row in groups[0].rows if row.label == "weak grip")
    ends = [
        printed["ukb_thigh"].number(f"table2.pa.weak_grip.{part}").printed for part in ("estimate", "lower", "upper")
    ]
    assert [f"{value:.2f}" for value in (weak.centre, weak.low, weak.high)] == ends
    assert weak.second is None, "nothing was recomputed"
    flow = next(v for k, v in caught.items() if k.startswith("Fig. 2: selection"))
    assert [f"{stage.number:,.0f}" for stage in flow] == [
        printed["paraspinal_meta"].number(f"fig2.{key}").printed
        for key in ("identified", "screened", "full_text", "included")
    ]


def test_every_number_that_a_picture_asks_for_is_in_its_ledger(printed: dict[str, Ledger]) -> None:
    spec = print_figures._spec()
    asked = [(one.paper, stem + one.suffixes[0]) for one in spec.intervals for g in one.groups for _, stem in g.rows]
    asked += [(one.paper, key) for one in spec.combined for key in (one.x, one.y, one.unit, one.grid)]
    asked += [(one.paper, cell.printed) for one in spec.combined for cell in one.cells]
    asked += [
        (one.paper, f"{stem}.{measure}.{part}")
        for one in spec.boxes
        for group in one.groups
        for _, stem in group.rows
        for measure in one.measures
        for part in ("q1", "median", "q3")
    ]
    asked += [(one.paper, stage.id) for one in spec.selections for stage in one.stages]
    missing = [
        key for paper, key in asked if key not in {n.id for n in (*printed[paper].numbers, *printed[paper].claims)}
    ]
    assert missing == []


def test_a_changed_print_changes_the_picture_and_a_missing_one_leaves_it_out(
    tmp_path: Path, printed: dict[str, Ledger], caught: dict[str, Any]
) -> None:
    ledger = printed["ukb_thigh"]
    claims = [
        claim.model_copy(update={"printed": "2.34"} if claim.id == "table2.pa.falls.estimate" else {})
        for claim in ledger.claims
        if claim.id != "table2.pa.mortality.estimate"
    ]
    recomputed = ClaimResult.model_validate(
        {
            "paper": "ukb_thigh",
            "claim": "table2.pa.falls.estimate",
            "place": "p",
            "quantity": "q",
            "printed": "2.34",
            "unit": "1",
            "route": "recompute",
            "verdict": "contradicted",
            "reason": "r",
            "interval": (1.5, 1.7),
        }
    )
    changed = ledger.model_copy(update={"claims": claims})
    changed.__dict__.pop("_by_id", None)
    made = print_figures.draw([recomputed], [changed], tmp_path)
    assert [picture.path for picture in made] == ["print/pictures/ukb_odds_ratios.png"]
    (groups,) = caught.values()
    assert [row.label for row in groups[0].rows] == ["falls", "sarcopenia", "weak grip", "low muscle mass"]
    assert groups[0].rows[0].centre == pytest.approx(2.34)
    assert groups[0].rows[0].second == (pytest.approx(1.6), None, None)
    assert print_figures.draw([], [], tmp_path) == []


def test_combined_odds_follow_from_two_ratios(
    tmp_path: Path, printed: dict[str, Ledger], caught: dict[str, Any]
) -> None:
    ledger = printed["nako_cbp"]
    # Ratios 4 and 1 per 2 z: the odds ratio is 2 to the z-score of the first, whatever the second is.
    to = {"results.cbp.lmm.or": "1.0000", "results.cbp.intermat.or": "4.0000"}
    claims = [c.model_copy(update={"printed": to[c.id]} if c.id in to else {}) for c in ledger.claims]
    changed = ledger.model_copy(update={"claims": claims})
    changed.__dict__.pop("_by_id", None)
    print_figures.draw([], [changed], tmp_path)
    cells = next(v for k, v in caught.items() if k.startswith("Fig. 1c"))
    assert {x for x, _ in cells} == {y for _, y in cells} == {-3.0, -1.5, 1.5, 3.0}
    for (_, y), (ratio, lines) in cells.items():
        assert ratio == pytest.approx(2**y)
        low, high = (float(end) for end in lines[0].split(" to "))
        assert low <= round(2**y, 3) <= high
    assert sum("printed" in line for _, lines in cells.values() for line in lines) == 4


def test_equal_numbers_give_equal_pictures(tmp_path: Path, printed: dict[str, Ledger]) -> None:
    made = [print_figures.draw([], list(printed.values()), tmp_path / name) for name in ("a", "b")]
    for first, second in zip(*made, strict=True):
        assert (tmp_path / "a" / first.path).read_bytes() == (tmp_path / "b" / second.path).read_bytes()
