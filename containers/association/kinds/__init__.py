"""The kinds of analysis. A kind is a module of this package, and its name is the kind's.

To add a kind, add `kinds/<kind>.py` with two things; nothing else needs to change:

- `Spec`, a pydantic model made from `spec.Analysis` with the kind's own fields;
- `run(analysis: Spec, cohort: Cohort, report: Report) -> None`, which takes its rows from `cases.complete_cases`
  (so that every row left out is in the flow), calls an estimator that knows nothing of specs, and puts what it
  gives into the report. What is wrong with the input is an ItemFault of one line.

Modules whose name begins with an underscore are shared by kinds and are none. Analyses run in the order of the
file, so a kind may read what an earlier analysis put (`Report.value_of`).
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from containers.association.fields import Analysis
from containers.contract.errors import ItemFault


@dataclass(frozen=True)
class Kind:
    """A kind of analysis."""

    spec: type[Analysis]
    """Model of the analysis' fields."""
    run: Callable[[Any, Any, Any], None]
    """Does the analysis: it is given the spec, the cohort and the report."""


def names() -> list[str]:
    """All kinds, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def kind_of(name: object, where: str) -> Kind:
    """The kind of that name. Raises ItemFault with the known ones."""
    if not isinstance(name, str) or name not in names():
        raise ItemFault(f"kind is {name!r}", where=where, mend=f"known: {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    return Kind(module.Spec, module.run)
