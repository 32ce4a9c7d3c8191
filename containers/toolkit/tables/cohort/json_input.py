"""JSON inputs of an item as checked models. Every complaint is one line with the place in the file."""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from containers.contract.errors import ItemFault
from containers.contract.request import Strict, first_error

SCHEMA_VERSIONS = ("1.0",)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""Id of an analysis or an exclusion. No dot: it is a part of metric names, whose parts are joined by dots."""

Model = TypeVar("Model", bound=Strict)


def read_json(path: Path, name: str) -> Any:
    """The JSON of input `name`. Raises ItemFault, also for a schema version that is not spoken here."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ItemFault("is not JSON in UTF-8", where=f"input {name}", fix="correct the file's syntax") from error
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version not in SCHEMA_VERSIONS:
        known = ", ".join(SCHEMA_VERSIONS)
        raise ItemFault(f"schema_version: {version!r} is not known", where=f"input {name}", fix=f"known: {known}")
    return value


def checked(model: type[Model], value: Any, where: str) -> Model:
    """`value` as a model. Raises ItemFault with the first complaint, its field and `where`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ItemFault(first_error(error), where=where, fix="see the stage's README for the format") from error
