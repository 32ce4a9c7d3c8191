"""The table of a mixed logistic model as the fit works on it: sorted, merged, standardised.

Rows are sorted by group; equal rows within a group are merged into one with more trials, where at least half of them
are equal (categories and whole years); columns are centred and scaled, so that neither a unit nor an origin far from
zero costs digits. One copy of the table is made, and no other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.association.models.quadrature import GroupedRows
from containers.toolkit.tables.cohort.arrays import FloatArray


@dataclass(frozen=True)
class PreparedRows:
    """Rows as the fit takes them: sorted by group, equal ones merged, columns standardised."""

    rows: GroupedRows
    """The sorted rows."""
    labels: npt.NDArray[np.generic]
    """Label of each group, (groups,)."""
    change: FloatArray
    """Change of base, (p, p): coefficients of x = change @ coefficients of rows.x."""


def prepare_rows(
    x: FloatArray,
    y: FloatArray,
    groups: npt.NDArray[np.generic],
    weights: FloatArray | None = None,
) -> PreparedRows:
    """Sort, merge and standardise. Arguments as in `mixed_logistic.fit_mixed_logistic`; nothing of them is changed.

    Raises ValueError for fewer than two groups.
    """
    labels, code = np.unique(groups, return_inverse=True)
    if len(labels) < 2:
        raise ValueError("a random intercept needs at least two groups")
    # Equal rows give equal projections, but for rounding; unequal ones that collide are distinguished below.
    projection = x @ np.random.default_rng(0).standard_normal(x.shape[1])
    order = np.lexsort((projection, code))
    code, projection = code[order], projection[order]
    new = np.ones(len(order), bool)
    new[1:] = (code[1:] != code[:-1]) | (projection[1:] != projection[:-1])
    merged = bool(2 * new.sum() <= len(order))
    if merged:
        kept = x[order[new]]
        run = np.cumsum(new) - 1
        merged = all(np.array_equal(kept[run, column], x[order, column]) for column in range(x.shape[1]))
    if not merged:
        new[:] = True
    trials = np.ones(len(order)) if weights is None else np.asarray(weights, np.float64)[order]
    events = trials * y[order]
    if merged:
        begin = np.flatnonzero(new)
        trials, events, code = np.add.reduceat(trials, begin), np.add.reduceat(events, begin), code[begin]
    else:
        kept = x[order]
    starts = np.searchsorted(code, np.arange(len(labels) + 1))
    change = _standardise(kept)
    return PreparedRows(GroupedRows(kept, trials, events, starts), labels, change)


def _standardise(x: FloatArray) -> FloatArray:
    """Scale the columns of x in place, and centre them where the first is an intercept. Returns `change`."""
    change = np.eye(x.shape[1])
    centred = bool((x[:, 0] == 1.0).all())
    for column in range(int(centred), x.shape[1]):
        origin = float(x[:, column].mean()) if centred else 0.0
        x[:, column] -= origin
        unit = float(np.sqrt(x[:, column] @ x[:, column] / len(x))) or 1.0
        x[:, column] /= unit
        change[column, column] = 1.0 / unit
        if centred:
            change[0, column] = -origin / unit
    return change
