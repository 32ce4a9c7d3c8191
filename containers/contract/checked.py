"""Values that people write, as checked models: a TOML file, or what was read from one.

Every complaint is a fault with the file and the field, so that bad input ends in one line and never in a traceback.
"""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from containers.contract.errors import Fault, RequestFault
from containers.contract.request import first_error

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, where: str = "", absent: str = "check the path") -> dict[str, Any]:
    """The content of a TOML file. Raises RequestFault for a file that cannot be read or is not TOML.

    where: what the fault calls the file; empty for its name. absent: what mends a file that cannot be read.
    """
    where = where or path.name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestFault(f"cannot be read ({error.strerror})", where=where, fix=absent) from error
    # Bytes that are not UTF-8 are not TOML either.
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestFault(f"is not TOML ({error})", where=where, fix="correct the syntax") from error


def checked(model: type[Model], value: Any, where: str, fix: str, fault: type[Fault] = RequestFault) -> Model:
    """`value` as a model. Raises `fault` with the first complaint and its field.

    where: what the fault calls the source of the value. fix: where the right form is described.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise fault(first_error(error), where=where, fix=fix) from error


def load_toml(model: type[Model], path: Path, fix: str, where: str = "", absent: str = "check the path") -> Model:
    """A TOML file as a model. Raises RequestFault; `where` and `absent` as in `read_toml`, `fix` as in `checked`."""
    return checked(model, read_toml(path, where, absent), where or path.name, fix)
