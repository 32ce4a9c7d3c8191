"""`myorepro bench compare A B`: how many times longer B takes than A, row by row, with intervals.

Two results are ranked only when machine and libraries are the same and the work has the same parameters: a time from
another machine is not a regression. Exit status 0 nothing is slower, 1 something is, 4 nothing could be ranked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.markup import escape
from rich.table import Table

from containers.contract.errors import RequestFault
from harness.bench.fingerprint import differences, label
from harness.bench.results import BenchResults, Machine, Row
from harness.bench.statistics import Interval, ratio_interval
from harness.bench.table import BUSY, seconds_text
from harness.run.results import ExitStatus

Saying = Literal["slower", "faster", "same", "not decided", "not ranked"]


@dataclass(frozen=True)
class Compared:
    """One row of both files."""

    name: str
    """Name of the row."""
    device: str
    """Where the work was done: `cpu` or `cuda`."""
    a: float | None
    """Median seconds of our method in the first file; None where it has none."""
    b: float | None
    """Median seconds of our method in the second file; None where it has none."""
    ratio: Interval | None
    """Time in the second file over that in the first, with its interval; None where they are not ranked."""
    says: Saying
    """What the ratio's interval says."""
    why: str = ""
    """Why the row is not ranked; empty for one that is."""


@dataclass(frozen=True)
class Comparison:
    """Two results files, row by row."""

    rows: list[Compared]
    """The rows of either file."""
    differs: dict[str, tuple[str, str]]
    """Fields of the fingerprints that differ and were not allowed to, with both values; any of them forbids ranking."""
    allowed: dict[str, tuple[str, str]]
    """Fields that differ and were allowed to, with both values."""

    @property
    def ranked(self) -> list[Compared]:
        """The rows that were."""
        return [row for row in self.rows if row.says != "not ranked"]


def compare(a: BenchResults, b: BenchResults, *, margin: float = 0.05, ignore: Sequence[str] = ()) -> Comparison:
    """Compare two results. margin: a change within it counts as none. ignore: fields that may differ.

    Raises RequestFault for a field that no fingerprint has.
    """
    known = [*Machine.model_fields, "libraries"]
    if unknown := [name for name in ignore if name not in known]:
        raise RequestFault(f"no field {unknown[0]!r}", where="--ignore", fix=f"known: {', '.join(known)}")
    if not 0 <= margin < 1:
        raise RequestFault(f"must lie from 0 up to 1, got {margin:g}", where="--margin", fix="0.05 means 5 %")
    found = differences(a.fingerprint, b.fingerprint)
    differs = {name: pair for name, pair in found.items() if name not in ignore}
    left, right = a.by_name, b.by_name
    rows = [_row(left.get(key), right.get(key), bool(differs), margin) for key in dict.fromkeys([*left, *right])]
    return Comparison(rows, differs, {name: pair for name, pair in found.items() if name in ignore})


def _row(a: Row | None, b: Row | None, other_machine: bool, margin: float) -> Compared:
    one = a or b
    assert one is not None
    first, second = a.ours.measured if a else None, b.ours.measured if b else None
    medians = first.median if first else None, second.median if second else None
    if a is None or b is None:
        return Compared(one.name, one.device, *medians, None, "not ranked", f"only in {'A' if a else 'B'}")
    if first is None or second is None:
        where = "A" if first is None else "B"
        return Compared(one.name, one.device, *medians, None, "not ranked", f"not measured in {where}")
    if (a.parameters, a.threads) != (b.parameters, b.threads):
        return Compared(one.name, one.device, *medians, None, "not ranked", "other parameters or threads")
    ratio = ratio_interval(second.seconds, first.seconds)
    if other_machine:
        return Compared(one.name, one.device, *medians, ratio, "not ranked", "other machine or libraries")
    if ratio is None:
        return Compared(one.name, one.device, *medians, None, "not decided", "too few calls for an interval")
    return Compared(one.name, one.device, *medians, ratio, says(ratio, margin))


def says(ratio: Interval, margin: float) -> Saying:
    """What an interval of a ratio says of a change that must exceed `margin` to count."""
    if ratio.low > 1 + margin:
        return "slower"
    if ratio.high < 1 / (1 + margin):
        return "faster"
    return "same" if ratio.low >= 1 / (1 + margin) and ratio.high <= 1 + margin else "not decided"


def exit_status(found: Comparison, *, across: bool) -> int:
    """1 something is slower; 4 nothing could be ranked, unless the machines are known to differ (`across`)."""
    if any(row.says == "slower" for row in found.rows):
        return ExitStatus.MISMATCH
    return ExitStatus.OK if found.ranked or (across and found.differs) else ExitStatus.INCOMPLETE


def table(found: Comparison) -> Table:
    """Both times side by side."""
    made = Table("work", "device", "A", "B", "B takes times A", "95 %", "B is")
    for row in found.rows:
        times = ["" if value is None else seconds_text(value) for value in (row.a, row.b)]
        ratio = f"{row.ratio.value:.3g}" if row.ratio else ""
        interval = f"{row.ratio.low:.3g} to {row.ratio.high:.3g}" if row.ratio else ""
        said = f"{row.says}: {row.why}" if row.why else row.says
        made.add_row(*(escape(cell) for cell in (row.name, row.device, *times, ratio, interval, said)))
    return made


def last_lines(found: Comparison, a: BenchResults, b: BenchResults) -> Iterator[str]:
    """Which results these are, and why they were not ranked."""
    for name, one in (("A", a), ("B", b)):
        revision = one.fingerprint.code.revision or "no revision"
        yield f"{name}: {label(one.fingerprint.machine)}; {revision}; {one.measured_on}"
        if one.other_work is not None and one.other_work > BUSY:
            yield f"{name}: other programs took {100 * one.other_work:.0f} % of the machine"
    for stage in sorted(a.fingerprint.code.images.keys() | b.fingerprint.code.images.keys()):
        pair = [one.fingerprint.code.images.get(stage, "none") for one in (a, b)]
        if pair[0] != pair[1]:
            yield f"image of {stage}: A {pair[0]}, B {pair[1]}"
    for field, (left, right) in found.allowed.items():
        yield f"differs, as allowed: {field}: A {left}; B {right}"
    for field, (left, right) in found.differs.items():
        yield f"differs: {field}: A {left}; B {right}"
    if found.differs:
        yield "other machine or libraries: side by side only, nothing is called slower or faster"
