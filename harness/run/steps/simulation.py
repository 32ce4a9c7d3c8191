"""From the records of all draws to performance: metrics, `simulation.json` and the table `simulation.csv`.

Invariants: a draw without a result, or without this estimate or its interval, is counted under the name of what it
lacks, and no number is taken over fewer draws without that count beside it.
"""

import fnmatch
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.record import Metric, Record
from containers.contract.table import write_table
from harness.run.steps.performance import TOO_FEW, Draws, Measure, normal_interval, performance

if TYPE_CHECKING:
    from harness.run.steps.builtin import Made, Task

IN_UNIT = ("bias", "empirical_se", "model_se", "mean_estimate", "mean_truth", "shift")
"""Measures in the unit of the estimate; others are pure numbers, but for those named in UNITS."""
UNITS = {"used": "draws", "missing": "draws", "intervals": "draws", "se_error_percent": "%"}


def summarise(task: "Task", folder: Path) -> "Made":
    """Built-in step `simulation`. Inputs: `record.DRAW` and `truth.DRAW`. Raises ItemFault for names without truth."""
    from harness.run.steps.builtin import Made

    p = task.parameters
    records = {n.removeprefix("record."): _metrics(path) for n, path in task.inputs.items() if n.startswith("record.")}
    truths = {item: _truth(task.inputs[f"truth.{item}"]) for item in records}
    made = Made(files={"simulation": "simulation.json", "table": "simulation.csv"})
    made.metrics["draws"] = Metric(value=p["draws"] * len(p["levels"]), unit="draws")
    made.metrics["draws_failed"] = Metric(value=len(p["failed"]), unit="draws")
    rows = []
    for level in p["levels"]:
        items = [i for i in records if not level["id"] or i.startswith(f"{level['id']}.")]
        for spec in p["estimates"]:
            for name in _names(spec, [truths[i] for i in items]):
                row = _row(spec, name, p["confidence"], [(records[i], truths[i]) for i in items])
                row |= _shift(spec, name, level["id"], p["levels"][0]["id"], records)
                label = ".".join(part for part in (level["id"], spec["label"], name) if part)
                about = {"level": level["id"], "label": spec["label"] or "", "name": name, "unit": spec["unit"]}
                rows.append({**about, **_plain(row)})
                for measure, found in row.items():
                    unit = _unit(measure, spec["unit"])
                    made.metrics[f"{measure}.{label}"] = Metric(value=found.value, unit=unit, note=found.note)
    if not rows:
        raise ItemFault("no true value has a name that matches", where="estimates", mend="mend the patterns")
    made.warnings = [f"draw {item} failed: {line}" for item, line in p["failed"].items()]
    said = {key: p[key] for key in ("phantom", "stage", "draws", "first_seed", "confidence", "levels", "failed")}
    write_json(folder / "simulation.json", {"schema_version": "1.0", **said, "estimates": rows})
    columns = list(dict.fromkeys(key for row in rows for key in row))
    write_table(folder / "simulation.csv", {key: [row.get(key) for row in rows] for key in columns})
    return made


def _metrics(path: Path) -> dict[str, Metric]:
    return Record.model_validate_json(path.read_bytes()).metrics


def _truth(path: Path) -> dict[str, float]:
    return dict(Record.model_validate_json(path.read_bytes()).details["truth"])


def _names(spec: dict[str, Any], truths: list[dict[str, float]]) -> list[str]:
    """Metric names with a truth in any draw that match the spec's patterns."""
    prefix = f"{spec['quantity']}."
    every = dict.fromkeys(name for truth in truths for name in truth if name.startswith(prefix))
    return [n for n in every if any(fnmatch.fnmatchcase(n.removeprefix(prefix), p) for p in spec["names"])]


def _row(
    spec: dict[str, Any], name: str, level: float, draws: list[tuple[dict[str, Metric], dict[str, float]]]
) -> dict[str, Measure]:
    """Measures of one estimate over the draws that have it."""
    rest = name.removeprefix(f"{spec['quantity']}.")

    def column(quantity: str | None, values: list[dict[str, Metric]]) -> Any:
        if quantity is None:
            return None
        found = [metrics.get(f"{quantity}.{rest}") for metrics in values]
        return np.array([math.nan if m is None or m.value is None else float(m.value) for m in found])

    metrics = [record for record, truth in draws if name in truth]
    true = np.array([truth[name] for _record, truth in draws if name in truth])
    estimate = column(spec["quantity"], metrics)
    known = np.isfinite(estimate)
    error = column(spec["standard_error"], metrics)
    low, high = column(spec["low"], metrics), column(spec["high"], metrics)
    if spec["interval"] == "normal":
        low, high = normal_interval(estimate, error, level)
    parts = [None if part is None else part[known] for part in (error, low, high)]
    row = performance(Draws(estimate[known], true[known], *parts), null=spec["null"], level=level)
    row["missing"] = Measure(float((~known).sum()))
    if spec["exponentiate"] and row["bias"].value is not None:
        row |= _ratio("ratio", row["bias"].value, float(row["bias_mcse"].value or 0.0))
    return row


def _shift(
    spec: dict[str, Any], name: str, level: str, first: str, records: dict[str, dict[str, Metric]]
) -> dict[str, Measure]:
    """Mean difference to the estimates at the first level, draw by draw: both have the same participants, so that most
    of the sampling error cancels. With `exponentiate` also as a ratio of odds ratios. Nothing at the first level."""
    if level == first:
        return {}
    pairs = []
    for item, metrics in records.items():
        there, _, seed = item.rpartition(".")
        both = [one.get(name) for one in (metrics, records.get(f"{first}.{seed}", {}))]
        if there == level and all(m is not None and m.value is not None for m in both):
            pairs.append([float(m.value) for m in both if m is not None and m.value is not None])
    if len(pairs) < 2:
        return {"shift": Measure(None, TOO_FEW)}
    difference = np.subtract(*np.array(pairs).T)
    shift, error = float(difference.mean()), float(difference.std(ddof=1)) / math.sqrt(len(pairs))
    found = {"shift": Measure(shift), "shift_mcse": Measure(error)}
    return found | (_ratio("shift_ratio", shift, error) if spec["exponentiate"] else {})


def _ratio(name: str, log: float, mcse: float) -> dict[str, Measure]:
    """exp of a mean log: a ratio of geometric means of odds ratios; its MCSE by the delta method."""
    return {name: Measure(math.exp(log)), f"{name}_mcse": Measure(math.exp(log) * mcse)}


def _plain(row: dict[str, Measure]) -> dict[str, float | None]:
    return {measure: found.value for measure, found in row.items()}


def _unit(measure: str, unit: str) -> str:
    base = measure.removesuffix("_mcse")
    if base in IN_UNIT:
        return unit
    return UNITS.get(base, f"{unit}²" if base == "mean_squared_error" and unit != "1" else "1")
