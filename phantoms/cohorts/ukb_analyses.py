"""Dictionary and analyses of `ukb_cohort`: those of ukb_thigh, in the order of the paper.

Analysis ids: `<outcome>_<exposure>_<adjustment>` with exposure `pa` or `lr`, adjustment `text` (age, sex, BMI,
activity: Results and note of Figure 5), `equation9` (age, sex: equation 9 as printed) or `none`; `_thirds` at the end:
groups by the quantiles 1/3 and 2/3, whose sizes are those of Table 2, in place of the text's 33rd and 67th percentiles.
"""

from typing import Any, Literal

from phantoms.cohorts.tables import F64, category, number
from phantoms.cohorts.ukb_model import EFFECTS

SEXES = ("female", "male")
ACTIVITY = ("low", "moderate", "high")
DIXON = ("complete", "incomplete")
NO_YES = ("no", "yes")
AGE_GROUPS = ["50-59", "60-69", "70-79", "80+"]
THIRDS = ("low", "middle", "high")
ADJUSTMENTS = {"text": ("age_years", "sex", "bmi_kg_m2", "activity"), "equation9": ("age_years", "sex"), "none": ()}
MUSCLE_DENSITY_KG_PER_CM3 = 1.0597e-3
"""Mammalian skeletal muscle (Mendez and Keys 1960): for TMV in kg next to DXA's leg lean mass."""

Which = Literal["paper", "headline", "pa_ratio"]
Fault = Literal["none", "middle_for_low"]


def dictionary() -> dict[str, Any]:
    """Columns of the table."""
    return {
        "eid": {"type": "id"},
        "sex": category(SEXES),
        "age_years": number("years", 40, 90, "at imaging"),
        "height_m": number("m", 1.2, 2.3),
        "weight_kg": number("kg", 30, 250),
        "bmi_kg_m2": number("kg/m2", 10, 80),
        "activity": category(ACTIVITY, "physical activity level"),
        "dixon": category(DIXON, "coverage of the Dixon MRI"),
        "artefact": category(NO_YES, "motion that prevents segmentation"),
        "dexa_gap_years": number("years", -10, 10, "DXA after MRI"),
        "grip_kg": number("kg", 0, 120, "highest of all attempts"),
        "alm_kg": number("kg", 0, 80, "appendicular lean mass by DXA"),
        "legs_lean_kg": number("kg", 0, 60, "lean mass of both legs by DXA"),
        "legs_lean_left_kg": number("kg", 0, 30),
        "legs_lean_right_kg": number("kg", 0, 30),
        "tmv_cm3": number("cm3", 0, 30000, "total muscle volume by MRI"),
        "tmv_kg": number("kg", 0, 40, "the same as mass, by the density of muscle"),
        "hamstrings_cm3": number("cm3", 0, 10000),
        "quadriceps_cm3": number("cm3", 0, 10000),
        "death": category(NO_YES, "all causes"),
        "falls": category(NO_YES, "in the past year"),
    }


EXCLUSIONS = [
    {"id": "age", "column": "age_years", "at_least": 50},
    {"id": "dixon", "column": "dixon", "keep": ["complete"]},
    {"id": "artefact", "column": "artefact", "keep": ["no"]},
    {"id": "dexa", "column": "dexa_gap_years", "at_least": -2, "at_most": 2},
    {"id": "grip", "complete": ["grip_kg"]},
    {"id": "covariates", "complete": ["bmi_kg_m2", "activity"]},
]
GRIP_CUT_OFF = {"female": 16, "male": 27}
ALMI_CUT_OFF = {"female": 5.5, "male": 7.0}
CLASSES = {sex: {"strength": GRIP_CUT_OFF[sex], "quantity": ALMI_CUT_OFF[sex]} for sex in SEXES}
DERIVE: list[dict[str, Any]] = [
    {"column": "almi_kg_m2", "kind": "ratio", "of": ["alm_kg", "height_m"], "power": 2, "unit": "kg/m2"},
    {"column": "tvi_cm3_m2", "kind": "ratio", "of": ["tmv_cm3", "height_m"], "power": 2, "unit": "cm3/m2"},
    {"column": "pa_ratio", "kind": "ratio", "of": ["hamstrings_cm3", "quadriceps_cm3"]},
    {"column": "lr_asymmetry", "kind": "asymmetry", "of": ["legs_lean_left_kg", "legs_lean_right_kg"]},
    {"column": "low_muscle_mass", "kind": "below", "of": "almi_kg_m2", "by": "sex", "thresholds": ALMI_CUT_OFF},
    {"column": "weak_grip", "kind": "below", "of": "grip_kg", "by": "sex", "thresholds": GRIP_CUT_OFF},
    {
        "column": "ewgsop2",
        "kind": "ewgsop2",
        "strength": "grip_kg",
        "quantity": "almi_kg_m2",
        "sex": "sex",
        "thresholds": CLASSES,
    },
    {
        "column": "sarcopenia",
        "kind": "recode",
        "of": "ewgsop2",
        "map": {"none": "no", "probable": "no", "confirmed": "yes"},
        "levels": ["no", "yes"],
    },
    {"column": "age_group", "kind": "cut", "of": "age_years", "at": [60, 70, 80], "labels": AGE_GROUPS},
    *(
        {"column": f"{name}_third{suffix}", "kind": "quantile_groups", "of": of, "rule": rule, "labels": list(THIRDS)}
        for name, of in (("pa", "pa_ratio"), ("lr", "lr_asymmetry"))
        for suffix, rule in (("", "percentiles_33_67"), ("_thirds", "thirds"))
    ),
]  # fmt: skip


def _odds(outcome: str, exposure: str, adjustment: str, thirds: str = "", **more: Any) -> dict[str, Any]:
    """Highest against lowest third, the middle one left out (Methods, Statistical analysis)."""
    column = f"{exposure}_third{thirds}"
    return {
        "id": f"{outcome}_{exposure}_{adjustment}{thirds}",
        "kind": "logistic",
        "outcome": outcome,
        "terms": [column, *ADJUSTMENTS[adjustment]],
        "restrict": {column: ["low", "high"]},
        "intervals": ["wald", "profile"],
        **more,
    }


def _by_sex(kind: str, ident: str, **fields: Any) -> dict[str, Any]:
    return {"id": ident, "kind": kind, "strata": "sex", **fields}


def headline(fault: Fault = "none") -> list[dict[str, Any]]:
    """The analyses that estimate what is known."""
    odds = [_odds(outcome, exposure, "text") for exposure in ("pa", "lr") for outcome in EFFECTS]
    if fault == "middle_for_low":
        for analysis in odds:
            analysis["restrict"] = {column: ["middle", "high"] for column in analysis["restrict"]}
    return odds + _muscle()


def _muscle() -> list[dict[str, Any]]:
    """Figure 3 (correlations) and Figure 4 (declines per decade, with the paper's 1.96 standard errors)."""
    pairs = {"tmv_legs": ("tmv_cm3", "legs_lean_kg"), "tvi_almi": ("tvi_cm3_m2", "almi_kg_m2")}
    lines = {"almi": "almi_kg_m2", "tmv": "tmv_cm3", "tvi": "tvi_cm3_m2"}
    return [
        *({"id": name, "kind": "correlation", "of": list(of)} for name, of in pairs.items()),
        *(
            _by_sex(
                "linear", f"decline_{name}", outcome=y, terms=["age_years"], slope_of="age_years", interval="normal"
            )
            for name, y in lines.items()
        ),
    ]


def analyses(which: Which, fault: Fault) -> dict[str, Any]:
    """The content of analyses.json, without its schema version. pa_ratio: headline without asymmetry."""
    if which == "pa_ratio":
        short = [_odds(outcome, "pa", "text", intervals=["wald"]) for outcome in EFFECTS]
        return {"exclusions": EXCLUSIONS, "derive": DERIVE, "analyses": [*short, *_muscle()]}
    every = headline(fault)
    if which == "paper":
        grip = _odds("weak_grip", "pa", "equation9")
        every += [
            _odds(outcome, exposure, adjustment, thirds)
            for exposure in ("pa", "lr")
            for thirds in ("", "_thirds")
            for adjustment in ADJUSTMENTS
            for outcome in EFFECTS
            if (adjustment, thirds) != ("text", "")
        ]
        every += [
            {"id": "tmv_legs_agreement", "kind": "concordance", "of": ["tmv_kg", "legs_lean_kg"]},
            grip | {"id": "weak_grip_pa_by_sex", "terms": ["pa_third", "age_years"], "strata": "sex"},
            grip | {"id": "weak_grip_pa_sex_interaction", "interactions": [["pa_third", "sex"]]},
            _by_sex("prevalence", "low_almi", outcome="low_muscle_mass", by="age_group"),
            _by_sex("prevalence", "sarcopenia_by_age", outcome="sarcopenia", by="age_group"),
            _by_sex("trend", "sarcopenia_trend", outcome="sarcopenia", by="age_group"),
        ]
    return {"exclusions": EXCLUSIONS, "derive": DERIVE, "analyses": every}


def truth_names(
    ratios: dict[str, float], logs: dict[str, float], correlations: dict[str, float], declines: dict[str, F64]
) -> dict[str, float]:
    """What is true, under the names of the metrics that estimate it.

    logs: natural logarithms of the odds ratios, by outcome. declines: per decade, (women, men), by measure.
    """
    truth: dict[str, float] = {}
    for outcome, effects in EFFECTS.items():
        terms = {
            "pa_third:high": logs[outcome],
            "age_years": effects.per_year,
            "sex:male": effects.male,
            "bmi_kg_m2": effects.per_bmi,
            "activity:moderate": effects.moderate,
            "activity:high": effects.high,
        }
        truth |= {f"coefficient.{outcome}_pa_text.{term}": value for term, value in terms.items()}
        truth[f"odds_ratio.{outcome}_pa_text.pa_third:high"] = ratios[outcome]
        truth[f"coefficient.{outcome}_lr_text.lr_third:high"] = 0.0
        truth[f"odds_ratio.{outcome}_lr_text.lr_third:high"] = 1.0
    truth |= {f"correlation.{name}": value for name, value in correlations.items()}
    for name, by_sex in declines.items():
        for sex, value in zip(SEXES, by_sex.tolist(), strict=True):
            truth[f"slope.decline_{name}.sex:{sex}.age_years"] = value
    return truth
