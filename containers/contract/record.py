"""The record: what a stage says of one item, and nothing that changes from run to run.

Invariants: a record is either `ok` with outputs and metrics, or `error` with a fault; it holds no time,
no host name and no absolute path, so that the same input, parameters and image give the same bytes.
Seconds and memory go to `timing.json` next to it.
"""

import json
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from containers.contract import CONTRACT_VERSION
from containers.contract.request import Fact, Finite, ItemId, Strict


class Metric(Strict):
    """One number with its unit."""

    value: Finite | int | None
    """The number in `unit`; None where it is undefined, and then `note` says why."""
    unit: str
    """Unit as `stage.toml` declares it, such as `cm3` or `%`; `1` for a pure number."""
    note: str = ""
    """Why there is no value, or a remark on it that readers need; empty where there is none."""
    qualified_by: list[str] = Field(default_factory=list)
    """Reasons to doubt the number, one line each, found here or in a stage before; empty where nothing is known."""

    @model_serializer(mode="wrap")
    def _doubts_only_where_there_are_any(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        if not self.qualified_by:
            del written["qualified_by"]
        return written

    @model_validator(mode="after")
    def _undefined_has_a_reason(self) -> "Metric":
        if self.value is None and not self.note:
            raise ValueError("a metric without a value needs a note that says why")
        return self


class Output(Strict):
    """One file of the item's folder."""

    path: str
    """Path of the file, relative to the item's folder."""
    sha256: str
    """SHA-256 of the file's content, as 64 hexadecimal digits."""
    bytes: int
    """Size of the file in bytes."""


class ErrorInfo(Strict):
    """Why the item failed."""

    kind: Literal["input", "environment", "internal"]
    """Whose fault it is: that of the input, of the environment (memory, GPU, weights), or the stage's own
    (`internal`)."""
    what: str
    """What is wrong, in one line without a path of the machine."""
    where: str = ""
    """The input, file, field or voxel that the fault is in; empty where it concerns the whole item."""
    fix: str = ""
    """What the user can do about it; empty where nothing is known."""

    @model_validator(mode="before")
    @classmethod
    def _name_of_contract_1_0(cls, data: Any) -> Any:
        """`mend`, the field's name in contract 1.0, is read as `fix`; both at once are refused as a field too many."""
        if isinstance(data, dict) and "mend" in data and "fix" not in data:
            return {name: value for name, value in data.items() if name != "mend"} | {"fix": data["mend"]}
        return data


class StageId(Strict):
    """Which stage wrote the record."""

    name: str
    """Name of the stage, as in its `stage.toml`; `harness_<kind>` for a step of the harness itself."""
    version: str
    """Semantic version of the stage that wrote the record."""


class Record(Strict):
    """What one stage did with one item."""

    contract: str = CONTRACT_VERSION
    """Version of the contract that the record follows."""
    stage: StageId
    """The stage that wrote the record."""
    item: ItemId
    """Identifier of the item in the request, and the name of the record's folder."""
    status: Literal["ok", "error"]
    """`ok`: the outputs and metrics hold; `error`: there are none and `error` says why."""
    outputs: dict[str, Output] = Field(default_factory=dict)
    """Files that the stage made, by the output names of `stage.toml`; empty for a failed item."""
    metrics: dict[str, Metric] = Field(default_factory=dict)
    """Numbers that the stage measured, by the metric names of `stage.toml`."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Further JSON that a stage gives to readers or later steps, without NaN or infinity; empty where there is none."""
    warnings: list[str] = Field(default_factory=list)
    """Lines that a reader of the result must know, although the item ended well."""
    error: ErrorInfo | None = None
    """Why the item failed; None exactly when the status is `ok`."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the content of each input, by input name."""
    facts: dict[str, Fact] = Field(default_factory=dict)
    """The facts that the request gave for the item."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """All parameters that were in force, defaults filled in."""
    seed: int = 0
    """The seed of the request that the result was drawn with."""

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
    """What may differ between runs, in `timing.json` of the item's folder."""

    seconds: dict[str, float]
    """Wall-clock seconds of each part of the work, by its name; `total` for the whole item."""
    peak_memory_bytes: int
    """Largest resident memory of the stage's process up to the end of the item, in bytes."""
