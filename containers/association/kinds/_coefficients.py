"""The metrics of a model's coefficients: estimate, standard error, Wald test and interval, odds ratio."""

import math
from collections.abc import Mapping, Sequence

import scipy.special

from containers.association.report import CohortReport
from containers.toolkit.tables.cohort import tails
from containers.toolkit.tables.cohort.arrays import FloatArray
from containers.toolkit.tables.cohort.design import INTERCEPT


def put_coefficients(
    report: CohortReport,
    names: Sequence[str],
    coefficients: FloatArray,
    standard_errors: FloatArray,
    *,
    level: float,
    scale: Mapping[str, float],
    stratum: str = "",
    notes: Mapping[str, str] | None = None,
) -> None:
    """coefficient, standard_error, z, p, log10_p, interval_low/high and odds_ratio(_low, _high) of every term.

    names, coefficients, standard_errors: (p,). scale: units of a number per odds ratio. notes: term -> why it has no
    finite estimate; its values are then undefined with that note. The intercept has no odds ratio.
    """
    quantile = float(scipy.special.ndtri(0.5 + level / 2.0))
    for name, beta, error in zip(names, coefficients, standard_errors, strict=True):
        note = (notes or {}).get(name, "")
        beta, error = (math.nan, math.nan) if note else (float(beta), float(error))
        z = beta / error
        p, log10_p = (math.nan, math.nan) if note else tails.normal(z)
        low, high = beta - quantile * error, beta + quantile * error
        values = {"coefficient": beta, "standard_error": error, "z": z, "p": p, "log10_p": log10_p}
        values |= {"interval_low": low, "interval_high": high}
        if name != INTERCEPT:
            units = scale.get(name, 1.0)
            ends = {"odds_ratio": beta, "odds_ratio_low": low, "odds_ratio_high": high}
            values |= {key: odds(value * units) for key, value in ends.items()}
        for quantity, value in values.items():
            report.put(quantity, value, stratum=stratum, term=name, note=note or _why(value))


def put_profile(
    report: CohortReport,
    names: Sequence[str],
    ends: FloatArray,
    *,
    scale: Mapping[str, float],
    stratum: str = "",
    notes: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """profile_low/high and profile_odds_ratio_low/high of every term.

    ends: (p, 2), NaN where unbounded. notes: (term, `low` or `high`) -> why that end is unbounded.
    """
    for name, pair in zip(names, ends, strict=True):
        for side, end in zip(("low", "high"), pair, strict=True):
            note = (notes or {}).get((name, side), "")
            report.put(f"profile_{side}", float(end), stratum=stratum, term=name, note=note)
            if name != INTERCEPT:
                ratio = odds(float(end) * scale.get(name, 1.0))
                report.put(f"profile_odds_ratio_{side}", ratio, stratum=stratum, term=name, note=note or _why(ratio))


def odds(value: float) -> float:
    """exp of a log odds ratio; infinite beyond the range of floats."""
    return math.exp(value) if value < 709.0 else math.inf if value == value else math.nan


def _why(value: float) -> str:
    return "beyond the range of numbers: see the coefficient" if math.isinf(value) else ""
