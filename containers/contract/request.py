"""The request file: which items, which parameters, which resources, where the output goes.

Invariants: item identifiers are safe as folder names and unique; every path is absolute once read
(relative ones are taken from the request file's folder); unknown fields are refused, not ignored.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import RequestFault

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A number that JSON can carry."""
Fact = Finite | int | str | bool | None
ItemId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class Strict(BaseModel):
    """Base of all models of the project: unknown fields are errors, and the sentence under a field describes it in the
    exported schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True)


class Item(Strict):
    """One unit of work: a participant, a table or a data set."""

    id: ItemId
    """Name of the item, safe as a folder name and unique in the job; its record is `<output>/<id>/record.json`."""
    inputs: dict[str, Path] = Field(default_factory=dict)
    """Files or folders by the stage's input names; relative paths are taken from the request file's folder."""
    facts: dict[str, Fact] = Field(default_factory=dict)
    """Scalar facts of the item by the stage's names, such as `height_m`; they count as input content."""


class Resources(Strict):
    """What the stage may use."""

    threads: int = Field(default=1, ge=1)
    """Processor threads that the stage may use, in all libraries together."""
    memory_bytes: int | None = Field(default=None, ge=1)
    """Limit in bytes that the runner enforces, for the stage to plan with; None where there is no limit."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the stage computes: the processor (`cpu`) or an NVIDIA GPU (`cuda`)."""


class Request(Strict):
    """One job: one call of one stage on a list of items."""

    contract: str = CONTRACT_VERSION
    """Version of the contract that the caller speaks; its first number must be that of the stage."""
    stage: str
    """Name of the stage that is asked for; any other stage refuses the request."""
    items: list[Item] = Field(min_length=1)
    """The items of the job, in the order in which the stage takes them; identifiers are unique."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Settings by the names in `stage.toml`; those not given keep their defaults."""
    resources: Resources = Resources()
    """Threads, memory and device that the stage may use; one thread of the processor by default."""
    seed: int = Field(default=0, ge=0)
    """Start of every random draw of the stage: the same seed gives the same records."""
    output: Path
    """Folder that the stage fills with a folder for each item; relative to the request file's folder."""

    @model_validator(mode="after")
    def _unique_items(self) -> "Request":
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item id {item.id!r} is given twice")
            seen.add(item.id)
        return self


def first_error(error: ValidationError) -> str:
    """The first complaint of a pydantic error as `field: message`, on one line."""
    detail = error.errors()[0]
    field = ".".join(str(part) for part in detail["loc"]) or "(top level)"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{field}: {message}"


def load_request(path: Path) -> Request:
    """Read and check a request file. Raises RequestFault (one line, with the field) when it is wrong."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestFault(
            f"cannot be read ({error.strerror})", where=path.name, fix="give the path of a request file"
        ) from error
    except ValueError as error:
        raise RequestFault(f"is not JSON ({error})", where=path.name, fix="write it as UTF-8 JSON") from error
    try:
        request = Request.model_validate(raw)
    except ValidationError as error:
        raise RequestFault(
            first_error(error), where=path.name, fix="see request.schema.json of the contract"
        ) from error
    if request.contract.split(".")[0] != CONTRACT_VERSION.split(".")[0]:
        raise RequestFault(
            f"contract {request.contract} is not spoken here ({CONTRACT_VERSION})",
            where=path.name,
            fix="use a stage and a harness of the same contract version",
        )
    base = path.resolve().parent
    items = [
        item.model_copy(update={"inputs": {name: base / value for name, value in item.inputs.items()}})
        for item in request.items
    ]
    return request.model_copy(update={"items": items, "output": base / request.output})
