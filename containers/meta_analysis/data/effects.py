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
from containers.meta_analysis.data.table import EffectTable
from containers.toolkit.tables.cohort.flow import Step

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]
MADE = ("standard_error", "variance")
"""Columns that come into being with the effects."""


@dataclass(frozen=True)
class Effects:
    """One effect per row."""

    table: EffectTable
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

    def kept(self, rows: Rows) -> "Effects":
        """The same with only the rows that are True."""
        index = np.flatnonzero(rows)
        return Effects(
            self.table.kept(rows),
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


def make_effects(table: EffectTable, source: EffectSource) -> Effects:
    """Effects of all rows that have one. Raises ItemFault with column and rows for impossible statistics."""
    for name in MADE:
        if name in table.dictionary.columns and name not in part_columns(source):
            raise ItemFault(f"column {name!r} has a name that is made here", where=WHERE, fix="rename the column")
    study = table.text(source.study, WHERE, ("label", "category"))
    unnamed = np.array([v is None for v in study], bool)
    refuse(table, unnamed, source.study, "is missing", "name the study of every row")
    statistics = read_statistics(table, source)
    usable = statistics.summarised | ~np.isnan(statistics.effect)
    reasons = {"without an effect": int((~usable).sum())}
    table.flow.effects.append(Step("effect", len(table), int(usable.sum()), reasons))
    if not usable.any():
        raise ItemFault("no row has an effect", where=WHERE, fix="check the columns that `effects` names")
    table, statistics = table.kept(usable), statistics.kept(usable)
    if source.bilateral is None:
        statistics = statistics.computed(source.variance_type)
        ids = [str(v) for v in table.text(table.id_column, WHERE, ("id",))]
    else:
        pairs = find_pairs(table, source, source.bilateral)
        if source.bilateral.of == "summaries":
            statistics = average_summaries(table, statistics, pairs, source.bilateral)
            statistics = statistics.computed(source.variance_type)
        else:
            statistics = statistics.computed(source.variance_type)
            statistics = average_effects(statistics, pairs, source.bilateral.correlation)
        table, statistics, ids = _merged(table, statistics, pairs, source.bilateral)
    effect, variance = statistics.effect, statistics.variance
    wrong = ~(np.isfinite(effect) & np.isfinite(variance) & (variance > 0))
    refuse(table, wrong, "of the effect", "effect is not finite, or its variance not above 0", "check these rows")
    flipped = _flipped(table, source)
    table = table.with_numbers({"standard_error": np.sqrt(variance), "variance": variance})
    names = [str(v) for v in table.text(source.study, WHERE, ("label", "category"))]
    return Effects(table, ids, names, np.where(flipped, -effect, effect), variance, statistics.correction, flipped)


def _merged(
    table: EffectTable, statistics: Statistics, pairs: Pairs, bilateral: Bilateral
) -> tuple[EffectTable, Statistics, list[str]]:
    """Drop the right rows, join the ids, and write the flow."""
    ids = [str(v) for v in table.text(table.id_column, WHERE, ("id",))]
    keep = np.ones(len(table), bool)
    for left, right in pairs:
        keep[right] = False
        ids[left] = f"{ids[left]}+{ids[right]}"
    sided = sum(side in bilateral.levels for side in table.text(bilateral.side, WHERE))
    table.flow.unpaired = sided - 2 * len(pairs)
    reasons = {"averaged with the other side": len(pairs)}
    table.flow.effects.append(Step("bilateral", len(table), int(keep.sum()), reasons))
    return table.kept(keep), statistics.kept(keep), [ids[i] for i in np.flatnonzero(keep)]


def _flipped(table: EffectTable, source: EffectSource) -> Rows:
    if source.direction is None:
        return np.zeros(len(table), bool)
    column = source.direction.column
    table.known_levels(column, source.direction.flip, f"{WHERE}.direction")
    values = table.text(column, WHERE)
    unknown = np.array([v is None for v in values], bool)
    refuse(table, unknown, column, "is missing, so that the direction is unknown", "fill it in")
    return np.array([v in source.direction.flip for v in values], bool)
