"""Bootstrap of a logistic model: Harrell's optimism of the c-index and of the calibration line.

Harrell, Regression Modeling Strategies, 2nd ed., section 5.3.4, as rms::validate does it: fit on each resample (train),
apply to all rows (test), optimism = mean of train - test, corrected = apparent - optimism. The calibration line is the
logistic regression of the outcome on the resample's linear predictor over all rows; on the training data it is
intercept 0, slope 1 by definition.

Rows with equal covariates are collapsed into one pattern of trials and events, so that they tie exactly and a resample
is a set of integer weights. Newton's method starts from the full fit and its information. Resamples that are separated,
singular or without one of the outcomes are left out and counted, as rms does with those that fail to fit.

Memory: vectors of one resample at a time, and no second copy of x unless rows collapse.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from containers.association.measures.c_index import SortedScores
from containers.association.measures.draws import draw_rows
from containers.toolkit.tables.cohort.arrays import FloatArray, IntArray

CHUNK = 4096
"""Rows worked on at a time: temporary arrays stay in the processor's cache."""
MAX_STEPS = 25
"""Under separation a step adds about 1 to a linear predictor: 25 steps end far from where a probability rounds to 1."""
FAST = 0.01
"""A step counts as fast when it is at most this part of the one before."""
ERROR = 1e-10
"""In standard errors: what a fit is still away from its maximum at most, by the rate of its last two steps."""
LONGEST_MOVE = 3.0
"""No step moves a linear predictor further than this: Newton's method can overshoot beyond."""
PIVOT = 1e-11
"""Relative size of a Cholesky pivot below which columns count as collinear."""


@dataclass(frozen=True)
class CovariatePatterns:
    """Rows collapsed by equal covariates."""

    columns: FloatArray
    """Covariates of each pattern, (p, patterns), each covariate contiguous."""
    code: IntArray
    """Twice the row's pattern plus its outcome (0 or 1), (n,)."""
    trials: FloatArray
    """Rows in each pattern, (patterns,)."""
    events: FloatArray
    """Events in each pattern, (patterns,)."""

    @classmethod
    def of(cls, x: FloatArray, y: FloatArray) -> "CovariatePatterns":
        """Collapse (n, p) rows; y: (n,) of 0 and 1."""
        columns = np.ascontiguousarray(x.T)
        order = np.lexsort(columns)
        new = np.zeros(len(order), dtype=bool)
        for column in columns:
            values = column[order]
            new[1:] |= values[1:] != values[:-1]
        new[0] = True
        if new.all():
            code = np.arange(0, 2 * len(x), 2, dtype=np.int64)
        else:
            code = np.empty(len(x), dtype=np.int64)
            code[order] = 2 * (np.cumsum(new) - 1)
            columns = columns[:, order[new]]
        code += y > 0.5
        return cls(columns, code, *_counts(code, columns.shape[1]))

    def of_rows(self, values: FloatArray) -> FloatArray:
        """(n,) values of the rows, from (patterns,) values: equal for equal covariates."""
        of_rows: FloatArray = values[self.code >> 1]
        return of_rows

    def resample(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Trials and events of each pattern, (patterns,), in a resample of rows."""
        return _counts(self.code[rows], self.columns.shape[1])


def _counts(code: IntArray, patterns: int) -> tuple[FloatArray, FloatArray]:
    both = np.bincount(code, minlength=2 * patterns)
    events = both[1::2].astype(np.float64)
    return both[::2] + events, events


def fit_counts(
    columns: FloatArray,
    trials: FloatArray,
    events: FloatArray,
    start: FloatArray,
    start_information: FloatArray | None = None,
) -> FloatArray | None:
    """Maximum likelihood coefficients (p,) of events among trials (n,) on columns (p, n), from `start`.

    Newton's method that keeps an information matrix as long as steps shrink FAST by it: most of the time goes into
    that matrix. start_information: (p, p), one that is near the information at the start. None is returned where
    there is no maximum to be found: separation, a singular information, one outcome only.
    """
    total, happened = trials.sum(), events.sum()
    if happened <= 0 or happened >= total:
        return None
    beta, matrix, last, own = start.copy(), start_information, math.inf, False
    for _ in range(MAX_STEPS):
        fitted, gradient = _gradient(columns, trials, events, beta)
        step = None if matrix is None else _solve(matrix, gradient)
        if step is None or math.sqrt(max(0.0, float(step @ gradient))) > FAST * last:
            matrix, own = _information(columns, trials, fitted), True
            step = _solve(matrix, gradient)
        if step is None:
            return None
        length = math.sqrt(max(0.0, float(step @ gradient)))
        if length > 1.0:
            step *= min(1.0, LONGEST_MOVE / float(np.abs(step @ columns).max()))
        beta += step
        # With the same matrix the next step would be shorter by the same factor.
        shrunk = length / last if last < math.inf else 1.0
        if own and length * min(1.0, shrunk) < ERROR:
            return beta
        if not own and length < ERROR:
            matrix = None
        last = length
    return None


def _gradient(
    columns: FloatArray, trials: FloatArray, events: FloatArray, beta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Probabilities (n,) and gradient (p,) of the binomial log-likelihood."""
    p = beta @ columns
    with np.errstate(over="ignore"):
        np.exp(np.negative(p, out=p), out=p)
    p += 1.0
    np.divide(1.0, p, out=p)
    return p, columns @ (events - trials * p)


def _information(columns: FloatArray, trials: FloatArray, p: FloatArray) -> FloatArray:
    """(p, p) information of the binomial log-likelihood at probabilities p (n,)."""
    information = np.zeros((len(columns), len(columns)))
    root = np.sqrt(trials * p * (1.0 - p))
    for first in range(0, columns.shape[1], CHUNK):
        some = slice(first, first + CHUNK)
        rows = columns[:, some] * root[some]
        information += rows @ rows.T
    return information


def _solve(information: FloatArray, gradient: FloatArray) -> FloatArray | None:
    size = np.sqrt(np.diag(information))
    if not np.all(np.isfinite(size)) or size.min() <= 0:
        return None
    scaled = information / size[:, None] / size
    try:
        pivots = np.diag(np.linalg.cholesky(scaled))
    except np.linalg.LinAlgError:
        return None
    if pivots.min() ** 2 < PIVOT:
        return None
    step: FloatArray = np.linalg.solve(scaled, gradient / size) / size
    return step


def recalibration(predictor: FloatArray, trials: FloatArray, events: FloatArray) -> tuple[float, float] | None:
    """Intercept and slope of the logistic regression of events among trials on a linear predictor; None if it fails.

    (Cox, Biometrika 45:562, 1958.) On the data that the predictor was fitted to, they are 0 and 1.
    """
    design = np.stack([np.ones_like(predictor), predictor])
    line = fit_counts(design, trials, events, np.array([0.0, 1.0]))
    return None if line is None else (float(line[0]), float(line[1]))


@dataclass(frozen=True)
class Resample:
    """A resample that was fitted."""

    number: int
    """Place of the resample in the order of the draws, counted from 0."""
    trials: FloatArray
    """Drawn rows in each pattern, (patterns,)."""
    events: FloatArray
    """Drawn events in each pattern, (patterns,)."""
    predictor: FloatArray
    """Linear predictor of each pattern by the resample's own fit, (patterns,)."""


def fitted_resamples(patterns: CovariatePatterns, start: FloatArray, seed: int, resamples: int) -> Iterator[Resample]:
    """The resamples of a seed, one after another, without those that cannot be fitted. start: the full fit."""
    fitted, _ = _gradient(patterns.columns, patterns.trials, patterns.events, start)
    information = _information(patterns.columns, patterns.trials, fitted)
    for number in range(resamples):
        trials, events = patterns.resample(draw_rows(seed, number, len(patterns.code)))
        beta = fit_counts(patterns.columns, trials, events, start, information)
        if beta is not None:
            yield Resample(number, trials, events, beta @ patterns.columns)


@dataclass(frozen=True)
class Optimism:
    """Optimism of the c-index and of the calibration line."""

    apparent: float
    """c of the model on the rows that it was fitted on."""
    optimism: float
    """Mean over the resamples of c on the resample less c on all rows."""
    corrected: float
    """`apparent` less `optimism`."""
    intercept: float
    """Intercept of the calibration line, corrected for optimism."""
    slope: float
    """Slope of the calibration line, corrected for optimism."""
    fitted: int
    """Resamples that entered the means."""
    train: FloatArray
    """c of each resample's model on the resample, (fitted,)."""
    test: FloatArray
    """c of each resample's model on all rows, (fitted,)."""


def harrell_optimism(x: FloatArray, y: FloatArray, coefficients: FloatArray, seed: int, resamples: int) -> Optimism:
    """Optimism of the logistic model y ~ x whose maximum likelihood fit is `coefficients`.

    x: (n, p) with the intercept column; y: (n,) of 0 and 1. Raises ValueError when no resample could be fitted.
    """
    patterns = CovariatePatterns.of(x, y)
    apparent = SortedScores.of(coefficients @ patterns.columns).c_index(
        patterns.events, patterns.trials - patterns.events
    )
    rows = []
    for one in fitted_resamples(patterns, coefficients, seed, resamples):
        line = recalibration(one.predictor, patterns.trials, patterns.events)
        if line is None:
            continue
        scores = SortedScores.of(one.predictor)
        train = scores.c_index(one.events, one.trials - one.events)
        test = scores.c_index(patterns.events, patterns.trials - patterns.events)
        rows.append((train, test, *line))
    if not rows:
        raise ValueError("no resample could be fitted")
    table = np.array(rows)
    train, test, intercept, slope = table.mean(axis=0)
    return Optimism(
        apparent,
        float(train - test),
        float(apparent - (train - test)),
        float(intercept),
        float(slope),
        len(table),
        table[:, 0],
        table[:, 1],
    )
