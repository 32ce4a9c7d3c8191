"""From the records of all draws to performance: metrics, `simulation.json` and the table `simulation.csv`.

Invariants: a draw without a result, or without this estimate or its interval, is counted under the name of what it
lacks, and no number is taken over fewer draws without that count next to it.
"""

import fnmatch
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.record import Metric, Record
from containers.contract.request import Strict
from containers.toolkit.tables.table import write_table
from harness.run.steps import examples
from harness.run.steps.base import Example, Files, Name, Reference, Run, StageUse, Step
from harness.run.steps.performance import (
    LEAST_DRAWS,
    TOO_FEW,
    Draws,
    Measure,
    mean_interval,
    normal_interval,
    performance,
)
from harness.run.steps.task import Made, Task, read_record

if TYPE_CHECKING:
    from harness.run.outcome import Outcome


class Estimate(Strict):
    """Metrics of a stage that estimate a phantom's truth of the same name, with one kind of interval."""

    quantity: Name
    """Part of the metrics' names before the first dot."""
    names: list[str] = Field(min_length=1)
    """Patterns of what follows the quantity (`*.pa_third:high`); each true value that matches is a row."""
    standard_error: Name | None = None
    """Quantity that has the standard errors; None where the stage gives none."""
    low: Name | None = None
    """Quantity that has the lower ends of the intervals; None where the stage gives none."""
    high: Name | None = None
    """Quantity that has the upper ends of the intervals; None where the stage gives none."""
    interval: Literal["reported", "normal"] = "reported"
    """`reported`: the stage's own ends; `normal`: estimate and standard error with a normal quantile."""
    label: Name | None = None
    """What stands before the name in the simulation's metrics; None for nothing."""
    null: float = 0.0
    """The value that an interval must leave out to count for power, in `unit`."""
    exponentiate: bool = False
    """Whether the ratio of estimated to true odds ratio is given too, as `ratio`."""
    unit: str = "1"
    """Unit of the estimate; `1` for a pure number."""

    @model_validator(mode="after")
    def _normal_has_an_error(self) -> "Estimate":
        if self.interval == "normal" and self.standard_error is None:
            raise ValueError(f"interval normal of {self.quantity} needs standard_error")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.quantity} needs both low and high, or neither")
        return self


class Simulation(Step):
    """Draws of a cohort phantom through a stage, and the performance of its estimates.

    Gives `simulation` (JSON) and `table` (CSV) for one item, `draws`.
    """

    kind: Literal["simulation"]
    """Marks a simulation step."""
    phantom: Name
    """Name of the cohort phantom that is drawn."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the phantom, but for the seed."""
    full_parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters that join `parameters` in preset full."""
    levels: Reference | None = None
    """An earlier JSON output with a list `levels` of settings (id, parameters, facts) to draw at; None for one
    level."""
    stage: Name
    """Name of the stage that each draw goes through."""
    stage_parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the stage; those not given keep its defaults."""
    inputs: dict[Name, Name] = Field(min_length=1)
    """Output of the phantom by input of the stage."""
    draws: int = Field(ge=2)
    """How many draws at each level; `myorepro simulate --draws N` takes another number."""
    first_seed: int = Field(ge=0)
    """Seed of the first draw; the others follow by ones."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Level of the intervals whose coverage is counted, as a share."""
    estimates: list[Estimate] = Field(min_length=1)
    """The estimates whose performance is summarised, one or more."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        estimate = {"quantity": "effect", "names": ["*"]}
        last = {
            "kind": "simulation", "phantom": "meta_studies", "stage": "lines", "inputs": {"text": "table"},
            "draws": 2, "first_seed": 1, "estimates": [estimate],
        }  # fmt: skip
        inputs = {}
        for number, value in (("1", 0.4), ("2", 0.7)):
            inputs[f"record.{number}"] = examples.record(folder, f"{number}.json", {"effect.all": value})
            inputs[f"truth.{number}"] = examples.record(folder, f"t{number}.json", {}, {"truth": {"effect.all": 0.5}})
        good, bad = (
            Task(
                "simulation", "draws", inputs, {},
                {
                    "phantom": "meta_studies", "stage": "lines 1.0.0", "draws": 2, "first_seed": 1,
                    "confidence": 0.95, "levels": [{"id": "", "facts": {}, "parameters": {}}],
                    "failed": {"3": "why"}, "estimates": [Estimate.model_validate(estimate | changed).model_dump()],
                },
            )
            for changed in ({}, {"quantity": "no_such"})
        )  # fmt: skip
        return Example({"steps": {"last": last}}, good, bad)

    def references(self) -> list[str]:
        return [self.levels] if self.levels else []

    def item_ids(self, name: str, sets: Mapping[str, list[str]]) -> list[str]:
        self.one_source(name, sets)
        return ["draws"]

    def use(self) -> StageUse:
        return StageUse(self.stage, dict(self.inputs), self.stage_parameters, own_items=False)

    def drive(self, run: Run, name: str, items: list[str]) -> dict[str, "Outcome"]:
        return run.draw(name, self)

    def no_verdict(self, record: Record, metric: str) -> str:
        draws = int(record.parameters["draws"])
        # A count is what it is, however few draws there are.
        if draws >= LEAST_DRAWS or metric.split(".")[0] in COUNTS:
            return ""
        return f"{draws} draws are too few for a verdict, which needs {LEAST_DRAWS}"

    def summary(self, files: Files, parameters: dict[str, Any]) -> Task:
        """The task that sums up draws. files: `record.DRAW` and `truth.DRAW`."""
        return self.task("draws", files, parameters)

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Performance of the estimates over the draws of a simulation."""
        return summarise(task, folder)


IN_UNIT = (
    "bias",
    "bias_low",
    "bias_high",
    "empirical_se",
    "model_se",
    "mean_estimate",
    "mean_truth",
    "shift",
    "shift_low",
    "shift_high",
)
"""Measures in the unit of the estimate; others are pure numbers, but for those named in UNITS."""
COUNTS = ("draws", "draws_failed", "used", "missing", "intervals")
"""Measures that are exact, since they count draws."""
UNITS = {"used": "draws", "missing": "draws", "intervals": "draws", "se_error_percent": "%"}


def summarise(task: Task, folder: Path) -> Made:
    """Measures of all estimates. Inputs: `record.DRAW` and `truth.DRAW`. Raises ItemFault for names without truth."""
    p = task.parameters
    records = {n.removeprefix("record."): _metrics(path) for n, path in task.inputs.items() if n.startswith("record.")}
    truths = {item: _truth(task.inputs[f"truth.{item}"]) for item in records}
    made = Made(files={"simulation": "simulation.json", "table": "simulation.csv"})
    made.metrics["draws"] = Metric(value=p["draws"] * len(p["levels"]), unit="draws")
    made.metrics["draws_failed"] = Metric(value=len(p["failed"]), unit="draws")
    rows = []
    for level, spec, name, row in _measured(p, records, truths):
        label = ".".join(part for part in (level, spec["label"], name) if part)
        about = {"level": level, "label": spec["label"] or "", "name": name, "unit": spec["unit"]}
        rows.append({**about, **_plain(row)})
        for measure, found in row.items():
            unit = _unit(measure, spec["unit"])
            made.metrics[f"{measure}.{label}"] = Metric(value=found.value, unit=unit, note=found.note)
    if not rows:
        raise ItemFault("no true value has a name that matches", where="estimates", fix="correct the patterns")
    made.warnings = [f"draw {item} failed: {line}" for item, line in p["failed"].items()]
    said = {key: p[key] for key in ("phantom", "stage", "draws", "first_seed", "confidence", "levels", "failed")}
    write_json(folder / "simulation.json", {"schema_version": "1.0", **said, "estimates": rows})
    columns = list(dict.fromkeys(key for row in rows for key in row))
    write_table(folder / "simulation.csv", {key: [row.get(key) for row in rows] for key in columns})
    return made


def _measured(
    p: dict[str, Any], records: dict[str, dict[str, Metric]], truths: dict[str, dict[str, float]]
) -> Iterator[tuple[str, dict[str, Any], str, dict[str, Measure]]]:
    """Level, estimate, name of the true value and measures, of every estimate at every level. p: of the task; records,
    truths: by draw."""
    first = p["levels"][0]["id"]
    for level in (level["id"] for level in p["levels"]):
        items = [item for item in records if not level or item.startswith(f"{level}.")]
        for spec in p["estimates"]:
            for name in _names(spec, [truths[item] for item in items]):
                row = _row(spec, name, p["confidence"], [(records[item], truths[item]) for item in items])
                yield level, spec, name, row | _shift(spec, name, level, first, records)


def _metrics(path: Path) -> dict[str, Metric]:
    return read_record(path).metrics


def _truth(path: Path) -> dict[str, float]:
    return dict(read_record(path).details["truth"])


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
        row |= _ratio("ratio", row["bias"].value, float(row["bias_mcse"].value or 0.0), int(known.sum()))
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
    low, high = mean_interval(shift, error, len(pairs))
    found = {"shift": Measure(shift), "shift_mcse": Measure(error)}
    found |= {"shift_low": Measure(low), "shift_high": Measure(high)}
    return found | (_ratio("shift_ratio", shift, error, len(pairs)) if spec["exponentiate"] else {})


def _ratio(name: str, log: float, mcse: float, n: int) -> dict[str, Measure]:
    """exp of a mean log over n draws: a ratio of geometric means of odds ratios; its MCSE by the delta method, its
    interval that of the mean log."""
    low, high = mean_interval(log, mcse, n)
    found = {name: log, f"{name}_low": low, f"{name}_high": high}
    return {key: Measure(math.exp(value)) for key, value in found.items()} | {
        f"{name}_mcse": Measure(math.exp(log) * mcse)
    }


def _plain(row: dict[str, Measure]) -> dict[str, float | None]:
    return {measure: found.value for measure, found in row.items()}


def _unit(measure: str, unit: str) -> str:
    base = measure.removesuffix("_mcse")
    if base in IN_UNIT:
        return unit
    return UNITS.get(base, f"{unit}²" if base == "mean_squared_error" and unit != "1" else "1")
