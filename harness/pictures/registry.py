"""The pictures that a case can ask for: each is one function with its name, found by being defined in this package."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

Needs = Literal["overlay", "analysis", "nothing"]
Function = TypeVar("Function", bound=Callable[..., None])


@dataclass(frozen=True)
class Picture:
    """A kind of picture."""

    name: str
    """The name by which a case asks for it."""
    needs: Needs
    """What goes with the file that is drawn: a second file, the identifier of an analysis in it, or nothing."""
    draw: Callable[..., None]
    """Draws it: the file, what goes with it, path of the PNG, title, kind of evidence. Raises ItemFault."""
    example: Callable[[Path], tuple[Any, ...]]
    """Writes the smallest inputs to a folder; returns the file and what goes with it, as `draw` takes them."""

    @property
    def module(self) -> str:
        """The module whose sources decide what is drawn."""
        return self.draw.__module__


PICTURES: dict[str, Picture] = {}
"""All pictures whose module was imported, by name; `pictures()` imports all modules of the package."""


def picture(
    name: str, *, needs: Needs = "nothing", example: Callable[[Path], tuple[Any, ...]]
) -> Callable[[Function], Function]:
    """Decorator of a drawing function. Raises TypeError for a name that another function has."""

    def register(function: Function) -> Function:
        if name in PICTURES:
            raise TypeError(f"two pictures are called {name}: in {PICTURES[name].module} and in {function.__module__}")
        PICTURES[name] = Picture(name, needs, function, example)
        return function

    return register


def pictures() -> dict[str, Picture]:
    """All pictures by name, sorted."""
    _import_all()
    return dict(sorted(PICTURES.items()))


def find(name: str) -> Picture:
    """The picture of a name. Raises ValueError (one line, with the known names)."""
    if name not in PICTURES and name not in pictures():
        raise ValueError(f"no picture is called {name!r}; known: {', '.join(pictures())}")
    return PICTURES[name]


@cache
def _import_all() -> None:
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
