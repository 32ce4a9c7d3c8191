"""What the relations compute, against R (4.2.2; stats, metafor 3.8) and worked examples.

Every row: printed numbers, the relation, a number by R printed to some digits, and the same moved by a few units of its
last digit, which must be contradicted.
"""

from typing import Any

import pytest

from harness.run.results import Verdict
from tests.verdicts.example import judged

GOOD = {Verdict.REPRODUCED, Verdict.CONSISTENT}
SARCOPENIA = {"a": "215", "n": "17920", "b": "202", "m": "19084"}
HALVES = {"a": "15", "n": "50", "b": "25", "m": "50"}
UNEQUAL = {"a": "12", "n": "90", "b": "40", "m": "150"}
PAIRS = {"r": "0.795170", "n": "10"}
TEA = {"a": "3", "n": "4", "b": "1", "m": "4"}
COUNTS = {"kind": "p_from_counts", "events_a": "a", "size_a": "n", "events_b": "b", "size_b": "m"}
ODDS = {"kind": "odds_ratio", "events_high": "a", "size": "n", "events_low": "b", "size_low": "m"}
RISK = {"kind": "risk_ratio", "events_high": "a", "size_high": "n", "events_low": "b", "size_low": "m"}
# sleep (Student 1908), as in R: two groups of ten
SLEEP = {"m1": "0.7500", "m2": "2.3300", "s1": "1.789010", "s2": "2.002249", "n1": "10", "n2": "10"}
TEST = {"kind": "difference_test", "means": ["m1", "m2"], "sds": ["s1", "s2"], "counts": ["n1", "n2"]}
CARS = {"r": "-0.867659", "n": "32"}
IRIS = {"r": "-0.11756978", "n": "150"}
R = {"kind": "correlation", "r": "r", "n": "n"}
STATISTIC = {"kind": "p_from_statistic", "statistic": "x"}
# dat.bcg of metafor by allocation, DerSimonian and Laird: risk ratios and limits
BCG = {
    "e1": "0.58229",
    "l1": "0.33530",
    "h1": "1.01120",
    "e2": "0.36635",
    "l2": "0.18017",
    "h2": "0.74494",
    "e3": "0.64446",
    "l3": "0.34872",
    "h3": "1.19099",
}
SUBGROUPS = {
    "kind": "subgroup_test",
    "estimates": ["e1", "e2", "e3"],
    "lows": ["l1", "l2", "l3"],
    "highs": ["h1", "h2", "h3"],
    "scale": "log",
}
F_TEST = {**STATISTIC, "distribution": "f"}
LOG_CENTRE = {"kind": "interval_centre", "low": "l", "high": "h", "scale": "log"}
LOG_SE = {"kind": "se_from_interval", "low": "l", "high": "h", "scale": "log"}
AS_RISK = {"kind": "odds_as_risk", "odds_ratio": "a", "baseline_percent": "p"}
VARIANCES = {"kind": "variance_share", "part": "a", "others": ["b", "c"]}
ROOT = {"kind": "formula", "formula": "sqrt(a ** 2 + b ** 2) / 2", "values": {"a": "a", "b": "b"}}
INTERVAL = {"kind": "p_from_interval", "estimate": "e", "low": "l", "high": "h", "scale": "log"}


@pytest.mark.parametrize(
    ("numbers", "relation", "right", "wrong"),
    [
        # chisq.test(correct = FALSE), chisq.test(), fisher.test()
        (SARCOPENIA, COUNTS, "0.1981", "0.1881"),
        (SARCOPENIA, COUNTS, "0.2159", "0.2359"),
        (SARCOPENIA, COUNTS, "0.2005", "0.2305"),
        (HALVES, COUNTS, "0.0412", "0.0512"),
        (HALVES, COUNTS, "0.0662", "0.0762"),
        # The lady tasting tea (Fisher 1935), fisher.test
        (TEA, COUNTS, "0.486", "0.586"),
        # glm(binomial), Wald limits by hand, profile limits by confint
        (HALVES, {**ODDS, "part": "estimate"}, "0.4286", "0.4296"),
        (HALVES, {**ODDS, "part": "lower"}, "0.1887", "0.1897"),
        (HALVES, {**ODDS, "part": "upper"}, "0.9735", "0.9745"),
        (HALVES, {**ODDS, "part": "lower"}, "0.1855", "0.1845"),
        (HALVES, {**ODDS, "part": "upper"}, "0.9639", "0.9609"),
        # (15 / 50) / (25 / 50); exp(ln 0.6 -+ 1.96 sqrt(1/15 - 1/50 + 1/25 - 1/50)), metafor's escalc(measure = "RR")
        (HALVES, {**RISK, "part": "estimate"}, "0.600", "0.602"),
        (HALVES, {**RISK, "part": "lower"}, "0.3617", "0.3637"),
        (HALVES, {**RISK, "part": "upper"}, "0.9952", "0.9972"),
        # escalc(measure = "RR"), fisher.test and chisq.test of 12 of 90 against 40 of 150
        (UNEQUAL, {**RISK, "part": "lower"}, "0.2772", "0.2792"),
        (UNEQUAL, {**RISK, "part": "upper"}, "0.9018", "0.9048"),
        (UNEQUAL, COUNTS, "0.01562", "0.01662"),
        (UNEQUAL, COUNTS, "0.02348", "0.02448"),
        # t.test, var.equal = FALSE and TRUE
        (SLEEP, {**TEST, "part": "t"}, "-1.8608", "-1.8708"),
        (SLEEP, {**TEST, "part": "df"}, "17.776", "17.756"),
        (SLEEP, {**TEST, "part": "df"}, "18", "19"),
        (SLEEP, {**TEST, "part": "p"}, "0.07939", "0.07989"),
        (SLEEP, {**TEST, "part": "p"}, "0.07919", "0.07899"),
        (SLEEP, {**TEST, "part": "difference"}, "-1.58", "-1.68"),
        # Cohen's d and Hedges' g with the exact correction
        (SLEEP, {**TEST, "part": "d"}, "-0.8322", "-0.8422"),
        (SLEEP, {**TEST, "part": "d"}, "-0.7969", "-0.7869"),
        # cor.test(mtcars$mpg, mtcars$wt), cor.test(iris$Sepal.Length, iris$Sepal.Width)
        (CARS, {**R, "part": "lower"}, "-0.9338", "-0.9348"),
        (CARS, {**R, "part": "upper"}, "-0.7441", "-0.7461"),
        (IRIS, {**R, "part": "lower"}, "-0.27269", "-0.27569"),
        (IRIS, {**R, "part": "p"}, "0.1519", "0.1569"),
        # cor.test of the two groups of sleep: ten pairs
        (PAIRS, {**R, "part": "p"}, "0.00596", "0.00696"),
        (PAIRS, {**R, "part": "upper"}, "0.9494", "0.9514"),
        # 2 * pt(-2.101, 18), 2 * pnorm(-1.96), pchisq(7.815, 3), pf(3.1, 2, 27), upper tails
        ({"x": "2.101", "k": "18"}, {**STATISTIC, "distribution": "t", "df": "k"}, "0.0500", "0.0520"),
        ({"x": "1.96"}, {**STATISTIC, "distribution": "normal"}, "0.050", "0.040"),
        ({"x": "7.815", "k": "3"}, {**STATISTIC, "distribution": "chi2", "df": "k"}, "0.0500", "0.0510"),
        (
            {"x": "3.10", "k": "2", "d": "27"},
            {**STATISTIC, "distribution": "f", "df": "k", "df2": "d"},
            "0.061",
            "0.065",
        ),
        # logLik of glm(am ~ 1) and glm(am ~ qsec) on mtcars, anova(test = "LRT")
        (
            {"s": "-21.6149", "g": "-20.7326", "k": "1"},
            {"kind": "lr_p", "log_likelihoods": ["s", "g"], "df": "k"},
            "0.1840",
            "0.1890",
        ),
        # rma(method = "DL") of dat.bcg: Q = 152.233, df = 12
        ({"q": "152.233", "k": "12"}, {"kind": "i2_from_q", "q": "q", "df": "k", "method": "DL"}, "92.12", "92.22"),
        # rma(method = "FE") of the three subgroup estimates
        (BCG, {**SUBGROUPS, "part": "q"}, "1.537", "2.037"),
        (BCG, {**SUBGROUPS, "part": "p"}, "0.464", "0.564"),
        # Altman and Bland 2011 (BMJ 343:d2304): relative risk 0.81, 0.70 to 0.94: P = 0.005
        ({"e": "0.81", "l": "0.70", "h": "0.94"}, INTERVAL, "0.005", "0.040"),
        # SE of the same: (ln 0.94 - ln 0.70) / 3.92 = 0.0752
        (
            {"l": "0.70", "h": "0.94"},
            {"kind": "se_from_interval", "low": "l", "high": "h", "scale": "log"},
            "0.075",
            "0.100",
        ),
        # qt(0.975, 9) = 2.262157: 10 -+ 2.262 x 2
        (
            {"e": "10.000", "s": "2.000", "k": "9"},
            {"kind": "interval_from_se", "estimate": "e", "se": "s", "df": "k", "part": "lower"},
            "5.476",
            "5.376",
        ),
        ({"s": "0.50", "n": "100"}, {"kind": "sd_from_se", "se": "s", "n": "n"}, "5.0", "5.3"),
        (
            {"l": "0.50", "h": "2.00"},
            {"kind": "interval_centre", "low": "l", "high": "h", "scale": "log"},
            "1.00",
            "1.75",
        ),
        ({"l": "1.0", "h": "3.0"}, {"kind": "interval_centre", "low": "l", "high": "h"}, "2.0", "2.8"),
        # 1.10 ** 5 = 1.61051, and with both roundings 1.574 to 1.648
        ({"a": "1.10"}, {"kind": "ratio_power", "ratio": "a", "power": "5"}, "1.61", "1.70"),
        ({"a": "1.25"}, {"kind": "ratio_power", "ratio": "a", "power": "-1"}, "0.80", "0.85"),
        ({"a": "4.000"}, {"kind": "ratio_power", "ratio": "a", "power": "0.5"}, "2.000", "2.010"),
        (
            {"a": "1.200", "b": "1.500", "c": "2.000"},
            {"kind": "combined_ratio", "ratios": ["a", "b", "c"], "powers": ["1", "2", "-1"]},
            "1.35",
            "1.38",
        ),
        ({"a": "0.800"}, {"kind": "change_percent", "ratio": "a"}, "20", "25"),
        # baseline 50 % and odds ratio 3: odds 3, risk 75 %, ratio of risks 1.5 (Zhang and Yu 1998)
        (
            {"a": "3.000", "p": "50.0"},
            {"kind": "odds_as_risk", "odds_ratio": "a", "baseline_percent": "p"},
            "1.5",
            "3.0",
        ),
        ({"d": "0.800"}, {"kind": "dice_iou", "dice": "d"}, "0.667", "0.660"),
        ({"j": "0.667"}, {"kind": "dice_iou", "iou": "j"}, "0.800", "0.810"),
        (
            {"a": "1.000", "b": "2.000", "c": "1.000"},
            {"kind": "variance_share", "part": "a", "others": ["b", "c"]},
            "25",
            "26",
        ),
        ({"n": "100"}, {"kind": "quantile_size", "whole": "n", "share": "1/3"}, "34", "36"),
        ({"a": "1.00", "b": "3.00"}, {"kind": "within", "low": "a", "high": "b"}, "2.5", "3.5"),
        ({"a": "0.76", "b": "0.84"}, {"kind": "pooled_within", "strata": ["a", "b"]}, "0.80", "0.86"),
        ({"k": "14"}, {"kind": "df_at_most", "clusters": "k"}, "13.0", "13.4"),
        ({"a": "0.896"}, {"kind": "same", "of": ["a"]}, "0.90", "0.88"),
        ({"a": "0.896"}, {"kind": "same", "of": ["a"]}, "0.896", "0.897"),
        (
            {"a": "2.00", "b": "3.00"},
            ROOT,
            "1.80",
            "1.82",
        ),
    ],
)
def test_right_numbers_stand_and_wrong_ones_do_not(
    numbers: dict[str, str], relation: dict[str, Any], right: str, wrong: str
) -> None:
    good, bad = judged(numbers, right, relation), judged(numbers, wrong, relation)
    assert good.verdict in GOOD, good.reason
    assert bad.verdict == Verdict.CONTRADICTED, bad.reason
    assert bad.formula and bad.computed and bad.used
    assert bad.finding == "p/1" and not good.finding


@pytest.mark.parametrize("kind", ["within", "order", "pooled_within", "df_at_most", "odds_as_risk"])
def test_bounds_never_reproduce(kind: str) -> None:
    relations = {
        "within": ({"a": "1.00", "b": "3.00"}, {"low": "a", "high": "b"}, "2"),
        "order": ({"a": "3", "b": "2"}, {"larger": "a", "smaller": "b"}, "more"),
        "pooled_within": ({"a": "1.00", "b": "3.00"}, {"strata": ["a", "b"]}, "2"),
        "df_at_most": ({"a": "14"}, {"clusters": "a"}, "9.1"),
        "odds_as_risk": ({"a": "3.000", "b": "50.0"}, {"odds_ratio": "a", "baseline_percent": "b"}, "1.5"),
    }
    numbers, fields, printed = relations[kind]
    found = judged(numbers, printed, {"kind": kind, **fields})
    assert found.verdict == Verdict.CONSISTENT and found.bound


def test_a_tautology_is_consistent_and_a_value_it_cannot_have_is_not() -> None:
    relation = {"kind": "by_construction", "value": "1", "reason": "slope of a model on its own data"}
    assert judged({}, "1.00", relation).verdict == Verdict.CONSISTENT
    assert judged({}, "0.97", relation).verdict == Verdict.CONTRADICTED


def test_a_direction_that_is_turned_is_found() -> None:
    relation = {"kind": "order", "larger": "a", "smaller": "b"}
    assert judged({"a": "5.99", "b": "6.65"}, "higher", relation).verdict == Verdict.CONTRADICTED
    # 5.9 and 5.9 may be either way round
    assert judged({"a": "5.9", "b": "5.9"}, "higher", relation).verdict == Verdict.CONSISTENT


@pytest.mark.parametrize(
    ("printed", "verdict"), [("<0.001", "reproduced"), ("0.0004", "contradicted"), (">0.01", "contradicted")]
)
def test_p_values_printed_as_bounds(printed: str, verdict: str) -> None:
    # 2 * pnorm(-4.00) = 0.0000633
    assert judged({"z": "4.00"}, printed, {**STATISTIC, "statistic": "z", "distribution": "normal"}).verdict == verdict


def test_i2_of_another_estimator_is_no_contradiction() -> None:
    """REML can find no variance where Q exceeds its degrees of freedom: Q = 2.09 on 2 gives 4.3 %."""
    numbers, relation = {"q": "2.09", "k": "2"}, {"kind": "i2_from_q", "q": "q", "df": "k"}
    assert judged(numbers, "0%", relation, unit="%").verdict == Verdict.CONSISTENT
    assert judged(numbers, "0%", {**relation, "method": "DL"}, unit="%").verdict == Verdict.CONTRADICTED


def test_the_same_number_in_another_unit() -> None:
    relation = {"kind": "same", "of": ["a"]}
    assert judged({"a": "1.5"}, "15", relation, units={"a": "cm"}, unit="mm").verdict == Verdict.REPRODUCED
    assert judged({"a": "1.5"}, "17", relation, units={"a": "cm"}, unit="mm").verdict == Verdict.CONTRADICTED


@pytest.mark.parametrize(
    ("printed", "verdict"), [("40–50%", "reproduced"), ("40–51%", "contradicted"), ("39–50%", "contradicted")]
)
def test_ranges_are_compared_end_by_end(printed: str, verdict: str) -> None:
    found = judged({"a": "40–50%"}, printed, {"kind": "same", "of": ["a"]}, units={"a": "%"}, unit="%")
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("relation", "printed"),
    # (ln 1.4 - ln 0.01) / 3.92 = 1.26; with 0.05, the most that 0.0 stands for, it is 0.85
    [({**INTERVAL, "kind": "p_from_interval"}, "0.4"), (LOG_CENTRE, "0.2"), (LOG_SE, "1.2")],
)
def test_a_ratio_that_rounds_to_zero_bounds_little_and_breaks_nothing(relation: dict[str, Any], printed: str) -> None:
    numbers = {"e": "0.2", "l": "0.0", "h": "1.4"}
    assert judged(numbers, printed, relation).verdict == Verdict.CONSISTENT


def test_a_standard_error_is_bounded_even_so() -> None:
    assert judged({"l": "0.0", "h": "1.4"}, "0.40", LOG_SE).verdict == Verdict.CONTRADICTED
