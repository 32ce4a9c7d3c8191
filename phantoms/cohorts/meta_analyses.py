"""Dictionary and analyses of `meta_studies`: those of paraspinal_meta, in the order of the paper."""

from typing import Any, Literal

from phantoms.cohorts.tables import category, number

OUTCOMES = ("csa", "fi")
COMPARISONS = ("op_opn", "op_control", "opn_control", "op_non_op")
MUSCLES = ("erector_spinae", "multifidus", "psoas_major", "multiple")
LEVELS = ("multiple", "single")
STUDY_LEVEL = ["age_years", "female_percent", "bmi_kg_m2"]
MODEL_1 = [*STUDY_LEVEL, "outcome", "level", "muscle"]
MODEL_2 = [*MODEL_1, "comparison"]
PER = {"female_percent": 10}
"""Note of Table 1: per 10 % of women."""
READINGS = ("independent", "che", "correlated_effects")

Which = Literal["paper", "headline", "overall"]
Fault = Literal["none", "levels_ignored", "direction_forgotten"]


def dictionary() -> dict[str, Any]:
    """Columns of the table. Group 1 is the one with the worse bone."""
    return {
        "effect_id": {"type": "id"},
        "study": {"type": "label"},
        "outcome": category(OUTCOMES, "cross-sectional area, fatty infiltration"),
        "comparison": category(COMPARISONS, "osteoporosis (op), osteopenia (opn), control"),
        "muscle": category(MUSCLES),
        "level": category(LEVELS, "vertebral levels measured"),
        "age_years": number("years", 18, 110, "mean of the sample"),
        "female_percent": number("%", 0, 100),
        "bmi_kg_m2": number("kg/m2", 12, 60),
        "n_1": number("1", 2),
        "mean_1": number("mm2 or %"),
        "sd_1": number("mm2 or %", 0),
        "n_2": number("1", 2),
        "mean_2": number("mm2 or %"),
        "sd_2": number("mm2 or %", 0),
    }


EFFECTS = {
    "study": "study",
    "measure": "smd",
    **{f"{what}_{group}": f"{what}_{group}" for group in (1, 2) for what in ("mean", "sd", "n")},
    "direction": {"column": "outcome", "flip": ["csa"]},
}


OVERALL: list[dict[str, Any]] = [
    {"id": "overall", "kind": "three_level"},
    {"id": "overall_robust", "kind": "robust", "rho": 0.7, "readings": ["independent", "che"]},
]
"""The mean of all effects: known when nothing moderates it."""


def headline(fault: Fault = "none") -> list[dict[str, Any]]:
    """The analyses that estimate what is known."""
    model: dict[str, Any] = {"kind": "three_level", "moderators": MODEL_2, "scale": PER}
    if fault == "levels_ignored":
        model |= {"kind": "meta_regression", "method": "FE"}
    return [
        {"id": "model_2", **model},
        {"id": "model_2_robust", "kind": "robust", "rho": 0.7, "moderators": MODEL_2, "scale": PER},
    ]


def _paper() -> list[dict[str, Any]]:
    """The whole paper: Figures 3 and 4, Tables 1 to 3, publication bias."""
    full = {"moderators": MODEL_1, "scale": PER}
    return [
        {"id": "all_dl", "kind": "pooled", "method": "DL"},
        *(
            {
                "id": f"{outcome}_{comparison}",
                "kind": "subgroups",
                "method": "DL",
                "by": "muscle",
                "restrict": {"outcome": [outcome], "comparison": [comparison]},
            }
            for outcome in OUTCOMES
            for comparison in COMPARISONS
        ),
        {"id": "model_1", "kind": "three_level", **full},
        {"id": "model_1_vif", "kind": "vif", "model": {"kind": "three_level", **full}},
        {
            "id": "model_1_levels",
            "kind": "likelihood_ratio",
            "full": full,
            "reduced": {**full, "variances": ["within"]},
        },
        {"id": "model_1_robust", "kind": "robust", "rho": 0.7, **full},
        *headline(),
        *OVERALL,
        {"id": "egger", "kind": "egger", "levels": 2},
        {"id": "egger_three_level", "kind": "egger", "levels": 3},
        {"id": "fill", "kind": "trim_and_fill", "method": "DL"},
    ]


def analyses(which: Which, fault: Fault) -> dict[str, Any]:
    """The content of analyses.json, without its schema version."""
    every = {"paper": _paper(), "headline": headline(fault), "overall": OVERALL}[which]
    effects = {k: v for k, v in EFFECTS.items() if (k, fault) != ("direction", "direction_forgotten")}
    return {"exclusions": [], "effects": effects, "analyses": every}


def truth_names(effects: dict[str, float], between: float, within: float, *, moderated: bool) -> dict[str, float]:
    """What is true, under the names of the metrics that estimate it."""
    truth = {"sigma2_between.model_2": between, "sigma2_within.model_2": within}
    for term, value in effects.items():
        truth[f"coefficient.model_2.{term}"] = value
        truth |= {f"coefficient.model_2_robust.{reading}.{term}": value for reading in READINGS}
    if not moderated:
        truth |= {"sigma2_between.overall": between, "sigma2_within.overall": within}
        for analysis in ("overall", "overall_robust.independent", "overall_robust.che"):
            truth[f"coefficient.{analysis}.intercept"] = effects["intercept"]
    return truth
