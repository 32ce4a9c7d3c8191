"""`stage.toml`: what a stage takes, gives and measures; the source of `describe` and of parameter checks."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from containers.contract import CONTRACT_VERSION
from containers.contract.checked import load_toml
from containers.contract.errors import RequestFault
from containers.contract.request import Request, Strict

_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class Port(Strict):
    """One named input or output."""

    kind: Literal["path", "volume", "segmentation", "table", "json", "image"]
    """How to read it: any path, NRRD volume, `.seg.nrrd` segmentation, Parquet or CSV table, JSON, or PNG image."""
    description: str
    """What it holds, for people: content, frame and units."""
    required: bool = True
    """Whether every item must have it; of an output, whether every good item gives it."""


class FactSpec(Strict):
    """A scalar fact that an item may carry."""

    unit: str
    """Unit of the fact's value; `1` for a pure number, a name or a switch."""
    description: str
    """What the fact says of the item, for people."""
    required: bool = False
    """Whether an item without it is refused."""


class Parameter(Strict):
    """One setting, with unit and range. A default is required: a stage runs with no parameters given."""

    type: Literal["number", "integer", "string", "boolean", "array", "object"]
    """JSON type that a value must have; an integer also counts as a number."""
    unit: str = "1"
    """Unit of the value; `1` for a pure number, a name or a switch."""
    default: Any
    """Value in force where the request gives none; it keeps to type, range and choices."""
    minimum: float | None = None
    """Smallest value allowed, itself included, in `unit`; also holds for each entry of an array; None for no bound."""
    maximum: float | None = None
    """Largest value allowed, itself included, in `unit`; also holds for each entry of an array; None for no bound."""
    choices: list[Any] | None = None
    """The only values allowed, for each entry of an array too; None where any value of the type may be."""
    description: str
    """What the parameter does, for people."""

    def complaint(self, value: Any) -> str | None:
        """Why `value` is not acceptable, or None."""
        allowed = _TYPES[self.type]
        unit = "" if self.unit == "1" else f" {self.unit}"
        if not isinstance(value, allowed) or (isinstance(value, bool) and self.type != "boolean"):
            return f"must be of type {self.type}, got {value!r}"
        for part in value if isinstance(value, list) else [value]:
            if self.choices is not None and part not in self.choices:
                return f"must be one of {self.choices}, got {part!r}"
            if isinstance(part, float) and not math.isfinite(part):
                return f"must be finite, got {part!r}"
            if isinstance(part, (int, float)) and not isinstance(part, bool):
                if self.minimum is not None and part < self.minimum:
                    return f"must be at least {self.minimum:g}{unit}, got {part!r}"
                if self.maximum is not None and part > self.maximum:
                    return f"must be at most {self.maximum:g}{unit}, got {part!r}"
        return None


class MetricSpec(Strict):
    """A metric's unit and meaning. A name ending in `.*` stands for a family (one per class, one per contrast)."""

    unit: str
    """Unit of every value of the metric; `1` for a pure number."""
    description: str
    """What is measured and how, for people."""


class StageSpec(Strict):
    """The whole of stage.toml."""

    contract: str = CONTRACT_VERSION
    """Version of the contract that the stage speaks."""
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the stage, by which requests, cases and image names refer to it."""
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    """Semantic version of the stage, as in each record that it writes."""
    title: str
    """What the stage does, in a few words for tables."""
    source: str
    """Paper section or reference that the method comes from."""
    inputs: dict[str, Port]
    """What an item may bring, by name."""
    facts: dict[str, FactSpec] = Field(default_factory=dict)
    """Scalar facts that an item may carry, by name; empty where the stage uses none."""
    outputs: dict[str, Port]
    """Files that the stage makes for an item, by name; a name ending in `.*` stands for a family."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    """Settings of the method, by name; empty where there is nothing to set."""
    metrics: dict[str, MetricSpec] = Field(default_factory=dict)
    """Numbers that the stage measures, by name; a name ending in `.*` stands for a family."""
    programs: list[str] = Field(default_factory=list)
    """Programs that must be on the machine where the stage runs without its image."""

    @model_validator(mode="after")
    def _defaults_hold(self) -> "StageSpec":
        for name, parameter in self.parameters.items():
            if complaint := parameter.complaint(parameter.default):
                raise ValueError(f"default of parameter {name} {complaint}")
        return self

    def check(self, request: Request) -> dict[str, Any]:
        """Complete the request's parameters with defaults; raise RequestFault on anything the stage does not know."""
        if request.stage != self.name:
            raise RequestFault(
                f"asks for stage {request.stage!r}, this is {self.name!r}", where="stage", fix="call the right image"
            )
        for name, value in request.parameters.items():
            if name not in self.parameters:
                raise RequestFault(
                    f"unknown parameter {name!r}",
                    where="parameters",
                    fix=f"known: {', '.join(sorted(self.parameters)) or 'none'}",
                )
            if complaint := self.parameters[name].complaint(value):
                raise RequestFault(complaint, where=f"parameters.{name}", fix="see `describe` for units and ranges")
        for item in request.items:
            unknown = sorted(set(item.inputs) - set(self.inputs)) + sorted(set(item.facts) - set(self.facts))
            if unknown:
                raise RequestFault(
                    f"unknown input or fact {unknown[0]!r}",
                    where=f"items.{item.id}",
                    fix=f"inputs: {', '.join(self.inputs)}; facts: {', '.join(self.facts) or 'none'}",
                )
            missing = [n for n, p in self.inputs.items() if p.required and n not in item.inputs]
            missing += [n for n, f in self.facts.items() if f.required and item.facts.get(n) is None]
            if missing:
                raise RequestFault(
                    f"input or fact {missing[0]!r} is missing", where=f"items.{item.id}", fix="add it to the item"
                )
        return {name: request.parameters.get(name, p.default) for name, p in self.parameters.items()}

    def metric_unit(self, name: str) -> str | None:
        """Unit of a metric, families (`dice.*`) included; None when the stage does not declare it."""
        key = declared_name(self.metrics, name)
        return self.metrics[key].unit if key else None

    def has_output(self, name: str) -> bool:
        """Whether an output, or its family (`contrast.*`), is declared."""
        return declared_name(self.outputs, name) is not None


def declared_name(declared: Mapping[str, object], name: str) -> str | None:
    """The key under which `name` is declared: itself, or its family (`dice.*` for `dice.femur`)."""
    if name in declared:
        return name
    while "." in name:
        name = name.rsplit(".", 1)[0]
        if f"{name}.*" in declared:
            return f"{name}.*"
    return None


def load_spec(path: Path) -> StageSpec:
    """Read stage.toml. Raises RequestFault with the field when it is wrong."""
    # The whole path: every stage has a file of this name.
    fix = "see stage.schema.json of the contract"
    return load_toml(StageSpec, path, fix, where=str(path), absent="add a stage.toml")
