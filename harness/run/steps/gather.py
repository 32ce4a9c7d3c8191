"""What the steps have in common that gather what other steps measured of several items into one task.

Invariant: an item without a result is named in the task's parameters; none is lost silently.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from containers.contract.files import sha256_file
from harness.run.steps.base import Files

if TYPE_CHECKING:
    from harness.run.outcome import Outcome


def good_items(items: list[str], measured: Mapping[str, "Outcome"], truth: Mapping[str, "Outcome"]) -> list[str]:
    """Those items that have both a result and a truth."""
    return [item for item in items if measured[item].status == "ok" and truth[item].status == "ok"]


def pair(label: str, measured: "Outcome", truth: "Outcome") -> dict[str, Path]:
    """The record and the `phantom.json` of one item, by their names in the task."""
    record = (measured.folder or Path()) / "record.json"
    return {f"record.{label}": record, f"phantom.{label}": truth.output("phantom") or Path()}


def hashed(inputs: dict[str, Path]) -> Files:
    """Files with their hashes."""
    return Files(inputs, {label: sha256_file(path) for label, path in inputs.items()})
