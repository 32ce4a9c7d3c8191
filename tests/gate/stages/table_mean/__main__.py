"""Entry point of the tests' stage: mean of the column n_1 of a CSV. FACTOR and the rest are replaced by the tests."""

import csv
import sys
from pathlib import Path

from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result, main

FACTOR = 1.0


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Measure one item."""
    rows = list(csv.DictReader(item.inputs["table"].read_text(encoding="utf-8").splitlines()))
    mean = FACTOR * sum(float(row["n_1"]) for row in rows) / len(rows)
    if mean < job.parameters["wanted"]:
        raise ItemFault("is too small", where="mean", fix="give larger groups")
    result.file("copy", "copy.txt").write_text(f"{mean}\n", encoding="utf-8")
    result.metric("mean", mean)
    result.metric("rows", len(rows))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("stage.toml"), process))
