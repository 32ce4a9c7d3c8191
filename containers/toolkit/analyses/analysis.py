"""What a kind of analysis is: one class with its fields, what it does, and an example of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, get_args

from containers.contract.request import Strict
from containers.toolkit.tables.cohort.json_input import Name


class Analysis(Strict, ABC):
    """One entry of `analyses`. A stage makes its own base class from this one, with its types of data and report."""

    id: Name
    """Name of the analysis in the metrics, unique in the file."""
    kind: str
    """Kind of the analysis, by which its class is found."""
    description: str = ""
    """What the analysis is for, for people; empty where nothing is said."""

    example: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Entries of `analyses` of which the last is of this kind, on the example table of the stage's tests."""

    @abstractmethod
    def run(self, data: Any, report: Any) -> None:
        """Analyse the stage's data and put what it gives into the report. Raises ItemFault for wrong input."""

    @classmethod
    def kind_name(cls) -> str:
        """Name of the kind, as the field `kind` has it; empty for a class that only others are made from."""
        names = get_args(cls.model_fields["kind"].annotation)
        return str(names[0]) if names else ""
