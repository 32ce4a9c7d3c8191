"""Errors of a stage under changed conditions, each against the phantom's truth of the same item.

`errors.json`: one row for each condition and metric, with measured and true value of each item. As metrics, with
CONDITION = EFFECT.LEVEL in small letters, digits and underscores:

    mean_error.METRIC.CONDITION    mean of measured minus true over the condition's items
    shift.METRIC.CONDITION         largest distance of an item's value from its value under the first condition, where
                                   the items are the same ones
    undefined                      values that are not defined, and items without a result

Invariant: a condition without any value has rows that say so; a mean never leaves out an item in silence.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from containers.contract.files import write_json
from containers.contract.record import Metric, Record

SCHEMA_VERSION = "1.0"


def key_of(effect: str, level: str) -> str:
    """EFFECT.LEVEL as part of a metric's name: `("noise", "x 4")` is `noise.x_4`."""
    return ".".join(re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") for words in (effect, level))


def rows_of(inputs: Mapping[str, Path], parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of `errors.json`, conditions in order. inputs: `record.NUMBER.ITEM` and `phantom.NUMBER.ITEM`."""
    rows = []
    for condition in parameters["conditions"]:
        values: dict[str, list[dict[str, Any]]] = {name: [] for name in parameters["metrics"]}
        units = dict.fromkeys(values, "")
        for item in condition["items"]:
            label = f"{condition['number']}.{item}"
            metrics = Record.model_validate_json(inputs[f"record.{label}"].read_bytes()).metrics
            truth = json.loads(inputs[f"phantom.{label}"].read_text(encoding="utf-8"))["truth"]
            for name, found in values.items():
                measured = metrics[name].value if name in metrics else None
                units[name] = metrics[name].unit if name in metrics else units[name]
                true = truth.get(parameters["truth_names"].get(name, name))
                found.append({"item": item, "measured": measured, "true": true})
        for name, found in values.items():
            found += [{"item": item, "measured": None, "true": None} for item in condition["items_left_out"]]
            said = {"effect": condition["effect"], "level": condition["level"], "metric": name, "unit": units[name]}
            rows.append({**said, "values": found})
    return rows


def metrics_of(rows: list[dict[str, Any]]) -> dict[str, Metric]:
    """What checks read of the rows."""
    metrics: dict[str, Metric] = {}
    first: dict[str, dict[str, float]] = {}
    undefined = 0
    for row in rows:
        known = {v["item"]: v for v in row["values"] if v["measured"] is not None and v["true"] is not None}
        undefined += len(row["values"]) - len(known)
        name, condition = row["metric"], key_of(row["effect"], row["level"])
        metrics[f"mean_error.{name}.{condition}"] = _mean(known, len(row["values"]), row["unit"])
        measured = {item: float(v["measured"]) for item, v in known.items()}
        before = first.setdefault(name, measured)
        if measured and len(known) == len(row["values"]) and measured.keys() == before.keys():
            distance = max(abs(value - before[item]) for item, value in measured.items())
            metrics[f"shift.{name}.{condition}"] = Metric(value=distance, unit=row["unit"])
    return metrics | {"undefined": Metric(value=undefined, unit="1")}


def _mean(known: dict[str, dict[str, Any]], wanted: int, unit: str) -> Metric:
    """The mean error of all items, or no value where one is missing."""
    if len(known) < wanted:
        return Metric(value=None, unit=unit, note=f"{wanted - len(known)} of {wanted} values are missing")
    return Metric(value=float(np.mean([v["measured"] - v["true"] for v in known.values()])), unit=unit)


def write_errors(inputs: Mapping[str, Path], parameters: dict[str, Any], place: Path) -> dict[str, Metric]:
    """Write `errors.json` to `place`; returns the metrics."""
    rows = rows_of(inputs, parameters)
    write_json(place, {"schema_version": SCHEMA_VERSION, "rows": rows})
    return metrics_of(rows)
