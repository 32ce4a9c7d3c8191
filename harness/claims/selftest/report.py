"""The self-test: clean tables must raise no alarm; of tables with one error it is counted how many are found."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from rich.table import Table

from containers.contract.errors import RequestFault
from harness.claims import judge_ledger
from harness.claims.selftest import counts, groups, models
from harness.claims.selftest.sheet import ROUNDINGS, Sheet
from harness.claims.selftest.slips import SLIPS, slip
from harness.run.results import Verdict

DEPTHS = (0, 1, 2, 3)
Maker = Callable[[Sheet], None]
MAKERS: dict[Maker, tuple[str, ...]] = {**counts.FAULTS, **groups.FAULTS, **models.FAULTS}


@dataclass
class Rate:
    """How many of the tables with one error were found."""

    made: int = 0
    """Tables with the error."""
    found: int = 0
    """Those of them that the audit contradicts or refuses."""

    @property
    def share(self) -> float | None:
        return self.found / self.made if self.made else None


@dataclass
class SelfTestResult:
    """Clean tables and their false alarms; detection by table and error, and by depth."""

    clean: int = 0
    """Tables without an error that were audited."""
    claims: int = 0
    """Claims in them."""
    false_alarms: list[str] = field(default_factory=list)
    """One line for each alarm in a clean table."""
    rates: dict[tuple[str, str], dict[int, Rate]] = field(default_factory=dict)
    """Tables made and found, by table and error and then by digits after the point."""

    def lines(self) -> list[str]:
        """The result in words."""
        return [
            f"clean tables: {self.clean} with {self.claims} claims, {len(self.false_alarms)} false alarms",
            *self.false_alarms[:20],
        ]


def make(maker: Maker, seed: str, depth: int, rounding: str, fault: str = "") -> Sheet:
    """One made table. Equal arguments give equal tables."""
    sheet = Sheet(random.Random(f"{maker.__name__}/{seed}"), depth, rounding, fault)
    maker(sheet)
    if fault in SLIPS:
        slip(sheet, fault)
    return sheet


def contradicted(sheet: Sheet) -> list[str]:
    """Claims that the engine contradicts, or the fault by which it refuses the table as impossible."""
    try:
        results = judge_ledger(sheet.ledger(), [])
    except RequestFault as fault:
        return [f"refused: {fault}"]
    return [f"{r.claim}: {r.reason}" for r in results if r.verdict == Verdict.CONTRADICTED]


def clean_tables(per_kind: int, makers: Iterable[Maker]) -> Iterator[tuple[str, Sheet]]:
    """Tables without an error, at every depth and by every rounding in turn."""
    roundings = list(ROUNDINGS)
    for maker in makers:
        for i in range(per_kind):
            depth, rounding = DEPTHS[i % len(DEPTHS)], roundings[i // len(DEPTHS) % len(roundings)]
            name = f"{maker.__name__} {i}, {depth} digits, {rounding}"
            yield name, make(maker, str(i), depth, rounding)


def count_false_alarms(per_kind: int, result: SelfTestResult, makers: Iterable[Maker] = tuple(MAKERS)) -> None:
    """Add the clean tables to a result."""
    for name, sheet in clean_tables(per_kind, makers):
        result.clean += 1
        result.claims += len(sheet.claims)
        result.false_alarms += [f"{name}: {reason}" for reason in contradicted(sheet)]


def count_found(per_error: int, result: SelfTestResult) -> None:
    """Add tables with one error each. Only errors that changed what is printed count."""
    for maker, faults in MAKERS.items():
        for fault in (*faults, *SLIPS):
            by_depth = result.rates.setdefault((maker.__name__, fault), {d: Rate() for d in DEPTHS})
            for depth in DEPTHS:
                for i in range(per_error):
                    sheet = make(maker, f"fault {i}", depth, "half-up", fault)
                    clean = make(maker, f"fault {i}", depth, "half-up")
                    if not sheet.seeded or (sheet.claims, sheet.numbers) == (clean.claims, clean.numbers):
                        continue
                    by_depth[depth].made += 1
                    by_depth[depth].found += bool(contradicted(sheet))


def run(per_kind: int = 240, per_error: int = 30) -> SelfTestResult:
    """The whole self-test."""
    result = SelfTestResult()
    count_false_alarms(per_kind, result)
    count_found(per_error, result)
    return result


def _cell(rate: Rate) -> str:
    return "–" if rate.share is None else f"{100 * rate.share:.0f} %"


def by_error(result: SelfTestResult) -> dict[str, dict[int, Rate]]:
    """Rates by error and depth, over all tables that it was made in."""
    found: dict[str, dict[int, Rate]] = {}
    for (_, fault), by_depth in result.rates.items():
        total = found.setdefault(fault, {depth: Rate() for depth in DEPTHS})
        for depth, rate in by_depth.items():
            total[depth].made += rate.made
            total[depth].found += rate.found
    return found


def tables(result: SelfTestResult) -> list[Table]:
    """Detection by error, a column for each depth of rounding."""
    table = Table("error", "tables", *(f"{depth} digits" for depth in DEPTHS), title="errors found")
    for fault, by_depth in by_error(result).items():
        made = sum(rate.made for rate in by_depth.values())
        table.add_row(fault, str(made), *(_cell(by_depth[depth]) for depth in DEPTHS))
    return [table]
