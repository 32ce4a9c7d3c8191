"""Nomogram of a logistic model: the axes and points of R's rms::nomogram.

Harrell, Regression Modeling Strategies, 2nd ed., section 5.3.2. Each variable's axis runs over R's `pretty` values of
its range, or over its own values when it has at most ten, or over its levels. The variable whose axis spans the
largest range of the linear predictor gets 0 to 100 points; the lowest end of every axis is 0 points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from containers.toolkit.tables.cohort.arrays import FloatArray

POINTS = 100.0
"""Points of the variable with the largest range."""
INTERVALS = 10
"""Intervals that `pretty` aims at on an axis."""
DISTINCT = 10
"""A number with at most so many different values is shown by these."""


@dataclass(frozen=True)
class Variable:
    """One axis of a nomogram."""

    name: str
    """Name of the term."""
    values: tuple[float, ...] | tuple[str, ...]
    """What the axis shows, (k,): numbers or levels."""
    effects: FloatArray
    """What each of them adds to the linear predictor, (k,)."""


@dataclass(frozen=True)
class Nomogram:
    """Axes and points of a nomogram."""

    variables: tuple[Variable, ...]
    """The axes of the terms."""
    points: tuple[FloatArray, ...]
    """Points at each place of an axis, (k,), in the order of the variables."""
    points_per_unit: float
    """Points per unit of the linear predictor."""
    predictor_at_zero: float
    """Linear predictor at 0 total points."""
    total_axis: FloatArray
    """Values of the axis of total points."""
    predictor_axis: FloatArray
    """Values of the axis of the linear predictor."""
    probability_axis: FloatArray
    """Values of the axis of the probability, as shares."""

    def total_points(self, predictor: FloatArray) -> FloatArray:
        """Total points of (k,) values of the linear predictor."""
        return (predictor - self.predictor_at_zero) * self.points_per_unit

    def total_points_of_probability(self, probability: FloatArray) -> FloatArray:
        """Total points of (k,) probabilities between 0 and 1, by the exact logit.

        rms interpolates the inverse on 1,000 steps unless it is given fun.lp.at: it differs by 1e-3 of a point or so.
        """
        return self.total_points(np.log(probability / (1.0 - probability)))


def axis_values(x: FloatArray) -> FloatArray:
    """Values of a number's axis, as rms takes them from its datadist."""
    distinct = np.unique(x)
    return distinct if len(distinct) <= DISTINCT else pretty(float(distinct[0]), float(distinct[-1]), INTERVALS)


def nomogram(
    intercept: float,
    variables: Sequence[Variable],
    predictor_range: tuple[float, float],
    probabilities: Sequence[float] = (),
) -> Nomogram:
    """Scale the variables' effects to points.

    predictor_range: smallest and largest linear predictor of the rows. probabilities: of that axis; by default pretty
    values over the range of the axis of the linear predictor. Raises ValueError when no variable has an effect.
    """
    lows = [float(v.effects.min()) for v in variables]
    widest = max((float(v.effects.max()) - low for v, low in zip(variables, lows, strict=True)), default=0.0)
    if not widest > 0.0:
        raise ValueError("no variable has an effect")
    scale, zero = POINTS / widest, intercept + sum(lows)
    predictor_axis = pretty(*predictor_range, INTERVALS)
    top = POINTS if len(variables) == 1 else max(POINTS, scale * (float(predictor_axis[-1]) - zero))
    ends = 1.0 / (1.0 + np.exp(-predictor_axis[[0, -1]]))
    shown = np.array(probabilities or pretty(float(ends[0]), float(ends[1]), INTERVALS), dtype=np.float64)
    if not probabilities:
        shown = shown[(shown >= ends[0]) & (shown <= ends[1]) & (shown > 0) & (shown < 1)]
    return Nomogram(
        tuple(variables),
        tuple((v.effects - low) * scale for v, low in zip(variables, lows, strict=True)),
        scale,
        zero,
        pretty(0.0, top, INTERVALS),
        predictor_axis,
        shown,
    )


def pretty(low: float, high: float, intervals: int) -> FloatArray:
    """R's pretty(c(low, high), n = intervals): about that many equal steps of 1, 2 or 5 times a power of 10.

    The algorithm of R_pretty (R 4.2, src/appl/pretty.c) with its default biases, for finite numbers of usual size.
    """
    least, bias, bias5 = intervals // 3, 1.5, 0.5 + 1.5 * 1.5
    spread, cell = high - low, max(abs(low), abs(high))
    unit_error = 1 + 1 / (1 + bias)
    if spread < cell * unit_error * max(1, intervals) * np.finfo(float).eps * 3 or cell == 0.0:
        cell = 0.75 * (9 + cell / 10 if cell > 10 else cell or 1.0) / max(1, least)
    else:
        cell = spread / intervals
    base = 10.0 ** floor(log10(cell))
    unit, reached = base, True
    for step, limit in ((2 * base, bias), (5 * base, bias5), (10 * base, bias)):
        reached = reached and step - cell < limit * (cell - unit)
        unit = step if reached else unit
    first, last = floor(low / unit + 1e-10), ceil(high / unit - 1e-10)
    while first * unit > low + 1e-10 * unit:
        first -= 1
    while last * unit < high - 1e-10 * unit:
        last += 1
    steps = floor(0.5 + last - first)
    if steps < least:
        missing, steps = least - steps, least
        if low == 0.0 and first == 0 and high != 0.0:
            last += missing
        elif high == 0.0 and last == 0 and low != 0.0:
            first -= missing
        elif first >= 0:
            last, first = last + missing // 2, first - missing // 2 - missing % 2
        else:
            last, first = last + missing // 2 + missing % 2, first - missing // 2
    values = np.linspace(min(first * unit, low), max(last * unit, high), steps + 1)
    values[np.abs(values) < 1e-14 * unit] = 0.0
    return values
