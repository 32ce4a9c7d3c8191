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
    """Base of all contract models: unknown fields are errors, values are never coerced silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Item(Strict):
    """One unit of work. `inputs` maps the stage's input names to files or folders; `facts` holds
    scalar facts about the item (for example `height_m`), which count as input content."""

    id: ItemId
    inputs: dict[str, Path] = Field(default_factory=dict)
    facts: dict[str, Fact] = Field(default_factory=dict)


class Resources(Strict):
    """What the stage may use. `memory_bytes` is a limit that a runner enforces, for the stage to plan with."""

    threads: int = Field(default=1, ge=1)
    memory_bytes: int | None = Field(default=None, ge=1)
    device: Literal["cpu", "cuda"] = "cpu"


class Request(Strict):
    """One job: one call of one stage on a list of items."""

    contract: str = CONTRACT_VERSION
    stage: str
    items: list[Item] = Field(min_length=1)
    parameters: dict[str, Any] = Field(default_factory=dict)
    resources: Resources = Resources()
    seed: int = Field(default=0, ge=0)
    output: Path

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
            f"cannot be read ({error.strerror})", where=path.name, mend="give the path of a request file"
        ) from error
    except ValueError as error:
        raise RequestFault(f"is not JSON ({error})", where=path.name, mend="write it as UTF-8 JSON") from error
    try:
        request = Request.model_validate(raw)
    except ValidationError as error:
        raise RequestFault(
            first_error(error), where=path.name, mend="see request.schema.json of the contract"
        ) from error
    if request.contract.split(".")[0] != CONTRACT_VERSION.split(".")[0]:
        raise RequestFault(
            f"contract {request.contract} is not spoken here ({CONTRACT_VERSION})",
            where=path.name,
            mend="use a stage and a harness of the same contract version",
        )
    base = path.resolve().parent
    items = [
        item.model_copy(update={"inputs": {name: base / value for name, value in item.inputs.items()}})
        for item in request.items
    ]
    return request.model_copy(update={"items": items, "output": base / request.output})
