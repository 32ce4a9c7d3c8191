"""Pictures from printed numbers only (`print_figures.toml`): what a figure of a paper says as far as it is printed.

Invariants: every number is read from the paper's ledger by its id, or is the recomputed value of a judged claim;
none stands in this module. A row whose number the ledger does not have is left out, a picture without rows not made.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np

from containers.contract.checked import load_toml
from containers.contract.request import Strict
from harness.claims.ledger import Ledger
from harness.claims.printed import PrintedNumber
from harness.pictures.cohort_plot import Array, subgroup_boxes
from harness.pictures.heat_plot import heat_plot
from harness.pictures.interval_plot import Group, Row, interval_plot
from harness.pictures.selection_plot import Stage, selection
from harness.run.results import ClaimResult, Picture

SPEC = Path(__file__).parent / "print_figures.toml"
EVIDENCE, CASE = "recomputed from print", "print"


class _Drawing(Strict):
    """What every picture from print has."""

    name: str
    """Name of the picture and of its PNG."""
    paper: str
    """Name of the paper whose ledger has the numbers."""
    title: str
    """Heading of the picture in the report."""
    alt: str
    """What the picture shows, for readers who do not see it."""


class RowGroup(Strict):
    """Rows under a heading."""

    heading: str
    """What stands over the rows."""
    rows: list[tuple[str, str]]
    """Label and stem of the ids of each row."""


class Intervals(_Drawing):
    """Printed estimates with their intervals."""

    scale: Literal["log", "linear"]
    """Scale of the axis."""
    xlabel: str
    """Name of the axis, with its unit."""
    suffixes: tuple[str, str, str]
    """What follows the stem in the ids of the estimate, of its lower and of its upper limit."""
    second: str
    """What the recomputed intervals are, in words under the plot."""
    groups: list[RowGroup]
    """The rows, by heading."""


class Cell(Strict):
    """A place of the heat map whose odds ratio is printed."""

    x: float
    """First score, in z."""
    y: float
    """Second score, in z."""
    printed: str
    """Id of the odds ratio that the paper prints for this place."""


class Combined(_Drawing):
    """Odds ratios at combinations of two scores, from one printed ratio for each."""

    x: str
    """Id of the odds ratio of the first score."""
    y: str
    """Id of the odds ratio of the second score."""
    unit: str
    """Id of the number of z that both odds ratios are per."""
    grid: str
    """Id of the printed scores at which cells are drawn, on both axes."""
    axes_names: tuple[str, str]
    """Names of the two axes."""
    cells: list[Cell]
    """The places whose odds ratio the paper prints."""


class BoxGroup(Strict):
    """Boxes of one condition."""

    condition: str
    """Name of the condition, over its boxes."""
    rows: list[tuple[str, str]]
    """Label and stem of the ids of each box."""


class Boxes(_Drawing):
    """Printed quartiles."""

    measures: dict[str, str]
    """Words for each measure, by the part of the ids that names it."""
    groups: list[BoxGroup]
    """The boxes, by condition."""


class StageIds(Strict):
    """One box of a flow."""

    label: str
    """What stands in the box."""
    id: str
    """Id of the number of persons in it."""
    left_out: str | None = None
    """Id of the number of those who leave after it; None where nobody does."""
    why: str = ""
    """Why they leave, in words; empty where nobody does."""


class Selection(_Drawing):
    """A printed flow of selection."""

    stages: list[StageIds]
    """The boxes from top to bottom."""


class PrintFigures(Strict):
    """All pictures from print."""

    intervals: list[Intervals]
    """Pictures of estimates with intervals."""
    combined: list[Combined]
    """Heat maps of combined odds ratios."""
    boxes: list[Boxes]
    """Pictures of quartiles."""
    selections: list[Selection]
    """Flows of selection."""


@dataclass(frozen=True)
class _Paper:
    """One paper as the pictures read it."""

    ledger: Ledger
    """Its printed numbers."""
    claims: Mapping[str, ClaimResult]
    """Its judged claims, by id."""

    def printed(self, key: str) -> list[PrintedNumber]:
        """All numbers of an entry; none where the ledger has no such entry or the entry has no number."""
        try:
            return self.ledger.number(key).parsed()
        except (KeyError, ValueError):
            return []

    def value(self, key: str) -> float | None:
        """The first number of an entry."""
        found = self.printed(key)
        return float(found[0].value) if found else None

    def recomputed(self, key: str) -> float | None:
        """The middle of what a claim was recomputed as; None where it was not."""
        claim = self.claims.get(key)
        return None if claim is None or claim.interval is None else sum(claim.interval) / 2


@cache
def _spec(path: Path = SPEC) -> PrintFigures:
    """Raises RequestFault with the field that is wrong."""
    return load_toml(PrintFigures, path, "see harness/report/print_figures.py")


def draw(claims: Sequence[ClaimResult], ledgers: Sequence[Ledger], run_folder: Path) -> list[Picture]:
    """Draw what the ledgers allow into `run_folder`/print/pictures. Raises RequestFault for a wrong specification."""
    spec = _spec()
    papers = {
        ledger.paper: _Paper(ledger, {c.claim: c for c in claims if c.paper == ledger.paper}) for ledger in ledgers
    }
    made = []
    for one in (*spec.intervals, *spec.combined, *spec.boxes, *spec.selections):
        path = run_folder / CASE / "pictures" / f"{one.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if one.paper in papers and _DRAW[type(one)](one, papers[one.paper], path):
            place = path.relative_to(run_folder).as_posix()
            made.append(Picture(case=CASE, path=place, title=one.title, evidence=EVIDENCE, alt=one.alt))
    return made


def _intervals(one: Intervals, paper: _Paper, path: Path) -> bool:
    groups = []
    for group in one.groups:
        rows = []
        for label, stem in group.rows:
            keys = [stem + suffix for suffix in one.suffixes]
            centre, low, high = (paper.value(key) for key in keys)
            other = (paper.recomputed(keys[0]), paper.recomputed(keys[1]), paper.recomputed(keys[2]))
            if centre is not None:
                rows.append(Row(label, centre, low, high, second=None if other[0] is None else other))
        if rows:
            groups.append(Group(group.heading, rows))
    if not groups:
        return False
    interval_plot(
        groups,
        path,
        one.title,
        EVIDENCE,
        xlabel=one.xlabel,
        log=one.scale == "log",
        notes=[one.second],
    )
    return True


def _combined(one: Combined, paper: _Paper, path: Path) -> bool:
    ratios = [paper.printed(key) for key in (one.x, one.y)]
    unit, grid = paper.value(one.unit), paper.printed(one.grid)
    if not all(ratios) or unit is None or not grid:
        return False
    printed = {(cell.x, cell.y): paper.value(cell.printed) for cell in one.cells}
    cells = {}
    scores = [float(n.value) for n in grid]
    for place in product(scores, scores):
        powers = [z / unit for z in place]
        ends = []
        for number, power in zip(ratios, powers, strict=True):
            half = number[0].step / 2
            ends.append(sorted(float(v) ** power for v in (number[0].value - half, number[0].value + half)))
        middle = float(np.prod([float(n[0].value) ** p for n, p in zip(ratios, powers, strict=True)]))
        lines = [f"{ends[0][0] * ends[1][0]:.3f} to {ends[0][1] * ends[1][1]:.3f}"]
        if (said := printed.get(place)) is not None:
            lines.append(f"printed {said:.2f}")
        cells[place] = (middle, lines)
    notes = [
        "Each cell: the two printed odds ratios, raised to z over their unit and multiplied (no interaction).",
        "Under it, the range that their roundings allow. Framed: the paper prints this cell.",
    ]
    heat_plot(cells, path, one.title, EVIDENCE, axes_names=one.axes_names, notes=notes, marked=frozenset(printed))
    return True


def _boxes(one: Boxes, paper: _Paper, path: Path) -> bool:
    boxes: dict[tuple[str, str], list[tuple[str, Array, int | None]]] = {}
    for group in one.groups:
        for measure, words in one.measures.items():
            for label, stem in group.rows:
                quartiles = [paper.value(f"{stem}.{measure}.{part}") for part in ("q1", "median", "q3")]
                count = paper.value(f"{stem}.n")
                if None not in quartiles:
                    five = np.array([np.nan, *quartiles, np.nan], dtype=float)
                    entry = (label, five, None if count is None else int(count))
                    boxes.setdefault((group.condition, words), []).append(entry)
    if not boxes:
        return False
    notes = [
        "Under each box: participants. Box and line: first quartile, median and third quartile as the paper prints",
        "them; no whiskers are printed.",
    ]
    subgroup_boxes(boxes, path, one.title, EVIDENCE, notes=notes)
    return True


def _selection(one: Selection, paper: _Paper, path: Path) -> bool:
    stages = []
    for stage in one.stages:
        number = paper.value(stage.id)
        left_out = paper.value(stage.left_out) if stage.left_out else None
        if number is None or (stage.left_out and left_out is None):
            return False
        stages.append(Stage(stage.label, number, None if left_out is None else (left_out, stage.why)))
    selection(stages, path, one.title, EVIDENCE, notes=["Beside the arrows: the subtraction of the printed numbers."])
    return True


_DRAW: dict[type[_Drawing], Callable[..., bool]] = {
    Intervals: _intervals,
    Combined: _combined,
    Boxes: _boxes,
    Selection: _selection,
}
