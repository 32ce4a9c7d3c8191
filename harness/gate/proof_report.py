"""The two tables of `myorepro mutants`, and its last lines."""

from rich.markup import escape
from rich.table import Table

from harness.gate.comparison import LARGEST
from harness.gate.proof_result import Caught, Proof, Strongest


def _moved(strongest: list[Strongest]) -> str:
    if not strongest or strongest[0].tolerances is None:
        return "–"
    moved = strongest[0].tolerances
    return f"more than {LARGEST:.0e}" if abs(moved) >= LARGEST else f"{moved:+.3g}"


def tables(proof: Proof) -> list[Table]:
    """Mutant by the metric that moved most, and variation by the one that came furthest."""
    made = []
    if proof.mutants:
        table = Table("mutant", "stands for", "result", "numbers moved", "most", "by tolerances", title="Seeded faults")
        for m in proof.mutants:
            where = f"{m.strongest[0].case}: {m.strongest[0].metric}" if m.strongest else m.note or "–"
            row = (m.id, m.stands_for, m.caught.value, f"{m.moved} of {m.compared}", where, _moved(m.strongest))
            table.add_row(*map(escape, row))
        made.append(table)
    if proof.variations:
        table = Table(
            "variation", "cases", "numbers", "alarms", "furthest", "by tolerances", title="Harmless variations"
        )
        for v in proof.variations:
            where = f"{v.strongest[0].case}: {v.strongest[0].metric}" if v.strongest else "–"
            row = (v.name, str(len(v.cases)), str(v.compared), str(v.alarms), v.note or where, _moved(v.strongest))
            table.add_row(*map(escape, row))
        made.append(table)
    return made


def last_lines(proof: Proof) -> list[str]:
    """Last lines: what was not as it must be, and the counts."""
    lines = [
        f"{m.caught.value}: {m.id} ({m.stands_for}) {m.note}".rstrip()
        for m in proof.mutants
        if m.caught != Caught.CAUGHT
    ]
    lines += [f"alarm: {v.name} {v.note}".rstrip() for v in proof.variations if v.alarms or v.note]
    caught = sum(m.caught == Caught.CAUGHT for m in proof.mutants)
    quiet = sum(not (v.alarms or v.note) for v in proof.variations)
    lines.append(
        f"{caught} of {len(proof.mutants)} mutants caught, {quiet} of {len(proof.variations)} harmless variations "
        f"quiet (exit status {proof.exit_status})"
    )
    return lines
