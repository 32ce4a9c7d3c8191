"""The numbers of a gate run: every metric of every record, the grids of its volumes, and how each item ended.

A number's key is `step/item/metric`. Of an output of kind volume or segmentation the header's grid is read, so that
an origin, spacing or direction that moved is seen even where no stage reports it; of a volume also mean and SD.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from containers.contract.errors import ItemFault
from containers.contract.spec import StageSpec, declared_name
from containers.toolkit.images.volume import read_nrrd
from harness.gate.spec import GateCase
from harness.run.outcome import Outcome
from harness.run.pipeline import CaseRun

AXES = ("i", "j", "k")
WORLD = ("left", "posterior", "superior")


@dataclass(frozen=True)
class Number:
    """One number of one item."""

    step: str
    """Name of the step."""
    item: str
    """Identifier of the item."""
    metric: str
    """Name of the metric."""
    value: float | None
    """Value in `unit`; None where the stage calls it undefined."""
    unit: str
    """Unit of the value."""
    note: str = ""
    """Why there is no value, or a remark on it; empty where there is none."""

    @property
    def key(self) -> str:
        return f"{self.step}/{self.item}/{self.metric}"


@dataclass
class Readings:
    """What a case gave."""

    numbers: dict[str, Number] = field(default_factory=dict)
    """Every number of the good items, by `step/item/metric`."""
    ends: dict[str, str] = field(default_factory=dict)
    """How each `step/item` ended: `ok`, `error`, `missing` or `skipped`."""
    lines: dict[str, str] = field(default_factory=dict)
    """Why a `step/item` did not end well, in one line."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Whose fault an error record says it is, by `step/item`."""


def read(case: GateCase, run: CaseRun) -> Readings:
    """Everything of a finished run that is compared."""
    found = Readings()
    for name in case.inputs:
        for item, outcome in run.outcomes.get(name, {}).items():
            if outcome.status != "ok":
                found.lines[f"{name}/{item}"] = f"input {name} could not be made: {outcome.line}"
    for name, step in case.steps.items():
        use = step.use()
        if use is None or not use.own_items:
            continue
        spec = run.context.handle(use.stage).spec
        for item, outcome in run.outcomes.get(name, {}).items():
            place = f"{name}/{item}"
            found.ends[place] = outcome.status
            if outcome.status != "ok":
                found.lines[place] = outcome.line
                if outcome.record is not None and outcome.record.error is not None:
                    found.kinds[place] = outcome.record.error.kind
                continue
            for number in (*_metrics(name, item, outcome), *_grids(name, item, outcome, spec)):
                if case.compares(name, number.metric):
                    found.numbers[number.key] = number
    return found


def _metrics(step: str, item: str, outcome: Outcome) -> Iterator[Number]:
    for name, metric in outcome.record.metrics.items() if outcome.record else ():
        value = None if metric.value is None else float(metric.value)
        yield Number(step, item, name, value, metric.unit, metric.note)


def _grids(step: str, item: str, outcome: Outcome, spec: StageSpec) -> Iterator[Number]:
    for name in outcome.record.outputs if outcome.record else ():
        port = spec.outputs.get(declared_name(spec.outputs, name) or "")
        path = outcome.output(name)
        if port is None or path is None or port.kind not in ("volume", "segmentation"):
            continue
        for metric, value, unit in grid_numbers(path, with_values=port.kind == "volume"):
            yield Number(step, item, f"{name}.{metric}", value, unit)


def grid_numbers(path: Path, *, with_values: bool) -> Iterator[tuple[str, float, str]]:
    """Size, spacing, origin and directions of an NRRD file (LPS, mm), mean and SD of its values: (name, value, unit).

    Nothing of a file that is no NRRD volume: its numbers are then missing, which the comparison reports.
    """
    try:
        volume = read_nrrd(path)
    except ItemFault:
        return
    grid = volume.geometry
    for axis, name in enumerate(AXES):
        yield f"grid.size.{name}", float(grid.size[axis]), "1"
        yield f"grid.spacing_mm.{name}", grid.spacing_mm[axis], "mm"
        for world, end in enumerate(WORLD):
            yield f"grid.direction.{name}.{end}", grid.directions[axis][world], "1"
    for world, end in enumerate(WORLD):
        yield f"grid.origin_mm.{end}", grid.origin_mm[world], "mm"
    if with_values:
        values = np.asarray(volume.data, dtype=np.float64)
        yield "values.mean", float(values.mean()), "1"
        yield "values.sd", float(values.std()), "1"
