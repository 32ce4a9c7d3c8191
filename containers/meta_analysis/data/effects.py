"""From rows to effects: combined groups, bilateral averages, Hedges' g, direction (README: effects).

Invariants: every effect is finite and has a finite variance above 0; `standard_error` and `variance` are columns of
the cohort that comes out; rows without an effect are counted in the flow.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.meta_analysis.data.analyses_file import Bilateral, EffectSource
from containers.meta_analysis.data.bilateral import Pairs, average_effects, average_summaries, find_pairs
from containers.meta_analysis.data.row_statistics import WHERE, Statistics, part_columns, read_statistics, refuse
from containers.meta_analysis.data.table import Cohort
from containers.toolkit.tables.cohort.flow import Step

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]
MADE = ("standard_error", "variance")
"""Columns that come into being with the effects."""


@dataclass(frozen=True)
class Dataset:
    """One effect per row."""

    cohort: Cohort
    """The rows that the effects are from."""
    ids: list[str]
    """Identifier of each effect."""
    study: list[str]
    """Study of each effect."""
    effect: Floats
    """The effects, (k,)."""
    variance: Floats
    """Their sampling variances, (k,)."""
    correction: Floats
    """Hedges' J of each, (k,); NaN for given effects."""
    flipped: Rows
    """Which effects had their sign turned by `direction`, (k,)."""

    def __len__(self) -> int:
        return len(self.ids)

    def kept(self, rows: Rows) -> "Dataset":
        """The same with only the rows that are True."""
        index = np.flatnonzero(rows)
        return Dataset(
            self.cohort.kept(rows),
            [self.ids[i] for i in index],
            [self.study[i] for i in index],
            self.effect[index],
            self.variance[index],
            self.correction[index],
            self.flipped[index],
        )

    @property
    def study_codes(self) -> npt.NDArray[np.int64]:
        """Studies as integers in order of their names."""
        return np.unique(np.array(self.study, dtype=str), return_inverse=True)[1].astype(np.int64)

    @property
    def studies(self) -> int:
        """How many studies there are."""
        return len(set(self.study))


def make_dataset(cohort: Cohort, source: EffectSource) -> Dataset:
    """Effects of all rows that have one. Raises ItemFault with column and rows for impossible statistics."""
    for name in MADE:
        if name in cohort.dictionary.columns and name not in part_columns(source):
            raise ItemFault(f"column {name!r} has a name that is made here", where=WHERE, mend="rename the column")
    study = cohort.text(source.study, WHERE, ("label", "category"))
    unnamed = np.array([v is None for v in study], bool)
    refuse(cohort, unnamed, source.study, "is missing", "name the study of every row")
    statistics = read_statistics(cohort, source)
    usable = statistics.summarised | ~np.isnan(statistics.effect)
    reasons = {"without an effect": int((~usable).sum())}
    cohort.flow.effects.append(Step("effect", len(cohort), int(usable.sum()), reasons))
    if not usable.any():
        raise ItemFault("no row has an effect", where=WHERE, mend="check the columns that `effects` names")
    cohort, statistics = cohort.kept(usable), statistics.kept(usable)
    if source.bilateral is None:
        statistics = statistics.computed(source.variance_type)
        ids = [str(v) for v in cohort.text(cohort.id_column, WHERE, ("id",))]
    else:
        pairs = find_pairs(cohort, source, source.bilateral)
        if source.bilateral.of == "summaries":
            statistics = average_summaries(cohort, statistics, pairs, source.bilateral)
            statistics = statistics.computed(source.variance_type)
        else:
            statistics = statistics.computed(source.variance_type)
            statistics = average_effects(statistics, pairs, source.bilateral.correlation)
        cohort, statistics, ids = _merged(cohort, statistics, pairs, source.bilateral)
    effect, variance = statistics.effect, statistics.variance
    wrong = ~(np.isfinite(effect) & np.isfinite(variance) & (variance > 0))
    refuse(cohort, wrong, "of the effect", "effect is not finite, or its variance not above 0", "check these rows")
    flipped = _flipped(cohort, source)
    cohort = cohort.with_numbers({"standard_error": np.sqrt(variance), "variance": variance})
    names = [str(v) for v in cohort.text(source.study, WHERE, ("label", "category"))]
    return Dataset(cohort, ids, names, np.where(flipped, -effect, effect), variance, statistics.correction, flipped)


def _merged(
    cohort: Cohort, statistics: Statistics, pairs: Pairs, bilateral: Bilateral
) -> tuple[Cohort, Statistics, list[str]]:
    """Drop the right rows, join the ids, and write the flow."""
    ids = [str(v) for v in cohort.text(cohort.id_column, WHERE, ("id",))]
    keep = np.ones(len(cohort), bool)
    for left, right in pairs:
        keep[right] = False
        ids[left] = f"{ids[left]}+{ids[right]}"
    sided = sum(side in bilateral.levels for side in cohort.text(bilateral.side, WHERE))
    cohort.flow.unpaired = sided - 2 * len(pairs)
    reasons = {"averaged with the other side": len(pairs)}
    cohort.flow.effects.append(Step("bilateral", len(cohort), int(keep.sum()), reasons))
    return cohort.kept(keep), statistics.kept(keep), [ids[i] for i in np.flatnonzero(keep)]


def _flipped(cohort: Cohort, source: EffectSource) -> Rows:
    if source.direction is None:
        return np.zeros(len(cohort), bool)
    column = source.direction.column
    cohort.known_levels(column, source.direction.flip, f"{WHERE}.direction")
    values = cohort.text(column, WHERE)
    unknown = np.array([v is None for v in values], bool)
    refuse(cohort, unknown, column, "is missing, so that the direction is unknown", "fill it in")
    return np.array([v in source.direction.flip for v in values], bool)
