"""`analyses.json`: exclusions and analyses, checked before a row of the table is touched.

Unknown fields are refused. Every complaint is one line with the place in the file.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from containers.contract.errors import ItemFault
from containers.contract.request import Strict
from containers.toolkit.analyses.kinds import AnalysisT, Kinds
from containers.toolkit.tables.cohort.exclusions import Exclusion
from containers.toolkit.tables.cohort.json_input import checked, read_json

INPUT = "input analyses"
"""How complaints name the file."""


class AnalysesFile(Strict):
    """The whole file. A stage adds what lies between the exclusions and the analyses."""

    schema_version: str
    """Version of the file's form."""
    exclusions: tuple[Exclusion, ...] = ()
    """Conditions that rows must meet, in the order in which they are applied."""
    analyses: tuple[dict[str, Any], ...] = ()
    """The analyses, in the order in which they are run; each is checked further by the class of its kind."""


FileT = TypeVar("FileT", bound=AnalysesFile)


def read_analyses(path: Path, model: type[FileT], kinds: Kinds[AnalysisT]) -> tuple[FileT, list[AnalysisT]]:
    """The file, and its analyses in their order. Raises ItemFault."""
    file = checked(model, read_json(path, "analyses"), INPUT)
    analyses = [_analysis(number, raw, kinds) for number, raw in enumerate(file.analyses)]
    _check_unique("id", (analysis.id for analysis in analyses))
    _check_unique("exclusion id", (exclusion.id for exclusion in file.exclusions))
    return file, analyses


def _analysis(number: int, raw: Mapping[str, Any], kinds: Kinds[AnalysisT]) -> AnalysisT:
    where = f"{INPUT}, analyses.{number}"
    if isinstance(raw.get("id"), str):
        where += f" ({raw['id']})"
    return checked(kinds.find(raw.get("kind"), where), raw, where)


def _check_unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ItemFault(f"{what} {name!r} is given twice", where=INPUT, fix="give each its own")
        seen.add(name)
