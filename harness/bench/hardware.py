"""Results of machines that were measured, kept in `reference_results/hardware/`: what claims about speed rest on."""

from dataclasses import dataclass
from pathlib import Path

from harness.bench.fingerprint import label
from harness.bench.results import load
from harness.bench.statistics import Interval
from harness.project import ROOT

PYTEST = ".pytest-benchmark.json"
"""Ending of the file for pytest-benchmark, next to the results file."""
HARDWARE = ROOT / "reference_results" / "hardware"


@dataclass(frozen=True)
class Figure:
    """Time of one call on one machine."""

    row: str
    """Name of the row in the results file."""
    machine: str
    """The machine in a few words."""
    device: str
    """What did the work: a GPU's name, or the processor's."""
    seconds: Interval
    """Median seconds of a call, with its interval."""
    parameters: dict[str, float | int | str | bool]
    """Sizes and settings of the work, by name."""
    checked: bool
    """Whether all accuracy checks of the row passed."""
    other_work: float | None
    """Share of the cores' time that other programs took meanwhile; None where the system does not say."""
    source: str
    """Name of the results file."""


def figures(row: str, folder: Path = HARDWARE) -> list[Figure]:
    """What each kept file measured of a row, by file name; empty where no file has it. Raises Fault for a bad file."""
    found = []
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(PYTEST):
            continue
        results = load(path)
        for one in results.rows:
            if one.name != row or one.ours.measured is None:
                continue
            machine = results.fingerprint.machine
            gpu = machine.gpus[0].name if one.device == "cuda" and machine.gpus else machine.cpu
            found.append(
                Figure(
                    row=row, machine=label(machine), device=gpu, seconds=one.ours.measured.interval,
                    parameters=dict(one.parameters), checked=all(check.passed for check in one.checks),
                    other_work=results.other_work, source=path.name,
                )
            )  # fmt: skip
    return found
