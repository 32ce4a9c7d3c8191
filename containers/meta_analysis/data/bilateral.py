"""Left and right of one measurement, averaged.

Invariants: a pair is one left and one right row that agree in study and in every column that tells measurements
apart; the average takes the left row's place; rows without a partner stay as they are.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.meta_analysis.data.analyses_file import Bilateral, EffectSource
from containers.meta_analysis.data.row_statistics import WHERE, Statistics, part_columns, refuse
from containers.meta_analysis.data.table import EffectTable
from containers.meta_analysis.measures.smd import Arm, average_sides
from containers.toolkit.tables.cohort.rows import name_rows

Pairs = npt.NDArray[np.int64]


def find_pairs(table: EffectTable, source: EffectSource, bilateral: Bilateral) -> Pairs:
    """(pairs, 2) positions of left and right rows. Raises ItemFault where it is not clear which belong together."""
    where = f"{WHERE}.bilateral"
    table.known_levels(bilateral.side, bilateral.levels, where)
    keys = [_values(table, name, where) for name in (source.study, *bilateral.by)]
    groups: dict[tuple[object, ...], dict[str, list[int]]] = {}
    for i, side in enumerate(table.text(bilateral.side, where)):
        if side in bilateral.levels:
            groups.setdefault(tuple(key[i] for key in keys), {}).setdefault(side, []).append(i)
    pairs = []
    for members in groups.values():
        most = max(members.values(), key=len)
        if len(most) > 1:
            rows = name_rows(table.row[most])
            raise ItemFault(f"one side is there more than once in {rows}", where=where, fix="add columns to `by`")
        if len(members) == 2:
            pairs.append([members[level][0] for level in bilateral.levels])
    _check_alike(table, source, bilateral, pairs)
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _values(table: EffectTable, name: str, where: str) -> Sequence[object]:
    """A column's values, None for missing."""
    if table.is_number(name):
        return [None if np.isnan(v) else float(v) for v in table.number(name, where)]
    return table.text(name, where, ("category", "label"))


def _check_alike(table: EffectTable, source: EffectSource, bilateral: Bilateral, pairs: list[list[int]]) -> None:
    apart = {table.id_column, bilateral.side} | part_columns(source)
    for name in table.dictionary.columns:
        if name in apart:
            continue
        values = _values(table, name, WHERE)
        for left, right in pairs:
            if values[left] != values[right]:
                rows = name_rows(table.row[[left, right]])
                raise ItemFault(
                    f"column {name} differs between the sides in {rows}",
                    where=f"{WHERE}.bilateral",
                    fix="correct the table, or take the column out of the dictionary",
                )


def average_summaries(table: EffectTable, statistics: Statistics, pairs: Pairs, bilateral: Bilateral) -> Statistics:
    """Means and standard deviations averaged into the left rows. Raises ItemFault when the sizes differ."""
    left, right = pairs.T
    arms = []
    for arm in statistics.arms:
        unequal = np.zeros(len(table), bool)
        unequal[left] = ~(arm.n[left] == arm.n[right])
        refuse(table, unequal, bilateral.side, "has other group sizes, or none, on the other side", "check the rows")
        one, other = (Arm(arm.mean[rows], arm.sd[rows], arm.n[rows]) for rows in (left, right))
        average = average_sides(one, other, bilateral.correlation)
        mean, sd = arm.mean.copy(), arm.sd.copy()
        mean[left], sd[left] = average.mean, average.sd
        arms.append(Arm(mean, sd, arm.n))
    return Statistics(tuple(arms), statistics.effect, statistics.variance, statistics.correction)


def average_effects(statistics: Statistics, pairs: Pairs, correlation: float) -> Statistics:
    """Effects and variances averaged into the left rows."""
    left, right = pairs.T
    effect, v, j = statistics.effect.copy(), statistics.variance.copy(), statistics.correction.copy()
    effect[left] = (effect[left] + effect[right]) / 2
    v[left] = (v[left] + v[right] + 2 * correlation * np.sqrt(v[left] * v[right])) / 4
    j[left] = np.where(j[left] == j[right], j[left], np.nan)
    return Statistics(statistics.arms, effect, v, j)
