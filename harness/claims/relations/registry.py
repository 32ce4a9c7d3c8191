"""All kinds of relation, found in the modules of this folder."""

import functools
import importlib
import operator
import pkgutil
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

import harness.claims.relations as folder
from harness.claims.relations.base import KINDS, Relation


@functools.cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")


def kinds() -> dict[str, type[Relation]]:
    """Every class of a relation by its kind, in alphabetical order."""
    _import_all()
    return dict(sorted(KINDS.items()))


@functools.lru_cache(maxsize=1)
def _adapter(classes: tuple[type[Relation], ...]) -> TypeAdapter[Relation]:
    union: Any = functools.reduce(operator.or_, classes)
    return TypeAdapter(Annotated.__class_getitem__((union, Field(discriminator="kind"))))  # type: ignore[attr-defined]


def validated(value: Any) -> Relation:
    """The relation that an entry of a ledger describes. Raises pydantic's ValidationError."""
    return _adapter(tuple(kinds().values())).validate_python(value)
