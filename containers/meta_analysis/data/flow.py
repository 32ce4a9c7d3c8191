"""The flow of a table of published effects, not of people: nothing in it is suppressed."""

from dataclasses import dataclass, field
from typing import Any

from containers.toolkit.tables.cohort.flow import Flow, Step


@dataclass
class EffectsFlow(Flow):
    """Rows read, exclusions, then the making of the effects, then steps of each analysis."""

    effects: list[Step] = field(default_factory=list)
    """Steps of the making of the effects, in order."""
    unpaired: int = 0
    """Rows of one side that have no other side to be averaged with; they stay as they are."""

    def all_shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema_version": "1.0",
            "rows_read": self.read,
            "ignored_columns": list(self.ignored_columns),
            "exclusions": _lines(self.steps),
            "unpaired": self.unpaired,
            "effects": _lines(self.effects),
            "analyses": {name: {"steps": _lines(steps)} for name, steps in self.analyses.items()},
        }


def _lines(steps: list[Step]) -> list[dict[str, Any]]:
    return [step.shown(step.before, step.after, 0) for step in steps]
