"""Concordance index of a score for a binary outcome: exact, with DeLong's variance and a bootstrap interval.

c = (concordant pairs + half the tied pairs) / all pairs of one event and one non-event (Harrell, Regression Modeling
Strategies, 2nd ed., section 10.8): the area under the ROC curve, and (Somers' Dxy + 1) / 2.

Invariants: O(n log n) by one sort; scores tie only when they are equal as floating-point numbers; the direction is as
given (a higher score speaks for the event), so c may lie below 0.5.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from containers.association.measures.draws import draw_rows
from containers.toolkit.tables.cohort.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class SortedScores:
    """One sort of (n,) scores that serves many sets of weights."""

    order: IntArray
    """Positions of the scores in ascending order, (n,)."""
    starts: IntArray
    """Position in `order` of the first of each set of equal scores, (distinct scores,)."""

    @classmethod
    def of(cls, score: FloatArray) -> "SortedScores":
        """Sort ascending. The scores must be finite."""
        order = np.argsort(score)
        ranked = score[order]
        return cls(order, np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1]))

    def c_index(self, events: FloatArray, non_events: FloatArray) -> float:
        """c of (n,) weighted events and non-events in the scores' own order; NaN when one of them sums to 0."""
        return self.c_index_sorted(events[self.order], non_events[self.order])

    def c_index_sorted(self, events: FloatArray, non_events: FloatArray) -> float:
        """As `c_index`, with the weights already in sorted order."""
        if len(self.starts) < len(events):
            events, non_events = np.add.reduceat(events, self.starts), np.add.reduceat(non_events, self.starts)
        below = np.cumsum(non_events)
        pairs = float(below[-1]) * float(events.sum())
        if pairs == 0.0:
            return math.nan
        # Not a dot product: libraries split that over threads, which here takes longer and changes the last digit.
        return float((events * (below - 0.5 * non_events)).sum()) / pairs


@dataclass(frozen=True)
class CIndex:
    """The c-index with its Wald interval cut to [0, 1]."""

    c: float
    """Share of pairs of event and no event in which the event has the higher score, ties counted half."""
    standard_error: float
    """Standard error of c by DeLong."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""


def concordance_index(score: FloatArray, event: FloatArray, level: float = 0.95) -> CIndex:
    """c with DeLong's variance (Biometrics 44:837, 1988).

    Midranks make it O(n log n): Sun & Xu, IEEE Signal Process Lett 21:1389 (2014). score: (n,) finite. event: (n,) of
    0 and 1. The standard error needs two events and two non-events, else it is NaN. Raises ValueError when there is no
    event or no non-event.
    """
    is_event = event > 0.5
    positive, negative = score[is_event], score[~is_event]
    m, n = len(positive), len(negative)
    if not m or not n:
        raise ValueError("c needs at least one event and one non-event")
    ranks = rankdata(score)
    of_events = (ranks[is_event] - rankdata(positive)) / n
    of_others = 1.0 - (ranks[~is_event] - rankdata(negative)) / m
    c = float(of_events.mean())
    variance = of_events.var(ddof=1) / m + of_others.var(ddof=1) / n if min(m, n) > 1 else math.nan
    error = math.sqrt(variance)
    half = float(ndtri(0.5 + level / 2)) * error
    return CIndex(c, error, max(0.0, c - half), min(1.0, c + half))


def bootstrap_c(score: FloatArray, event: FloatArray, seed: int, resamples: int) -> FloatArray:
    """c of each resample of rows, (resamples,), the score kept fixed; NaN where a resample has one outcome only."""
    scores = SortedScores.of(score)
    sorted_event = event[scores.order]
    values = np.empty(resamples)
    for number in range(resamples):
        drawn = np.bincount(draw_rows(seed, number, len(score)), minlength=len(score))[scores.order].astype(np.float64)
        events = drawn * sorted_event
        values[number] = scores.c_index_sorted(events, drawn - events)
    return values


def percentile_interval(values: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the finite values (quantiles by linear interpolation); NaN when there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return math.nan, math.nan
    low, high = np.quantile(finite, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
