"""The record: what a stage says of one item, and nothing that changes from run to run.

Invariants: a record is either `ok` with outputs and metrics, or `error` with a fault; it holds no time,
no host name and no absolute path, so that the same input, parameters and image give the same bytes.
Seconds and memory go to `timing.json` beside it.
"""

import json
from typing import Any, Literal

from pydantic import Field, model_validator

from containers.contract import CONTRACT_VERSION
from containers.contract.request import Fact, Finite, ItemId, Strict


class Metric(Strict):
    """One number with its unit (`1` for a pure number). `value` is None where it is undefined, and `note` says why."""

    value: Finite | int | None
    unit: str
    note: str = ""

    @model_validator(mode="after")
    def _undefined_has_a_reason(self) -> "Metric":
        if self.value is None and not self.note:
            raise ValueError("a metric without a value needs a note that says why")
        return self


class Output(Strict):
    """One file of the item's folder, by relative path, with its content hash."""

    path: str
    sha256: str
    bytes: int


class ErrorInfo(Strict):
    """Why the item failed. `kind` says whose fault: the input's, the environment's, or the stage's own."""

    kind: Literal["input", "environment", "internal"]
    what: str
    where: str = ""
    mend: str = ""


class StageId(Strict):
    name: str
    version: str


class Record(Strict):
    """What one stage did with one item."""

    contract: str = CONTRACT_VERSION
    stage: StageId
    item: ItemId
    status: Literal["ok", "error"]
    outputs: dict[str, Output] = Field(default_factory=dict)
    metrics: dict[str, Metric] = Field(default_factory=dict)
    details: dict[str, Any] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    error: ErrorInfo | None = None
    inputs: dict[str, str] = Field(default_factory=dict, description="input name -> SHA-256 of its content")
    facts: dict[str, Fact] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict, description="all parameters, defaults filled in")
    seed: int = 0

    @model_validator(mode="after")
    def _details_are_json(self) -> "Record":
        # pydantic would write NaN and infinity as null without a word.
        json.dumps(self.details, allow_nan=False)
        return self

    @model_validator(mode="after")
    def _result_or_error(self) -> "Record":
        if (self.status == "error") != (self.error is not None):
            raise ValueError("a record has an error exactly when its status is 'error'")
        if self.status == "error" and self.outputs:
            raise ValueError("a failed item has no outputs")
        return self


class Timing(Strict):
    """What may differ between runs: seconds per step and peak resident memory of the process."""

    seconds: dict[str, float]
    peak_memory_bytes: int
