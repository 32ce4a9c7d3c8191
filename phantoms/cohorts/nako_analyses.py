"""Dictionary and analyses of `nako_cohort`: those of nako_cbp, in the order of the paper.

`z_lmm`, `z_intermat`: standardised over the analysed rows; `z_lmm_adjusted`, `z_intermat_adjusted`: standardised
residuals after age and sex (the paper's text speaks of both). Ids that end in `_adjusted` use the latter. In the
headline analyses the plain names stand for the definition that the outcomes were drawn with.
"""

from typing import Any, Literal

from phantoms.cohorts.tables import category, number

NO_YES = ("no", "yes")
SEXES = ("female", "male")
ACTIVITY = ("average", "low", "high")
SITES = ("site_1", "site_2", "site_3", "site_4", "site_5")
COMORBIDITIES = ("diabetes", "dyslipidemia", "osteoporosis", "osteoarthritis")
COVARIATES = ("age_years", "sex", *COMORBIDITIES, "activity")
BURDEN_COVARIATES = ("activity", "osteoarthritis", "osteoporosis")
ADJUSTED = "_adjusted"
MUSCLE = ("z_lmm", "z_intermat")
GRID = (-3.0, -1.5, 1.5, 3.0)
"""Statistical analysis: z-scores at which odds ratios are combined."""
NOMOGRAM_TERMS = ("intermat_percent", "lmm_cm3_m2_kg", *COVARIATES)

Which = Literal["paper", "headline"]
Fault = Literal["none", "site_ignored", "z_mixed_up"]
ZDefinition = Literal["whole_sample", "age_sex_adjusted"]


def dictionary() -> dict[str, Any]:
    """Columns of the table."""
    return {
        "id": {"type": "id"},
        "site": category(SITES, "MRI centre"),
        "age_years": number("years", 18, 80),
        "sex": category(SEXES),
        "bmi_kg_m2": number("kg/m2", 12, 70),
        "activity": category(ACTIVITY, "below 500, 500 to 5000, above 5000 MET min/week; the middle is the reference"),
        **{name: category(NO_YES) for name in COMORBIDITIES},
        "segmentation": category(("good", "failed")),
        "lmm_cm3_m2_kg": number("cm3 m2/kg", 0, 90, "lean muscle volume over BMI"),
        "intermat_percent": number("%", 0, 60),
        "chronic_back_pain": category(NO_YES, "on most days for over three months"),
        "pi_nrs": number("1", 0, 10, "pain intensity, numerical rating scale"),
    }


EXCLUSIONS = [
    {"id": "segmentation", "column": "segmentation", "keep": ["good"]},
    {"id": "pain", "complete": ["chronic_back_pain", "pi_nrs"]},
    {"id": "activity", "complete": ["activity"]},
]
BURDEN = {"column": "high_burden", "kind": "cut", "of": "pi_nrs", "at": [4], "labels": ["no", "yes"]}
"""Statistical analysis: moderate to severe pain."""


def _z_scores(definition: ZDefinition, suffix: str = "") -> list[dict[str, Any]]:
    adjust_for = ["age_years", "sex"] if definition == "age_sex_adjusted" else []
    return [
        {"column": f"{z}{suffix}", "kind": "z_score", "of": of, "adjust_for": adjust_for}
        for z, of in zip(MUSCLE, ("lmm_cm3_m2_kg", "intermat_percent"), strict=True)
    ]


def _mixed(ident: str, outcome: str, covariates: tuple[str, ...], suffix: str = "", **more: Any) -> dict[str, Any]:
    """Mixed logistic model per 2 z, random intercept of the site (Statistical analysis)."""
    muscle = [f"{name}{suffix}" for name in MUSCLE]
    return {
        "id": f"{ident}{suffix}",
        "kind": "mixed_logistic",
        "outcome": outcome,
        "terms": [*muscle, *covariates],
        "group": "site",
        "nodes": 1,
        "scale": dict.fromkeys(muscle, 2),
        **more,
    }


def headline(fault: Fault = "none", suffix: str = "") -> list[dict[str, Any]]:
    """The analyses that estimate what is known."""
    found = [
        _mixed("cbp", "chronic_back_pain", COVARIATES, suffix),
        _mixed("burden", "high_burden", BURDEN_COVARIATES, suffix),
    ]
    if fault == "site_ignored":
        for analysis in found:
            analysis["kind"] = "logistic"
            del analysis["group"], analysis["nodes"]
    return found


def _model(analysis: dict[str, Any]) -> dict[str, Any]:
    """A model's fields as another analysis carries them."""
    return {key: value for key, value in analysis.items() if key not in ("id", "scale")}


def _paper(resamples: int) -> list[dict[str, Any]]:
    """The whole paper."""
    plain, adjusted = headline(), headline(suffix=ADJUSTED)
    interaction = _mixed("cbp_interaction", "chronic_back_pain", COVARIATES, interactions=[list(MUSCLE)])
    nomogram = {"kind": "logistic", "outcome": "chronic_back_pain", "terms": list(NOMOGRAM_TERMS)}
    grid = {"of": list(MUSCLE), "grid": list(GRID)}
    return [
        *plain,
        *adjusted,
        interaction,
        {**plain[0], "id": "cbp_quadrature", "nodes": 9},
        {"id": "cbp_combined", "kind": "combined_odds", "model": _model(plain[0]), **grid},
        {"id": "cbp_vif", "kind": "vif", "model": _model(plain[0])},
        {"id": "nomogram", "kind": "nomogram", "model": nomogram},
        {"id": "discrimination", "kind": "c_index", "model": nomogram, "resamples": resamples, "seed": 1},
        {"id": "optimism", "kind": "optimism", "model": nomogram, "resamples": max(20, resamples // 5), "seed": 2},
        {"id": "calibration", "kind": "calibration", "model": nomogram, "resamples": resamples, "seed": 3},
        *(
            {
                "id": f"{measure}_{condition}_{level}",
                "kind": "ttest",
                "outcome": column,
                "by": "chronic_back_pain",
                "restrict": {condition: [level]},
            }
            for condition in ("osteoarthritis", "osteoporosis")
            for level in NO_YES
            for measure, column in (("lmm", "lmm_cm3_m2_kg"), ("intermat", "intermat_percent"))
        ),
        {"id": "corrected", "kind": "bonferroni", "of": [f"p.burden.{name}" for name in MUSCLE]},
    ]


def analyses(which: Which, definition: ZDefinition, fault: Fault, resamples: int) -> dict[str, Any]:
    """The content of analyses.json, without its schema version.

    headline: z by the `definition` that the outcomes were drawn with, or by the other one (fault `z_mixed_up`), under
    the plain names. paper: both definitions, each under its own names.
    """
    if which == "paper":
        derive = [*_z_scores("whole_sample"), *_z_scores("age_sex_adjusted", ADJUSTED), BURDEN]
        return {"exclusions": EXCLUSIONS, "derive": derive, "analyses": _paper(resamples)}
    if fault == "z_mixed_up":
        definition = "whole_sample" if definition == "age_sex_adjusted" else "age_sex_adjusted"
    return {"exclusions": EXCLUSIONS, "derive": [*_z_scores(definition), BURDEN], "analyses": headline(fault)}


def ending(which: Which, definition: ZDefinition) -> str:
    """What the ids and z columns of the analyses end in whose truth is known."""
    return ADJUSTED if which == "paper" and definition == "age_sex_adjusted" else ""
