"""Claims about speed: what a stored bench file can say of a printed bound, and what it cannot."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.claims.hardware import by_bench
from harness.claims.ledger import Claim
from harness.run.results import Verdict
from tests.bench.made import results, row

ENTRY: dict[str, Any] = {
    "id": "speed",
    "place": "Discussion",
    "quantity": "time of one volume",
    "printed": "under 2 min",
    "unit": "min",
    "route": "hardware",
    "needs": "the paper's GPU",
    "command": "myorepro bench",
    "bench": "inference.thigh_full",
}


def kept(folder: Path, seconds: float, preset: str = "full") -> Path:
    """A folder with one results file in which the row took so long."""
    times = [seconds * share for share in (0.99, 1.0, 1.01)] * 3
    found = results([row("inference.thigh_full", times, parameters={"preset": preset})])
    (folder / "made_up.json").write_text(found.model_dump_json())
    return folder


@pytest.mark.parametrize(
    ("seconds", "preset", "verdict", "said"),
    [
        (90.0, "full", Verdict.CONSISTENT, "stays under 120 s"),
        (119.9, "full", Verdict.NOT_TESTABLE, "contradicts nothing"),  # its limits reach above
        (600.0, "full", Verdict.NOT_TESTABLE, "contradicts nothing"),
        (1.0, "small", Verdict.NOT_TESTABLE, "no machine has been measured at full size"),
    ],
)
def test_only_a_time_under_the_bound_at_full_size_counts(
    tmp_path: Path, seconds: float, preset: str, verdict: Verdict, said: str
) -> None:
    found, reason, lines = by_bench(Claim.model_validate(ENTRY), kept(tmp_path, seconds, preset))
    assert found == verdict and said in reason
    assert len(lines) == (preset == "full")


def test_without_a_file_the_command_is_told(tmp_path: Path) -> None:
    found, reason, _ = by_bench(Claim.model_validate(ENTRY), tmp_path)
    assert found == Verdict.NOT_TESTABLE and "test it with: myorepro bench" in reason


def test_a_bench_row_belongs_to_the_hardware_route() -> None:
    with pytest.raises(ValidationError, match="bench belongs to route hardware"):
        Claim.model_validate(ENTRY | {"route": "licensed"})
