"""The input set `ukb_cohort`: a table of participants like ukb_thigh's, drawn from a model whose odds ratios are known.

How it is drawn, for the participants that remain after the exclusions (`N_ANALYSED`, sexes as in Table 1):

- age normal, cut off at 50 and 86 years; BMI lognormal; height and P/A ratio normal; all by sex (Table 1), and
  independent of each other within a sex, which is an assumption (the crude odds ratios of Table 2 equal the adjusted
  ones, so P/A can hardly depend on age);
- every outcome is logistic in the P/A third, age, sex, BMI and activity: the text's adjustment set. Thirds are those of
  the analysed rows by the 33rd and 67th percentiles (Methods, Statistical analysis), so `coefficient.*_pa_text.*` is
  known exactly. Log odds of the middle third lie half-way. Left/right asymmetry has no effect on anything;
- weak grip and low muscle mass are grip strength and ALMI below EWGSOP2's cut-offs. Grip = cut-off(sex) - scale(sex)
  (eta + e) with e standard logistic: then P(grip < cut-off) = expit(eta) exactly, and grip falls linearly with age.
  Likewise ALMI. Scales give the means of Table 1; the SDs come out within 15 % of it;
- confirmed sarcopenia is both. The four cells of (weak, low) are drawn from three logistic margins, and each e from its
  own part of the logistic law; so all three outcomes are logistic, and grip and ALMI keep their law;
- TVI is linear in ALMI with normal residuals, TMV = TVI height^2, hamstrings and quadriceps are a fixed share of
  TMV split by the P/A ratio, leg lean mass is linear in ALMI and TVI times height^2.

What differs from the paper, by necessity: one effect of age on ALMI for both sexes (the paper's declines by sex do
not fit one logistic model), and the shares of the single exclusions, of which only the sum is printed.

Measurement error (`pa_error_*`, `tmv_error_*`: mean and SD of the error's natural logarithm) changes the measured
volumes after the outcomes were drawn from the true ones; truth stays that of the true ones.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.request import Strict
from phantoms.cohorts import ukb_model as model
from phantoms.cohorts.tables import (
    F64,
    Ints,
    Mask,
    expit,
    intercept_for,
    levels,
    logit,
    lognormal,
    numbers,
    truncated_normal,
    write_cohort,
)
from phantoms.cohorts.ukb_analyses import (
    ACTIVITY,
    DIXON,
    MUSCLE_DENSITY_KG_PER_CM3,
    NO_YES,
    SEXES,
    Fault,
    Which,
    analyses,
    dictionary,
    truth_names,
)

N_POOL, N_ANALYSED, N_MEN = 64_524, 37_004, 17_920
"""Methods, Study design and participants; Table 1."""
EXCLUDED_SHARES = {"age": 0.10, "dixon": 0.07, "artefact": 0.03, "dexa": 0.60, "grip": 0.06, "covariates": 0.14}
"""Of those excluded, by their first reason, in the order of the flow: an assumption."""
SMALL = 10
"""The full preset has so many participants for one of the small one."""
LIMITS = (0.33, 0.67)
LEAST_GRIP_KG = 1.0
"""The few whom the long tail of the logistic law would give less hold this: far below both cut-offs."""


class Parameters(Strict):
    """Parameters of `ukb_cohort`.

    Errors are of the natural logarithm of the measured P/A ratio and TMV.
    """

    preset: Literal["small", "full"] = "small"
    """Size of the cohort: a tenth of the paper's (`small`) or the paper's (`full`)."""
    seed: int = Field(default=1, ge=0)
    """Start of the random draws."""
    odds_ratios: dict[str, float] = Field(default_factory=dict)
    """Odds ratios of the highest against the lowest P/A third, by outcome; those not named are Table 2's."""
    analyses: Which = "paper"
    """Which analyses the file names: the paper's, those that estimate what is known (`headline`), or `pa_ratio`."""
    fault: Fault = "none"
    """Fault of the headline analyses (`middle_for_low`: the wrong third), to prove that a check sees it."""
    pa_error_bias: float = Field(default=0.0, ge=-2, le=2)
    """Mean error of log P/A ratio."""
    pa_error_sd: float = Field(default=0.0, ge=0, le=2)
    """SD between participants of the error of log P/A ratio."""
    tmv_error_bias: float = Field(default=0.0, ge=-2, le=2)
    """Mean error of log TMV."""
    tmv_error_sd: float = Field(default=0.0, ge=0, le=2)
    """SD between participants of the error of log TMV."""


def sizes(preset: str) -> tuple[int, int, int]:
    """Participants in the pool, analysed, and men among the analysed."""
    part = 1 if preset == "full" else SMALL
    return N_POOL // part, N_ANALYSED // part, N_MEN // part


def odds_ratios(p: Parameters) -> dict[str, float]:
    """The true odds ratio of every outcome. Raises ItemFault for an unknown outcome or a ratio out of range."""
    if unknown := sorted(set(p.odds_ratios) - set(model.EFFECTS)):
        raise ItemFault(f"no outcome {unknown[0]!r}", where="odds_ratios", fix=f"known: {', '.join(model.EFFECTS)}")
    chosen = {name: p.odds_ratios.get(name, effects.odds_ratio) for name, effects in model.EFFECTS.items()}
    if bad := next((name for name, value in chosen.items() if not 0.05 <= value <= 20), None):
        raise ItemFault(f"is {chosen[bad]!r}", where=f"odds_ratios.{bad}", fix="give a ratio from 0.05 to 20")
    return chosen


def _reasons(rng: np.random.Generator, pool: int, analysed: int) -> tuple[Ints, dict[str, int]]:
    """Per participant the number of the exclusion that takes it (0: none), and the rows that each takes."""
    lost = pool - analysed
    taken = {name: int(lost * share) for name, share in EXCLUDED_SHARES.items()}
    taken["dexa"] += lost - sum(taken.values())
    reasons = np.repeat(np.arange(len(taken) + 1), [analysed, *taken.values()])
    return rng.permutation(reasons), taken


def _people(rng: np.random.Generator, reason: Ints, men: int) -> dict[str, F64]:
    """Sex (0 woman, 1 man), age, BMI, height, activity (0 low, 1, 2), true P/A ratio, each (n,)."""
    n, kept = len(reason), reason == 0
    sex = (rng.random(n) < men / kept.sum()).astype(np.int64)
    sex[kept] = rng.permutation(np.arange(kept.sum()) < men)
    age = np.empty(n)
    for code, (mean, sd) in enumerate(zip(*model.AGE_NORMAL, strict=True)):
        own = sex == code
        age[own] = truncated_normal(rng, np.full(own.sum(), mean), sd, model.AGE_LOW, model.AGE_HIGH)
    young = reason == 1 + list(EXCLUDED_SHARES).index("age")
    age[young] = rng.uniform(45.0, 49.9, int(young.sum()))
    bmi_mean, bmi_sd, height_mean, height_sd, pa_mean, pa_sd = (
        model.by_sex(values, sex) for pair in (model.BMI, model.HEIGHT, model.PA_RATIO) for values in pair
    )
    bmi = lognormal(rng, bmi_mean, bmi_sd)
    height = np.round(height_mean + height_sd * rng.standard_normal(n), 3)
    lowest = np.maximum(model.BMI_LIMITS[0], model.LEAST_WEIGHT_KG / height**2)
    activity = np.searchsorted(np.cumsum(model.ACTIVITY_SHARES)[:-1], rng.random(n), side="right")
    return {
        "sex": sex.astype(float),
        "age": np.round(age, 2),
        "bmi": np.round(np.clip(bmi, lowest, model.BMI_LIMITS[1]), 2),
        "height": height,
        "activity": activity.astype(float),
        "pa_ratio": np.clip(pa_mean + pa_sd * rng.standard_normal(n), 0.15, 1.0),
    }


def _eta(name: str, odds_ratio: float, third: Ints, x: dict[str, F64], kept: Mask) -> F64:
    """Linear predictor (n,) whose mean probability over the kept rows is the outcome's share."""
    effects = model.EFFECTS[name]
    eta: F64 = (
        np.log(odds_ratio) / 2 * third
        + effects.per_year * x["age"]
        + effects.male * x["sex"]
        + effects.per_bmi * x["bmi"]
        + effects.moderate * (x["activity"] == 1)
        + effects.high * (x["activity"] == 2)
    )
    return eta + intercept_for(eta[kept], effects.share)


def _errors_below(rng: np.random.Generator, weak: F64, low: F64, both: F64) -> tuple[F64, F64]:
    """Standard logistic e (n,) of grip and of ALMI, where e > -eta means below the cut-off: shares expit(weak),
    expit(low), and of both together expit(both). Raises ItemFault where that exceeds one of the two."""
    p_weak, p_low, p_both = expit(weak), expit(low), expit(both)
    if (p_both > np.minimum(p_weak, p_low)).any() or (p_weak + p_low - p_both > 1).any():
        raise ItemFault(
            "sarcopenia would be likelier than weak grip or low muscle mass for some participant",
            where="odds_ratios",
            fix="bring sarcopenia's odds ratio nearer to the other two",
        )
    u = rng.random(len(p_weak))
    is_weak = u < p_weak
    is_low = (u < p_both) | ((u >= p_weak) & (u < p_weak + p_low - p_both))

    def error(share: F64, below: Mask) -> F64:
        # The upper tail of the law, of mass `share`, belongs to those below the cut-off.
        v = 1.0 - rng.random(len(share))
        value: F64 = np.where(below, -logit(v * share), logit(v * (1.0 - share)))
        return value

    return error(p_weak, is_weak), error(p_low, is_low)


def _volumes(rng: np.random.Generator, p: Parameters, x: dict[str, F64], almi: F64, law: model.Body) -> dict[str, F64]:
    """Measured muscle volumes in cm3 and leg lean mass in kg, each (n,)."""
    n, sex = len(almi), x["sex"].astype(np.int64)
    tvi_mean, _sd = model.tvi_moments()
    above = almi - model.by_sex(model.ALMI.mean, sex)
    tvi = tvi_mean[sex] + law.tvi_slope[sex] * above + law.tvi_residual_sd[sex] * rng.standard_normal(n)
    legs_index = (
        model.by_sex(model.LEGS_MEAN, sex)
        + model.LEGS_ON_ALMI * above
        + model.LEGS_ON_TVI * (tvi - tvi_mean[sex])
        + model.LEGS_SD * rng.standard_normal(n)
    )
    square = x["height"] ** 2
    signed = model.ASYMMETRY_SD * rng.standard_normal(n)
    larger = legs_index * square / (2 - np.abs(signed))
    smaller = legs_index * square - larger
    left = np.where(signed > 0, larger, smaller)
    # Drawn also without error, so that a cohort with error has the same participants as the one without.
    tmv_error = p.tmv_error_bias + p.tmv_error_sd * rng.standard_normal(n)
    pa_error = p.pa_error_bias + p.pa_error_sd * rng.standard_normal(n)
    tmv = tvi * square * np.exp(tmv_error)
    ratio = x["pa_ratio"] * np.exp(pa_error)
    return {
        "tmv": tmv,
        "hamstrings": model.THIGH_SHARE * tmv * ratio / (1 + ratio),
        "quadriceps": model.THIGH_SHARE * tmv / (1 + ratio),
        "legs": legs_index * square,
        "left": left,
        "right": legs_index * square - left,
    }


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with the cohort. Raises pydantic's ValidationError or ItemFault for wrong parameters."""
    p = Parameters.model_validate(parameters)
    ratios = odds_ratios(p)
    pool, analysed, men = sizes(p.preset)
    rng = np.random.default_rng([p.seed, 31])
    reason, taken = _reasons(rng, pool, analysed)
    kept = reason == 0
    x = _people(rng, reason, men)
    sex = x["sex"].astype(np.int64)
    low, high = np.quantile(x["pa_ratio"][kept], LIMITS)
    third = (x["pa_ratio"] > low).astype(np.int64) + (x["pa_ratio"] > high)
    centred = {**x, "age": x["age"] - model.AGE_CENTRE, "bmi": x["bmi"] - model.BMI_CENTRE}
    eta = {name: _eta(name, ratio, third, centred, kept) for name, ratio in ratios.items()}
    grip_error, almi_error = _errors_below(rng, eta["weak_grip"], eta["low_muscle_mass"], eta["sarcopenia"])
    grip_scale = model.scale_of(model.GRIP, eta["weak_grip"][kept], sex[kept])
    almi_scale = model.scale_of(model.ALMI, eta["low_muscle_mass"][kept], sex[kept])
    grip = model.by_sex(model.GRIP.cut_off, sex) - grip_scale[sex] * (eta["weak_grip"] + grip_error)
    grip = np.maximum(grip, LEAST_GRIP_KG)
    almi = model.by_sex(model.ALMI.cut_off, sex) - almi_scale[sex] * (eta["low_muscle_mass"] + almi_error)
    law = model.body(almi_scale)
    volumes = _volumes(rng, p, x, almi, law)

    reasons = {name: reason == number for number, name in enumerate(EXCLUDED_SHARES, start=1)}
    gap = rng.uniform(-0.9, 1.9, pool)
    late = reasons["dexa"] & (rng.random(pool) < 0.1)
    gap[late] = rng.uniform(2.05, 4.0, int(late.sum()))
    no_bmi = reasons["covariates"] & (rng.random(pool) < 0.5)
    columns: dict[str, list[Any]] = {
        "eid": (1_000_000 + rng.permutation(pool)).tolist(),
        "sex": levels(SEXES, sex),
        "age_years": numbers(x["age"]),
        "height_m": numbers(x["height"]),
        "weight_kg": numbers(np.round(x["bmi"] * x["height"] ** 2, 1)),
        "bmi_kg_m2": numbers(x["bmi"], no_bmi),
        "activity": levels(ACTIVITY, x["activity"], reasons["covariates"] & ~no_bmi),
        "dixon": levels(DIXON, reasons["dixon"]),
        "artefact": levels(NO_YES, reasons["artefact"]),
        "dexa_gap_years": numbers(np.round(gap, 3), reasons["dexa"] & ~late),
        "grip_kg": numbers(grip, reasons["grip"]),
        "alm_kg": numbers(almi * x["height"] ** 2),
        "legs_lean_kg": numbers(volumes["legs"]),
        "legs_lean_left_kg": numbers(volumes["left"]),
        "legs_lean_right_kg": numbers(volumes["right"]),
        "tmv_cm3": numbers(volumes["tmv"]),
        "tmv_kg": numbers(MUSCLE_DENSITY_KG_PER_CM3 * volumes["tmv"]),
        "hamstrings_cm3": numbers(volumes["hamstrings"]),
        "quadriceps_cm3": numbers(volumes["quadriceps"]),
        "death": levels(NO_YES, rng.random(pool) < expit(eta["death"])),
        "falls": levels(NO_YES, rng.random(pool) < expit(eta["falls"])),
    }
    logs = {name: float(np.log(ratio)) for name, ratio in ratios.items()}
    truth = truth_names(ratios, logs, model.correlations(law, men / analysed), model.declines(almi_scale, law))
    flow = [{"id": name, "rows": rows} for name, rows in taken.items()]
    write_cohort(
        folder, "ukb_cohort", p.model_dump(mode="json"), columns, dictionary(), analyses(p.analyses, p.fault), truth,
        flow=flow, analysed=analysed,
    )  # fmt: skip
