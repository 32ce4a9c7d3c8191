"""Claims about speed, from the results files that `myorepro bench` left in `reference_results/hardware/`.

A measured time under the printed bound makes a claim consistent, never reproduced: the machine is not the paper's. A
longer time on another machine contradicts nothing. Only rows at the paper's sizes count.
"""

from fractions import Fraction
from pathlib import Path

from harness.bench.hardware import HARDWARE, Figure, figures
from harness.claims.ledger import Claim
from harness.claims.printed import numbers
from harness.run.results import Verdict

SECONDS = {"s": 1, "min": 60, "h": 3600}


def _told(figure: Figure) -> str:
    time = figure.seconds
    found = f"{figure.device}: {time.value:.3g} s ({time.low:.3g} to {time.high:.3g})"
    busy = f", other programs took {100 * figure.other_work:.0f} % of the machine" if figure.other_work else ""
    return f"{found}{busy} ({figure.source})"


def by_bench(claim: Claim, folder: Path = HARDWARE) -> tuple[Verdict, str, list[str]]:
    """Verdict, reason and one line per machine for a claim that prints an upper bound of a time. Raises Fault for a
    bad results file."""
    bound = max(number.value for number in numbers(claim.printed)) * SECONDS[claim.unit]
    full = [figure for figure in figures(claim.bench, folder) if figure.parameters.get("preset") == "full"]
    lines = [_told(figure) for figure in full]
    how = f"test it with: {claim.command}"
    if not full:
        return Verdict.NOT_TESTABLE, f"Needs {claim.needs}; no machine has been measured at full size; {how}", lines
    if any(Fraction(figure.seconds.high) < bound for figure in full):
        reason = f"A machine that was measured stays under {float(bound):g} s; the paper's own was not measured."
        return Verdict.CONSISTENT, reason, lines
    reason = f"Needs {claim.needs}; the machines that were measured take longer, which contradicts nothing; {how}"
    return Verdict.NOT_TESTABLE, reason, lines
