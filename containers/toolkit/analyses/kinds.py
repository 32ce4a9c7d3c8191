"""The kinds of analysis of a stage, found by being there: a module of the stage's package `kinds` is one of them.

To add a kind, add a module that has its name, with one class made from the stage's `Analysis`; nothing else needs to
change. Modules whose name begins with an underscore hold what several kinds share. A module is imported when a file
asks for its kind.
"""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Generic, TypeVar, cast

from containers.contract.errors import ItemFault
from containers.toolkit.analyses.analysis import Analysis

AnalysisT = TypeVar("AnalysisT", bound=Analysis)


class Kinds(Generic[AnalysisT]):
    """The kinds whose modules lie in one package: `__name__` and `__path__` of it, read at each call."""

    def __init__(self, package: str, path: Iterable[str]) -> None:
        self._package, self._path = package, path

    def names(self) -> list[str]:
        """All kinds, sorted."""
        found = pkgutil.iter_modules(list(self._path))
        return sorted(module.name for module in found if not module.name.startswith("_"))

    def find(self, name: object, where: str) -> type[AnalysisT]:
        """The class of a kind. Raises ItemFault with the known kinds, TypeError for a module without its class."""
        if not isinstance(name, str) or name not in self.names():
            raise ItemFault(f"kind is {name!r}", where=where, fix=f"known: {', '.join(self.names())}")
        module = importlib.import_module(f"{self._package}.{name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Analysis) and value.kind_name() == name:
                return cast(type[AnalysisT], value)
        raise TypeError(f"{module.__name__} has no class of kind {name!r}")
