"""The kinds of inputs, steps and pictures. A class is found by being defined in a module of this package."""

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.run.steps.base import Part

KINDS: dict[str, type["Part"]] = {}
"""The class of each kind whose module was imported."""


def register(kind: str, part: type["Part"]) -> None:
    """Add a class. Raises TypeError for a kind that another class has."""
    if kind in KINDS:
        raise TypeError(f"two classes are of kind {kind}: in {KINDS[kind].__module__} and in {part.__module__}")
    KINDS[kind] = part


def kinds() -> dict[str, type["Part"]]:
    """The class of every kind, sorted by kind."""
    _import_all()
    return dict(sorted(KINDS.items()))


def find(kind: str) -> type["Part"]:
    """The class of a kind. Raises ValueError (one line, with the known kinds)."""
    if kind not in KINDS and kind not in kinds():
        raise ValueError(f"no step is of kind {kind!r}; known: {', '.join(kinds())}")
    return KINDS[kind]


@cache
def _import_all() -> None:
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
