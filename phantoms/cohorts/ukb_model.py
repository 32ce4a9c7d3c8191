"""The law behind `ukb_cohort`: marginals of ukb_thigh's Table 1, effects on the outcomes, and what follows from them.

Figures are the paper's where a place is named; all others are assumptions of the phantom. Tuples by sex are
(women, men). Effects are log odds.
"""

import math
from dataclasses import dataclass

import numpy as np

from phantoms.cohorts.tables import F64, Ints

BySex = tuple[float, float]

AGE_CENTRE, BMI_CENTRE = 64.5, 26.5
AGE_LOW, AGE_HIGH = 50.0, 86.0
AGE_NORMAL: tuple[BySex, BySex] = ((62.364, 64.200), (9.301, 9.329))
"""Mean and SD of the normal that, cut off at AGE_LOW and AGE_HIGH, has Table 1's 63.9 ± 7.7 and 65.2 ± 7.9."""
BMI: tuple[BySex, BySex] = ((26.1, 27.0), (4.8, 3.9))
BMI_LIMITS = (15.0, 55.0)
"""Draws beyond them (about one in 20,000) are set to them: beyond, sarcopenia could be likelier than low mass."""
LEAST_WEIGHT_KG = 30.5
"""Nobody weighs less; of 60,000 drawn at these BMIs and heights, one or two would."""
HEIGHT: tuple[BySex, BySex] = ((1.627, 1.760), (0.063, 0.067))
PA_RATIO: tuple[BySex, BySex] = ((0.44, 0.45), (0.06, 0.05))
TMV: tuple[BySex, BySex] = ((7586.2, 11166.4), (1076.1, 1689.8))
ACTIVITY_SHARES = (0.2, 0.4, 0.4)
ASYMMETRY_SD = 0.046
"""Of the signed difference of the legs over the larger one: the median of its size is the paper's 3.1 %."""
TVI_ALMI_CORRELATION = 0.79
"""Within a sex: then r over both sexes is the paper's 0.885, which the difference of the sexes raises."""
THIGH_SHARE = 0.31
"""Hamstrings and quadriceps together, of the total muscle volume."""
LEGS_ON_ALMI, LEGS_ON_TVI, LEGS_SD = 0.35, 0.0006, 0.364
"""Leg lean mass over height squared, kg/m2: slopes on ALMI and on TVI (cm3/m2), residual SD. They give the paper's r of
TMV and leg lean mass, 0.936."""
LEGS_MEAN: BySex = (4.95, 6.05)


@dataclass(frozen=True)
class Effects:
    """What an outcome depends on."""

    share: float
    """Share of the outcome among the analysed (Table 1, Table 2)."""
    odds_ratio: float
    """Odds ratio of the highest against the lowest P/A third (Table 2)."""
    per_year: float
    """Log odds per year of age."""
    male: float
    """Log odds of men against women."""
    per_bmi: float
    """Log odds per kg/m2 of BMI."""
    moderate: float
    """Log odds of moderate against low activity."""
    high: float
    """Log odds of high against low activity."""


EFFECTS = {
    "low_muscle_mass": Effects(2172 / 24670, 1.02, 0.048, 0.03, -0.18, -0.10, -0.20),
    "weak_grip": Effects(2582 / 37004, 1.60, 0.060, -0.02, -0.01, -0.15, -0.30),
    "sarcopenia": Effects(417 / 37004, 1.42, 0.055, 0.05, -0.13, -0.15, -0.30),
    "death": Effects(431 / 24670, 1.49, 0.080, 0.50, 0.02, -0.15, -0.30),
    "falls": Effects(4531 / 24670, 1.12, 0.015, -0.20, 0.02, -0.05, -0.05),
}


@dataclass(frozen=True)
class Measure:
    """A measurement that falls below a cut-off, with its values for women and men."""

    cut_off: BySex
    """EWGSOP2's cut-off, in the unit of the measurement."""
    mean: BySex
    """Mean of Table 1, in the unit of the measurement."""


GRIP = Measure((16.0, 27.0), (24.1, 39.3))
ALMI = Measure((5.5, 7.0), (6.53, 8.18))


def by_sex(values: BySex, sex: Ints) -> F64:
    """The value of each participant's sex (0 woman, 1 man)."""
    return np.array(values)[sex]


def scale_of(measure: Measure, eta: F64, sex: Ints) -> F64:
    """Scale (2,) of a measurement = cut-off - scale (eta + e) that has the sex's mean."""
    mean_eta = np.array([eta[sex == s].mean() for s in (0, 1)])
    scale: F64 = (np.array(measure.cut_off) - np.array(measure.mean)) / mean_eta
    return scale


def tvi_moments() -> tuple[F64, F64]:
    """Mean and SD (2,) of TMV / height^2 in cm3/m2 that give Table 1's TMV, height being independent of TVI."""
    mean, sd = (np.array(v) for v in TMV)
    square, fourth = height_powers()
    tvi_mean: F64 = mean / square
    tvi_sd: F64 = np.sqrt((sd**2 + mean**2) / fourth - tvi_mean**2)
    return tvi_mean, tvi_sd


def height_powers() -> tuple[F64, F64]:
    """E[h^2] and E[h^4] (2,) of the normal heights."""
    mean, sd = (np.array(v) for v in HEIGHT)
    return mean**2 + sd**2, mean**4 + 6 * mean**2 * sd**2 + 3 * sd**4


def eta_variance(name: str) -> F64:
    """Variance (2,) of an outcome's linear predictor within a sex. The P/A third's share of it, below 1e-4 for ALMI and
    TVI, is left out."""
    effects = EFFECTS[name]
    ages = [_truncated_variance(m, s) for m, s in zip(*AGE_NORMAL, strict=True)]
    shares, values = np.array(ACTIVITY_SHARES), np.array([0.0, effects.moderate, effects.high])
    activity = float(shares @ values**2 - (shares @ values) ** 2)
    return effects.per_year**2 * np.array(ages) + effects.per_bmi**2 * np.array(BMI[1]) ** 2 + activity


def _truncated_variance(mean: float, sd: float) -> float:
    """Variance of a normal cut off at AGE_LOW and AGE_HIGH (Johnson, Kotz and Balakrishnan 1994, section 10.1)."""
    a, b = (AGE_LOW - mean) / sd, (AGE_HIGH - mean) / sd
    density = [math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (a, b)]
    mass = (math.erf(b / math.sqrt(2)) - math.erf(a / math.sqrt(2))) / 2
    first = (density[0] - density[1]) / mass
    return sd**2 * (1 + (a * density[0] - b * density[1]) / mass - first**2)


@dataclass(frozen=True)
class Body:
    """Law of the body measures within a sex, all (2,), women first: TVI = mean + slope (ALMI - mean) + residual."""

    almi_variance: F64
    """Variance of ALMI, in (kg/m2)^2."""
    tvi_slope: F64
    """Slope of TVI on ALMI, in cm3/m2 per kg/m2."""
    tvi_residual_sd: F64
    """Standard deviation of the residual of TVI, in cm3/m2."""


def body(almi_scale: F64) -> Body:
    """The law that follows from ALMI's scale (2,)."""
    variance = almi_scale**2 * (eta_variance("low_muscle_mass") + math.pi**2 / 3)
    _mean, sd = tvi_moments()
    slope = TVI_ALMI_CORRELATION * sd / np.sqrt(variance)
    return Body(variance, slope, sd * math.sqrt(1 - TVI_ALMI_CORRELATION**2))


def correlations(law: Body, man_share: float) -> dict[str, float]:
    """Pearson's r over both sexes of TVI with ALMI, and of TMV with leg lean mass: the law's, not a sample's."""
    weight = np.array([1 - man_share, man_share])
    tvi_mean, tvi_sd = tvi_moments()
    square, fourth = height_powers()
    cov_tvi_almi = law.tvi_slope * law.almi_variance
    legs_variance = (
        LEGS_ON_ALMI**2 * law.almi_variance
        + LEGS_ON_TVI**2 * tvi_sd**2
        + 2 * LEGS_ON_ALMI * LEGS_ON_TVI * cov_tvi_almi
        + LEGS_SD**2
    )
    cov_tvi_legs = LEGS_ON_ALMI * cov_tvi_almi + LEGS_ON_TVI * tvi_sd**2
    legs_mean = np.array(LEGS_MEAN)
    tmv_mean, kg_mean = square * tvi_mean, square * legs_mean
    tmv_variance = fourth * (tvi_sd**2 + tvi_mean**2) - tmv_mean**2
    kg_variance = fourth * (legs_variance + legs_mean**2) - kg_mean**2
    cov_tmv_kg = fourth * (cov_tvi_legs + tvi_mean * legs_mean) - tmv_mean * kg_mean
    return {
        "tvi_almi": _pooled(weight, tvi_mean, np.array(ALMI.mean), tvi_sd**2, law.almi_variance, cov_tvi_almi),
        "tmv_legs": _pooled(weight, tmv_mean, kg_mean, tmv_variance, kg_variance, cov_tmv_kg),
    }


def _pooled(weight: F64, a: F64, b: F64, var_a: F64, var_b: F64, cov: F64) -> float:
    """Correlation of a mixture from means, variances and covariances of its parts."""
    between = [float(weight @ (p * q) - (weight @ p) * (weight @ q)) for p, q in ((a, a), (b, b), (a, b))]
    return (float(weight @ cov) + between[2]) / math.sqrt(
        (float(weight @ var_a) + between[0]) * (float(weight @ var_b) + between[1])
    )


def declines(almi_scale: F64, law: Body) -> dict[str, F64]:
    """Change per decade (2,) of ALMI, TVI and TMV: linear in age, as the other covariates do not depend on it."""
    almi = -10.0 * almi_scale * EFFECTS["low_muscle_mass"].per_year
    tvi = law.tvi_slope * almi
    square, _fourth = height_powers()
    return {"almi": almi, "tvi": tvi, "tmv": square * tvi}
