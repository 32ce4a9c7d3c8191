"""The exclusion flow: how many rows went, at which step and why, with small counts suppressed.

Invariant: what is shown never gives a suppressed count back within the flow. Of the steps only the rows kept at
some of them are shown, any two of which differ by 0 or by at least the threshold; a step's rows left out are shown
only when the rows before and after it are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from containers.toolkit.tables.cohort.arrays import BoolArray


@dataclass(frozen=True)
class Step:
    """One step of the flow."""

    id: str
    """Name of the step."""
    before: int
    """Rows before the step."""
    after: int
    """Rows that stay."""
    reasons: dict[str, int]
    """Rows that left, by reason; they add up to before - after."""

    def shown(self, before: int | None, after: int | None, threshold: int) -> dict[str, Any]:
        """As JSON. before, after: None where suppressed, and then what would give them back is null too."""
        known = before is not None and after is not None
        hidden = not known or any(0 < rows < threshold for rows in self.reasons.values())
        return {
            "id": self.id,
            "rows_before": before,
            "rows_left_out": self.before - self.after if known else None,
            "rows_kept": after,
            "reasons": {reason: None if hidden else rows for reason, rows in self.reasons.items() if rows},
        }


def leave_out(step: str, size: int, reasons: Iterable[tuple[str, BoolArray]]) -> tuple[Step, BoolArray]:
    """The step, and (size,) which rows are kept. Each row counts under the first reason that marks it."""
    kept = np.ones(size, dtype=bool)
    counts = {}
    for reason, marked in reasons:
        counts[reason] = int((kept & marked).sum())
        kept &= ~marked
    return Step(step, size, int(kept.sum()), {reason: rows for reason, rows in counts.items() if rows}), kept


@dataclass
class Flow:
    """Rows read, then steps for the whole cohort, then for each analysis."""

    read: int
    """Rows of the table."""
    ignored_columns: tuple[str, ...] = ()
    """Columns that are in the table and not in the dictionary."""
    steps: list[Step] = field(default_factory=list)
    """Steps of the whole cohort, in order."""
    analyses: dict[str, list[Step]] = field(default_factory=dict)
    """Steps of each analysis, by its name."""

    def add(self, step: Step) -> None:
        """A step of the whole cohort."""
        self.steps.append(step)

    def add_to(self, analysis: str, step: Step) -> None:
        """A step of one analysis."""
        self.analyses.setdefault(analysis, []).append(step)

    def shown(self, threshold: int) -> dict[str, Any]:
        """As JSON, with counts below `threshold` (of people left out or kept) as null; 0 left out is shown."""
        start = self.read if self.read >= threshold else None
        steps, last = _shown(self.steps, start, threshold)
        analyses = {name: {"steps": _shown(steps, last, threshold)[0]} for name, steps in self.analyses.items()}
        return {
            "schema_version": "1.0",
            "disclosure_threshold": threshold,
            "suppressed": f"null: fewer than {threshold}, or a number that would tell such a one",
            "rows_read": start,
            "ignored_columns": list(self.ignored_columns),
            "exclusions": steps,
            "analyses": analyses,
        }


def _shown(steps: list[Step], last: int | None, threshold: int) -> tuple[list[dict[str, Any]], int | None]:
    """The steps as JSON, and the last count of rows kept that was shown."""
    lines = []
    for step in steps:
        before = step.before if last == step.before else None
        left = 0 if last is None else last - step.after
        after = step.after if last is not None and (left == 0 or left >= threshold) else None
        if step.after < threshold:
            after = None
        lines.append(step.shown(before, after, threshold))
        last = after if after is not None else last
    return lines, last
