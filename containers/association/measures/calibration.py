"""Calibration of a logistic model: the bootstrap curve as rms::calibrate draws it, and its errors.

Harrell, Regression Modeling Strategies, 2nd ed., section 10.9. The curve is the smooth (lowess without robustness
steps) of the outcome on the predicted probability, read at 50 places between the 5th smallest and the 5th largest
prediction. Optimism at a place: mean over resamples of (curve of the resample's model on its own rows) - (on all rows);
a resample whose predictions do not reach a place does not count there. Corrected = apparent - optimism.
"""

import math
from dataclasses import dataclass

import numpy as np

from containers.association.measures.lowess import Lowess
from containers.association.measures.resampling import CovariatePatterns, Resample, fitted_resamples, recalibration
from containers.toolkit.tables.cohort.arrays import FloatArray, IntArray

PLACES = 50
TRIM = 5
"""The curve runs from the 5th smallest to the 5th largest prediction."""


@dataclass(frozen=True)
class Calibration:
    """The calibration curve at 50 probabilities, and errors over the rows within the curve."""

    predicted: FloatArray
    """Predicted probabilities that the curve is taken at, (50,)."""
    apparent: FloatArray
    """Observed share at each, as fitted on the rows, (50,); NaN where unknown."""
    corrected: FloatArray
    """Observed share at each, corrected for optimism, (50,); NaN where unknown."""
    used: IntArray
    """Resamples that count at each probability, (50,)."""
    fitted: int
    """Resamples whose model could be fitted."""
    mean_error: float
    """Mean of |prediction - corrected curve|."""
    mean_squared_error: float
    """Mean of (prediction - corrected curve)^2."""
    p90_error: float
    """0.9 quantile of |prediction - corrected curve|."""
    intercept: float
    """Intercept of the calibration line, corrected for optimism by the resamples that have one."""
    slope: float
    """Slope of the calibration line, corrected for optimism by the resamples that have one."""


def probability(predictor: FloatArray) -> FloatArray:
    """Inverse logit."""
    with np.errstate(over="ignore"):
        p: FloatArray = 1.0 / (1.0 + np.exp(-predictor))
    return p


def calibration_curve(x: FloatArray, y: FloatArray, coefficients: FloatArray, seed: int, resamples: int) -> Calibration:
    """Bias-corrected calibration of the logistic model y ~ x whose maximum likelihood fit is `coefficients`.

    x: (n, p) with the intercept column; y: (n,) of 0 and 1. Raises ValueError for fewer than 11 rows, when all
    predictions are equal, or when no resample could be fitted.
    """
    if len(x) < 2 * TRIM + 1:
        raise ValueError(f"a calibration curve needs at least {2 * TRIM + 1} rows")
    patterns = CovariatePatterns.of(x, y)
    places, apparent, ranked = _apparent(patterns, coefficients)
    optimism, used, fitted = np.zeros(PLACES), np.zeros(PLACES, dtype=np.int64), 0
    lines = []
    for one in fitted_resamples(patterns, coefficients, seed, resamples):
        train, test = _curves(patterns, one, places)
        gap = train - test
        known = np.isfinite(gap)
        optimism[known] += gap[known]
        used += known
        fitted += 1
        line = recalibration(one.predictor, patterns.trials, patterns.events)
        if line is not None:
            lines.append(line)
    if not fitted:
        raise ValueError("no resample could be fitted")
    optimism = np.divide(optimism, used, out=np.full(PLACES, np.nan), where=used > 0)
    corrected = apparent - optimism
    errors = _errors(ranked, places, corrected)
    intercept, slope = np.mean(lines, axis=0) if lines else (math.nan, math.nan)
    return Calibration(places, apparent, corrected, used, fitted, *errors, float(intercept), float(slope))


def _apparent(patterns: CovariatePatterns, coefficients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Places of the curve, the full fit's curve there, and every row's prediction in order."""
    predicted = probability(coefficients @ patterns.columns)
    order = np.argsort(predicted)
    counts = patterns.trials[order].astype(np.int64)
    ranked = np.repeat(predicted[order], counts)
    if ranked[0] == ranked[-1]:
        raise ValueError("all predictions are equal")
    places = np.linspace(ranked[TRIM - 1], ranked[-TRIM], PLACES)
    return places, Lowess(predicted[order]).at(places, counts, patterns.events[order]), ranked


def _curves(patterns: CovariatePatterns, one: Resample, places: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Curves of a resample's model on its own rows and on all rows."""
    predicted = probability(one.predictor)
    order = np.argsort(predicted)
    smoother = Lowess(predicted[order])
    train, test = (
        smoother.at(places, trials[order].astype(np.int64), events[order])
        for trials, events in ((one.trials, one.events), (patterns.trials, patterns.events))
    )
    return train, test


def _errors(predictions: FloatArray, places: FloatArray, corrected: FloatArray) -> tuple[float, float, float]:
    """Mean absolute, mean squared and 90th percentile of the absolute error, as rms prints them."""
    known = np.isfinite(corrected)
    if known.sum() < 2 or places[0] == places[-1]:
        return math.nan, math.nan, math.nan
    places, corrected = places[known], corrected[known]
    inside = predictions[(predictions >= places[0]) & (predictions <= places[-1])]
    error = np.abs(inside - np.interp(inside, places, corrected))
    return float(error.mean()), float((error**2).mean()), float(np.quantile(error, 0.9))
