"""A stage for tests: the plain mean of standardised differences; can be made to refuse a draw or to leave one out."""

import csv
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result, main


def process(item: Item, job: Job, state: Any, result: Result) -> None:
    with item.inputs["table"].open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    sign = {"csa": -1.0, "fi": 1.0}
    d = [sign[r["outcome"]] * (float(r["mean_1"]) - float(r["mean_2"])) / float(r["sd_2"]) for r in rows]
    mean, error = statistics.fmean(d), statistics.stdev(d) / len(d) ** 0.5
    if mean > job.parameters["refuse_above"]:
        raise ItemFault("is too large", where="mean", fix="draw again")
    silent = mean > job.parameters["silent_above"]
    result.metric("coefficient.overall.intercept", mean)
    result.metric("standard_error.overall.intercept", error)
    for name, end in (("low", mean - 1.96 * error), ("high", mean + 1.96 * error)):
        result.metric(f"{name}.overall.intercept", None if silent else end, "above" if silent else "")
    result.file("copy", "copy.json").write_text(json.dumps({"mean": mean}), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent / "stage.toml", process))
