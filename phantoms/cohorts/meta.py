"""The input set `meta_studies`: published effects like those of paraspinal_meta, from a known three-level model.

14 studies, 125 effects (Characteristics of the included studies), a number of effects per study that is fixed here,
studies' moderators and group sizes fixed by `design_seed`, so that draws with other seeds have the same design.
The true standardised mean difference of effect j in study i, positive for worse muscle, is

    theta_ij = moderators_ij . effects + u_i + w_ij,   u ~ N(0, between), w ~ N(0, within),

with the effects of Table 2 and variances whose shares are those of the first model (43.4 and 45.4 %). Groups' means and
SDs are drawn as from normal data: mean ~ N(mu, sd^2 / n), sd^2 ~ sd^2 chi2(n - 1) / (n - 1). For cross-sectional area
the difference has the other sign, as in the paper before harmonisation.

What is not exact: Hedges' g is unbiased for theta, but its usual variance depends on g, so inverse-variance weights are
correlated with the effects and pull coefficients towards 0 by a few per mille of an SD. With `sampling_correlation` the
errors of one study's effects are correlated, which a model with independent errors does not know.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.request import Strict
from phantoms.cohorts.meta_analyses import (
    COMPARISONS,
    LEVELS,
    MUSCLES,
    OUTCOMES,
    Fault,
    Which,
    analyses,
    dictionary,
    truth_names,
)
from phantoms.cohorts.tables import F64, numbers, write_cohort

EFFECTS_PER_STUDY = (18, 15, 12, 12, 10, 9, 9, 8, 7, 6, 6, 5, 4, 4)
TABLE_2 = {
    "intercept": 0.69, "age_years": -0.007, "female_percent": 0.001, "bmi_kg_m2": -0.02, "outcome:fi": 0.41,
    "level:single": -0.22, "muscle:multifidus": -0.05, "muscle:psoas_major": -0.12, "muscle:multiple": 0.25,
    "comparison:op_control": 0.50, "comparison:opn_control": 0.18, "comparison:op_non_op": 0.60,
}  # fmt: skip
"""Table 2; per year, per 10 % of women, per kg/m2."""
RAW = {("csa", m): (1900.0 - 300 * n, 320.0) for n, m in enumerate(MUSCLES)} | {
    ("fi", m): (14.0 + 3 * n, 5.5) for n, m in enumerate(MUSCLES)
}
"""Mean and SD of the better group: mm2 for area, % for fat: assumptions without effect on the SMD."""


class Parameters(Strict):
    """Parameters of `meta_studies`."""

    seed: int = Field(default=1, ge=0)
    """Start of the random draws of effects, means and SDs."""
    design_seed: int = Field(default=14, ge=0)
    """Start of the random draws of moderators and group sizes, which other seeds share."""
    effects: dict[str, float] = Field(default_factory=dict)
    """True effects by term, in SD per unit of the term; those not named are Table 2's."""
    moderated: bool = True
    """Whether moderators have effects; without, the mean of all effects is a truth too."""
    between: float = Field(default=0.16, ge=0, le=10)
    """Variance of the true effects between studies."""
    within: float = Field(default=0.17, ge=0, le=10)
    """Variance of the true effects within a study."""
    group_size: float = Field(default=45, ge=5, le=10000)
    """Typical number of persons in a group, which varies by a factor of about two."""
    sampling_correlation: float = Field(default=0.0, ge=0, le=0.95)
    """Correlation of the sampling errors of one study's effects."""
    studies: int = Field(default=len(EFFECTS_PER_STUDY), ge=2, le=len(EFFECTS_PER_STUDY))
    """Number of studies, the largest first."""
    analyses: Which = "paper"
    """Which analyses the file names: the paper's, or those that estimate what is known."""
    fault: Fault = "none"
    """Fault of the analyses, to prove that a check sees it; `none` for right ones."""


def true_effects(p: Parameters) -> dict[str, float]:
    """The effect of every term. Raises ItemFault for an unknown term."""
    if unknown := sorted(set(p.effects) - set(TABLE_2)):
        raise ItemFault(f"no term {unknown[0]!r}", where="effects", fix=f"known: {', '.join(TABLE_2)}")
    plain = TABLE_2 if p.moderated else dict.fromkeys(TABLE_2, 0.0) | {"intercept": 0.5}
    return plain | p.effects


def design(p: Parameters) -> dict[str, Any]:
    """Study numbers, categories, moderators and group sizes of all effects, each (n,)."""
    rng = np.random.default_rng([p.design_seed, 33])
    cells = [(o, c, m) for o in OUTCOMES for c in COMPARISONS for m in MUSCLES]
    rows: dict[str, list[Any]] = {name: [] for name in ("study", "outcome", "comparison", "muscle", "level")}
    facts: dict[str, list[float]] = {name: [] for name in ("age", "female", "bmi", "n_1", "n_2")}
    for study, count in enumerate(EFFECTS_PER_STUDY[: p.studies]):
        age, female, bmi = rng.normal(66, 5), rng.uniform(45, 100), rng.normal(23.5, 1.3)
        single = bool(rng.random() < 0.5)
        sizes = {c: np.maximum(8, np.round(p.group_size * np.exp(0.5 * rng.standard_normal(2)))) for c in COMPARISONS}
        order = rng.permutation(len(cells))[:count]
        for cell in sorted(order.tolist()):
            outcome, comparison, muscle = cells[cell]
            for name, value in zip(rows, (study, outcome, comparison, muscle, LEVELS[single]), strict=True):
                rows[name].append(value)
            for name, number in zip(facts, (age, female, bmi, *sizes[comparison]), strict=True):
                facts[name].append(round(float(number), 1))
    return {**rows, **{name: np.array(values) for name, values in facts.items()}}


def _fixed(effects: dict[str, float], x: dict[str, Any]) -> F64:
    """moderators . effects (n,)."""
    total = (
        effects["intercept"]
        + effects["age_years"] * x["age"]
        + effects["female_percent"] * x["female"] / 10
        + effects["bmi_kg_m2"] * x["bmi"]
    )
    for name in ("outcome", "level", "muscle", "comparison"):
        total = total + np.array([effects.get(f"{name}:{value}", 0.0) for value in x[name]])
    fixed: F64 = total
    return fixed


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with the table of studies. Raises pydantic's ValidationError or ItemFault for wrong parameters."""
    p = Parameters.model_validate(parameters)
    effects = true_effects(p)
    x = design(p)
    rng = np.random.default_rng([p.seed, 34])
    study = np.array(x["study"])
    n = len(study)
    theta = _fixed(effects, x) + math.sqrt(p.between) * rng.standard_normal(len(EFFECTS_PER_STUDY))[study]
    theta = theta + math.sqrt(p.within) * rng.standard_normal(n)
    sign = np.where(np.array(x["outcome"]) == "csa", -1.0, 1.0)
    raw = np.array([RAW[pair] for pair in zip(x["outcome"], x["muscle"], strict=True)])
    shared = rng.standard_normal((2, len(EFFECTS_PER_STUDY)))[:, study]
    own = rng.standard_normal((2, n))
    errors = math.sqrt(p.sampling_correlation) * shared + math.sqrt(1 - p.sampling_correlation) * own
    # The shared error is towards worse muscle, whatever the sign of the outcome.
    means = [
        raw[:, 0] + sign * raw[:, 1] * (shift + error / np.sqrt(x[size]))
        for shift, error, size in zip((theta, 0.0), errors, ("n_1", "n_2"), strict=True)
    ]
    sds = [raw[:, 1] * np.sqrt(rng.chisquare(x[size] - 1) / (x[size] - 1)) for size in ("n_1", "n_2")]
    columns: dict[str, list[Any]] = {
        "effect_id": [f"e{number:03d}" for number in range(1, n + 1)],
        "study": [f"study_{number + 1:02d}" for number in study.tolist()],
        "outcome": x["outcome"],
        "comparison": x["comparison"],
        "muscle": x["muscle"],
        "level": x["level"],
        "age_years": numbers(x["age"]),
        "female_percent": numbers(x["female"]),
        "bmi_kg_m2": numbers(x["bmi"]),
        "n_1": [int(v) for v in x["n_1"]],
        "mean_1": numbers(means[0]),
        "sd_1": numbers(sds[0]),
        "n_2": [int(v) for v in x["n_2"]],
        "mean_2": numbers(means[1]),
        "sd_2": numbers(sds[1]),
    }
    truth = truth_names(effects, p.between, p.within, moderated=any(v for k, v in effects.items() if k != "intercept"))
    write_cohort(
        folder, "meta_studies", p.model_dump(mode="json"), columns, dictionary(), analyses(p.analyses, p.fault), truth,
        analysed=n, studies=p.studies, effects_true=theta.tolist(),
    )  # fmt: skip
