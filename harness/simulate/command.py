"""`myorepro simulate`: one case's simulations with any number of draws: tables, pictures, checks and report.

Finished draws are in the cache that `reproduce` uses too, so a larger number of draws begins with those that are there.
"""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.progress import Progress
from harness.reproduce.session import Options, reproduce
from harness.run.case import load_cases
from harness.run.pipeline import CaseRun
from harness.run.results import Results
from harness.run.steps.simulation import Simulation

SHOWN = ("mean_truth", "mean_estimate", "bias", "empirical_se", "model_se", "coverage", "power", "used", "missing")
PERCENT = ("coverage", "power")


def simulate(name: str, draws: int, options: Options, progress: Progress) -> tuple[Results, list[str]]:
    """Run the case `name` with so many draws in each simulation; the results, and the lines of a table
    for each simulation.

    Writes what `reproduce` writes into `options.report`, and next to it `<step>.json`, `<step>.csv` and the pictures.
    Raises RequestFault for a case that is unknown or has no simulation.
    """
    [case] = load_cases([name])
    if not case.steps_of(Simulation):
        have = [c.name for c in load_cases() if c.steps_of(Simulation)]
        raise RequestFault("has no simulation", where=f"case {name}", fix=f"cases that have: {', '.join(have)}")
    lines: list[str] = []

    def export(runs: list[CaseRun]) -> None:
        for run in runs:
            lines.extend(_export(run, options.report))

    return reproduce(replace(options, cases=[name], draws=draws), progress, export), lines


def _export(run: CaseRun, out: Path) -> list[str]:
    """Copy the summaries and pictures that people keep. Raises EnvironmentFault."""
    lines: list[str] = []
    try:
        for step in run.case.steps_of(Simulation):
            outcome = run.outcomes.get(step, {}).get("draws")
            if outcome is None:
                continue
            for output, ending in (("simulation", "json"), ("table", "csv")):
                if path := outcome.output(output):
                    shutil.copyfile(path, out / f"{step}.{ending}")
            if path := outcome.output("table"):
                lines += _lines(step, path)
        for picture in sorted((run.context.run_folder / run.case.name / "pictures").glob("*.png")):
            shutil.copyfile(picture, out / picture.name)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(out), fix="free space or give another folder with --out"
        ) from error
    return lines


def _lines(step: str, path: Path) -> list[str]:
    """The measures that people look at first, each with its Monte-Carlo standard error, in columns."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    head = ["estimate", *(name.replace("_", " ") for name in SHOWN)]
    cells = [[_label(row), *(_cell(row, name) for name in SHOWN)] for row in rows]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    table = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in [head, *cells]]
    return [f"{step} (± Monte-Carlo standard error)", *(line.rstrip() for line in table), ""]


def _label(row: dict[str, str]) -> str:
    return " ".join(part for part in (row["level"], row["label"], row["name"]) if part)


def _cell(row: dict[str, str], name: str) -> str:
    if not row.get(name):
        return ""
    factor, unit = (100.0, " %") if name in PERCENT else (1.0, "")
    text = f"{float(row[name]) * factor:.4g}"
    error = row.get(f"{name}_mcse")
    return text + (f" ± {float(error) * factor:.2g}" if error else "") + unit
