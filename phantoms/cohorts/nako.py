"""The input set `nako_cohort`: a table of participants like nako_cbp's, drawn from a mixed model with known effects.

How it is drawn, for the participants that remain after the exclusions:

- marginals of Table 1: sex, age (normal, cut off at 20 and 73 years), BMI (lognormal), activity, comorbidities
  (logistic in age, BMI and sex), five sites of equal expected size;
- LMM is linear in sex, age, BMI and site, InterMAT is lognormal and its logarithm linear in the same, with correlated
  residuals; both are then brought exactly to the paper's mean and SD over the analysed rows. The paper prints neither
  their correlation nor the sites' shifts: these are assumptions;
- chronic back pain and high symptom burden (PI-NRS of 4 or more) are logistic in z of LMM and InterMAT, the model's
  covariates and an effect of the site, normal with SD `site_sd` and drawn again with each seed. z is computed over the
  analysed rows, as the analysis does it, so the coefficients per z are known exactly, for the definition of z that
  `z_definition` names. Both outcomes share half of their chance, and no interaction exists;
- missing comorbidities are missing completely at random, as many as in Table 1.

Effects of LMM and InterMAT are the paper's odds ratios per 2 z; other effects, the shares of the single exclusions and
the share with high burden are assumptions.
"""

import itertools
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from containers.contract.request import Strict
from phantoms.cohorts.nako_analyses import (
    ACTIVITY,
    BURDEN_COVARIATES,
    COMORBIDITIES,
    COVARIATES,
    GRID,
    NO_YES,
    SEXES,
    SITES,
    Fault,
    Which,
    ZDefinition,
    analyses,
    dictionary,
    ending,
)
from phantoms.cohorts.tables import (
    F64,
    Ints,
    Mask,
    expit,
    intercept_for,
    levels,
    lognormal,
    numbers,
    truncated_normal,
    write_cohort,
)

N_POOL, N_ANALYSED, N_MEN = 30_868, 27_518, 15_325
"""Study design and participants; Results, Study characteristics."""
EXCLUDED_SHARES = {"segmentation": 0.25, "pain": 0.45, "activity": 0.30}
SMALL = 10
"""The full preset has so many participants for one of the small one."""
AGE_MEAN, AGE_SD, AGE_LOW, AGE_HIGH = 49.2, 12.6, 20.0, 73.0
"""Of the normal that is cut off: median and quartiles come out at 49 (41; 57) years."""
BMI_MEAN_SD = ((26.0, 5.0), (26.9, 4.4))
"""Women, men."""
ACTIVITY_SHARES = (12826 / 27518, 3800 / 27518, 10892 / 27518)
"""Average, low, high (Table 1)."""
LMM_MEAN, LMM_SD = 26.62, 6.65
INTERMAT_MEAN, INTERMAT_SD = 6.63, 2.46
"""Both groups of Table 1 together."""
MISSING = {"diabetes": 26, "dyslipidemia": 168, "osteoporosis": 80, "osteoarthritis": 150}
COMORBIDITY = {
    "diabetes": (1202 / 27492, 0.060, 0.100, 0.40),
    "dyslipidemia": (6107 / 27350, 0.050, 0.060, 0.30),
    "osteoporosis": (593 / 27438, 0.090, -0.030, -1.00),
    "osteoarthritis": (5542 / 27368, 0.070, 0.040, -0.30),
}
"""Share of the known (Table 1), log odds per year, per kg/m2 and of men."""
CBP_SHARE, BURDEN_SHARE = 6003 / 27518, 0.20
CBP_EFFECTS = {
    "age_years": 0.008, "sex:male": -0.15, "diabetes:yes": 0.10, "dyslipidemia:yes": 0.25, "osteoporosis:yes": 0.70,
    "osteoarthritis:yes": 0.90, "activity:low": 0.08, "activity:high": 0.28,
}  # fmt: skip
BURDEN_EFFECTS = {"activity:low": 0.10, "activity:high": 0.25, "osteoarthritis:yes": 0.80, "osteoporosis:yes": 0.60}
PI_NRS_HIGH = np.array([0.32, 0.26, 0.18, 0.12, 0.08, 0.03, 0.01])
"""Shares of 4 to 10 among high burden; low burden is spread over 0 to 3."""
PI_NRS_LOW = np.array([0.55, 0.14, 0.17, 0.14])


class Parameters(Strict):
    """Parameters of `nako_cohort`. Odds ratios are per 2 z."""

    preset: Literal["small", "full"] = "small"
    """Size of the cohort: a tenth of the paper's (`small`) or the paper's (`full`)."""
    seed: int = Field(default=1, ge=0)
    """Start of the random draws."""
    cbp_or_lmm: float = Field(default=0.87, ge=0.05, le=20)
    """Odds ratio of chronic back pain for lean muscle mass."""
    cbp_or_intermat: float = Field(default=1.22, ge=0.05, le=20)
    """Odds ratio of chronic back pain for InterMAT."""
    burden_or_lmm: float = Field(default=0.63, ge=0.05, le=20)
    """Odds ratio of high symptom burden for lean muscle mass."""
    burden_or_intermat: float = Field(default=1.17, ge=0.05, le=20)
    """Odds ratio of high symptom burden for InterMAT."""
    site_sd: float = Field(default=0.2, ge=0, le=2)
    """SD of the sites' effects on the log odds."""
    site_shift: float = Field(default=0.3, ge=0, le=2)
    """SD of the sites' shifts of LMM and log InterMAT, in SDs of these."""
    z_definition: ZDefinition = "whole_sample"
    """The definition of z that the true odds ratios are for."""
    analyses: Which = "paper"
    """Which analyses the file names: the paper's, or those that estimate what is known."""
    resamples: int = Field(default=1000, ge=20, le=100_000)
    """Bootstrap resamples of c-index and calibration; the optimism takes a fifth of them."""
    fault: Fault = "none"
    """Fault of the headline analyses (no site, the other z), to prove that a check sees it; `none` for right ones."""


def sizes(preset: str) -> tuple[int, int, int]:
    """Participants in the pool, analysed, and men among the analysed."""
    part = 1 if preset == "full" else SMALL
    return N_POOL // part, N_ANALYSED // part, N_MEN // part


def _standardised(x: F64, kept: Mask) -> F64:
    """(n,) with mean 0 and SD 1 (n - 1) over the kept rows."""
    value: F64 = (x - x[kept].mean()) / x[kept].std(ddof=1)
    return value


def _muscle(rng: np.random.Generator, p: Parameters, x: dict[str, F64], site: Ints, kept: Mask) -> tuple[F64, F64]:
    """LMM in cm3 m2/kg and InterMAT in %, each (n,)."""
    age, bmi = x["age_years"] - 49, x["bmi"] - 26.5
    shift = p.site_shift * rng.standard_normal((2, len(SITES)))
    first, second = rng.standard_normal((2, len(age)))
    lmm = 1.05 * x["male"] - 0.023 * age - 0.075 * bmi + shift[0, site] + 0.66 * first
    fat = -0.28 * x["male"] + 0.033 * age + 0.083 * bmi + shift[1, site] + 0.78 * (-0.3 * first + 0.954 * second)
    log_variance = math.log1p((INTERMAT_SD / INTERMAT_MEAN) ** 2)
    log_fat = math.log(INTERMAT_MEAN) - log_variance / 2 + math.sqrt(log_variance) * _standardised(fat, kept)
    return np.clip(LMM_MEAN + LMM_SD * _standardised(lmm, kept), 2.0, None), np.exp(log_fat)


def z_score(values: F64, kept: Mask, definition: ZDefinition, age: F64, male: F64) -> F64:
    """z (n,) over the kept rows: of the values, or of their residuals after least squares on age and sex."""
    if definition == "whole_sample":
        return _standardised(values, kept)
    design = np.column_stack([np.ones(len(age)), age - age[kept].mean(), male])
    fitted = design @ np.linalg.lstsq(design[kept], values[kept], rcond=None)[0]
    return _standardised(values - fitted, kept)


def _outcome(u: F64, kept: Mask, share: float, terms: dict[str, float], x: dict[str, F64], site_effect: F64) -> Mask:
    """Whether the event happens (n,), for uniform `u`; the mean probability over the kept rows is `share`."""
    eta = site_effect + sum((effect * x[term] for term, effect in terms.items()), start=np.zeros(len(u)))
    event: Mask = u < expit(eta + intercept_for(eta[kept], share))
    return event


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with the cohort. Raises pydantic's ValidationError for wrong parameters."""
    p = Parameters.model_validate(parameters)
    pool, analysed, men = sizes(p.preset)
    rng = np.random.default_rng([p.seed, 32])
    taken = {name: int((pool - analysed) * share) for name, share in EXCLUDED_SHARES.items()}
    taken["pain"] += pool - analysed - sum(taken.values())
    reason = rng.permutation(np.repeat(np.arange(len(taken) + 1), [analysed, *taken.values()]))
    kept = reason == 0
    male = (rng.random(pool) < men / analysed).astype(float)
    male[kept] = rng.permutation(np.arange(analysed) < men)
    age = np.round(truncated_normal(rng, np.full(pool, AGE_MEAN), AGE_SD, AGE_LOW, AGE_HIGH), 1)
    mean_sd = np.array(BMI_MEAN_SD)[male.astype(np.int64)]
    bmi = np.asarray(lognormal(rng, mean_sd[:, 0], mean_sd[:, 1]).clip(14, 65).round(2), dtype=np.float64)
    activity = np.searchsorted(np.cumsum(ACTIVITY_SHARES)[:-1], rng.random(pool), side="right")
    site = rng.integers(0, len(SITES), pool)
    x: dict[str, F64] = {
        "age_years": age,
        "male": male,
        "bmi": bmi,
        "sex:male": male,
        "activity:low": (activity == 1).astype(float),
        "activity:high": (activity == 2).astype(float),
    }
    for name, (share, per_year, per_bmi, of_men) in COMORBIDITY.items():
        eta = per_year * (age - 49) + per_bmi * (bmi - 26.5) + of_men * male
        x[f"{name}:yes"] = (rng.random(pool) < expit(eta + intercept_for(eta[kept], share))).astype(float)
    lmm, intermat = _muscle(rng, p, x, site, kept)
    x["z_lmm"] = z_score(lmm, kept, p.z_definition, age, male)
    x["z_intermat"] = z_score(intermat, kept, p.z_definition, age, male)

    site_effects = p.site_sd * rng.standard_normal((2, len(SITES)))
    chance = rng.random((2, pool))
    chance[1] = np.where(rng.random(pool) < 0.5, chance[0], chance[1])
    cbp_terms = {"z_lmm": math.log(p.cbp_or_lmm) / 2, "z_intermat": math.log(p.cbp_or_intermat) / 2, **CBP_EFFECTS}
    burden_terms = {
        "z_lmm": math.log(p.burden_or_lmm) / 2, "z_intermat": math.log(p.burden_or_intermat) / 2, **BURDEN_EFFECTS
    }  # fmt: skip
    cbp = _outcome(chance[0], kept, CBP_SHARE, cbp_terms, x, site_effects[0, site])
    burden = _outcome(chance[1], kept, BURDEN_SHARE, burden_terms, x, site_effects[1, site])
    pain = np.where(
        burden,
        4 + rng.choice(len(PI_NRS_HIGH), pool, p=PI_NRS_HIGH),
        rng.choice(len(PI_NRS_LOW), pool, p=PI_NRS_LOW),
    ).astype(float)

    failed, no_pain, no_activity = (reason == number for number in (1, 2, 3))
    blank = {
        name: _blank(rng, kept, count if p.preset == "full" else max(1, count // SMALL))
        for name, count in MISSING.items()
    }
    columns: dict[str, list[Any]] = {
        "id": (100_000 + rng.permutation(pool)).tolist(),
        "site": levels(SITES, site),
        "age_years": numbers(age),
        "sex": levels(SEXES, male),
        "bmi_kg_m2": numbers(bmi),
        "activity": levels(ACTIVITY, activity, no_activity),
        **{name: levels(NO_YES, x[f"{name}:yes"], blank[name]) for name in COMORBIDITIES},
        "segmentation": levels(("good", "failed"), failed),
        "lmm_cm3_m2_kg": numbers(lmm, failed),
        "intermat_percent": numbers(intermat, failed),
        "chronic_back_pain": levels(NO_YES, cbp, no_pain),
        "pi_nrs": numbers(pain, no_pain),
    }
    end = ending(p.analyses, p.z_definition)
    truth = _truth("cbp", end, cbp_terms) | _truth("burden", end, burden_terms)
    truth |= {f"variance.{name}{end}": p.site_sd**2 for name in ("cbp", "burden")}
    if p.analyses == "paper" and p.z_definition == "whole_sample":
        truth["coefficient.cbp_interaction.z_lmm*z_intermat"] = 0.0
        for one, other in itertools.product(GRID, GRID):
            log_odds = one * cbp_terms["z_lmm"] + other * cbp_terms["z_intermat"]
            truth[f"combined_odds_ratio.cbp_combined.z_lmm:{one:g}*z_intermat:{other:g}"] = math.exp(log_odds)
    complete = {
        "cbp": int((kept & ~np.any([blank[name] for name in COVARIATES if name in blank], axis=0)).sum()),
        "burden": int((kept & ~np.any([blank[name] for name in BURDEN_COVARIATES if name in blank], axis=0)).sum()),
    }
    flow = [{"id": name, "rows": rows} for name, rows in taken.items()]
    write_cohort(
        folder, "nako_cohort", p.model_dump(mode="json"), columns, dictionary(),
        analyses(p.analyses, p.z_definition, p.fault, p.resamples), truth,
        flow=flow, analysed=analysed, complete=complete, site_effects=site_effects.tolist(),
    )  # fmt: skip


def _blank(rng: np.random.Generator, kept: Mask, count: int) -> Mask:
    """A mask of `count` of the kept rows."""
    mask = np.zeros(len(kept), dtype=bool)
    mask[rng.choice(np.flatnonzero(kept), count, replace=False)] = True
    return mask


def _truth(ident: str, end: str, terms: dict[str, float]) -> dict[str, float]:
    """Coefficients of an analysis, and odds ratios per 2 z, under the names of their metrics."""
    truth = {}
    for term, effect in terms.items():
        name = f"{ident}{end}.{term}{end if term.startswith('z_') else ''}"
        truth[f"coefficient.{name}"] = effect
        if term.startswith("z_"):
            truth[f"odds_ratio.{name}"] = math.exp(2 * effect)
    return truth
