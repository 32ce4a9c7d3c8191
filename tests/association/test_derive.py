"""Derived columns against the papers' definitions, hand-worked values and R's quantile and lm."""

from typing import Any

import numpy as np
import pytest

from containers.association.data.analyses_file import AnalysesFile
from containers.association.data.derive import prepare
from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.columns import Category, Cohort, Column, Number
from containers.toolkit.tables.cohort.flow import Flow
from tests.association.made import cohort as made

SEX = ("female", "male")


def _cohort(**columns: Column) -> Cohort:
    size = len(next(iter(columns.values())).missing)
    return Cohort(columns, np.arange(1, size + 1))


def _numbers(*values: float) -> Number:
    return Number(np.array(values, dtype=float))


def _sex(text: str) -> Category:
    return Category(np.array([{"f": 0, "m": 1, "-": -1}[c] for c in text]), SEX)


def _derive(cohort: Cohort, *rules: dict[str, Any]) -> tuple[Cohort, dict[str, Any]]:
    return prepare(cohort, AnalysesFile(schema_version="1.0", derive=rules), Flow(cohort.size))


def _labels(column: Category) -> list[str]:
    return [column.levels[code] if code >= 0 else "" for code in column.codes]


def test_ewgsop2_by_the_papers_thresholds() -> None:
    """ukb_thigh, Sarcopenia classification: grip < 27 kg (men), < 16 kg (women); ALMI < 7.0, < 5.5 kg/m2."""
    cohort = _cohort(
        grip=_numbers(26.9, 27.0, 26.9, 15.9, 16.0, 15.9, 27.5, np.nan, 20.0, 10.0),
        almi=_numbers(6.9, 6.0, 7.0, 5.4, 5.0, 5.5, 5.0, 6.0, np.nan, 4.0),
        sex=_sex("mmmfffmmm-"),
    )
    thresholds = {"male": {"strength": 27, "quantity": 7.0}, "female": {"strength": 16, "quantity": 5.5}}
    rule = {"kind": "ewgsop2", "strength": "grip", "quantity": "almi", "sex": "sex", "thresholds": thresholds}
    got = _derive(cohort, {"column": "class", **rule})[0].category("class")
    assert got.levels == ("none", "probable", "confirmed")
    assert _labels(got) == [
        "confirmed", "none", "probable", "confirmed", "none", "probable", "none", "", "", "",
    ]  # fmt: skip


def test_below_by_sex_is_strict() -> None:
    cohort = _cohort(almi=_numbers(5.49, 5.5, 6.99, 7.0, np.nan, 1.0), sex=_sex("ffmmf-"))
    rule = {"column": "low", "kind": "below", "of": "almi", "by": "sex", "thresholds": {"male": 7.0, "female": 5.5}}
    assert _labels(_derive(cohort, rule)[0].category("low")) == ["yes", "no", "yes", "no", "", ""]


# R, i <- 1:400; pa <- ((i^3 * 31 + 17 * i) %% 1009) / 1009; sex as in made.py:
# k <- quantile(pa, c(.33, .67)) or c(1/3, 2/3); table(cut(pa, c(-Inf, k, Inf))); the same within sex == 0 and 1
TERTILES = [
    ("percentiles_33_67", (), [[0.29998017839445, 0.6352824578790882]], [132, 137, 131]),
    ("thirds", (), [[0.3042616451932607, 0.6273538156590683]], [134, 133, 133]),
    (
        "percentiles_33_67",
        ("sex",),
        [[0.3501288404360753, 0.6325074331020812], [0.2729038652130823, 0.6376015857284441]],
        [72 + 61, 73 + 61, 72 + 61],
    ),
    (
        "thirds",
        ("sex",),
        [[0.3508424182358771, 0.6253716551040635], [0.2765113974231913, 0.6309877766765773]],
        [74 + 61, 71 + 61, 72 + 61],
    ),
]


def _made() -> Cohort:
    c = made()
    i = np.arange(1, 401, dtype=np.int64)
    return _cohort(
        pa=Number(((i**3 * 31 + 17 * i) % 1009) / 1009.0),
        bmi=Number(c["bmi"]),
        age=Number(c["age"]),
        sex=Category(c["sex"].astype(np.int64), SEX),
        g=Category(c["g"], ("0", "1", "2")),
    )


@pytest.mark.parametrize(("rule", "by", "cuts", "counts"), TERTILES)
def test_tertiles_by_both_rules(rule: str, by: tuple[str, ...], cuts: list[list[float]], counts: list[int]) -> None:
    asked = {"column": "third", "kind": "quantile_groups", "of": "pa", "rule": rule, "by": by}
    cohort, said = _derive(_made(), asked)
    got = [[cut["lower"], cut["upper"]] for cut in said["third"]["cut_points"]]
    np.testing.assert_allclose(got, cuts, rtol=1e-14)
    assert np.bincount(cohort.category("third").codes).tolist() == counts


def test_a_value_at_a_cut_point_is_below_it() -> None:
    """Of 0..100 the 33rd and 67th percentiles are the values 33 and 67 themselves: low <= 33, high > 67."""
    asked = {"column": "third", "kind": "quantile_groups", "of": "x", "rule": "percentiles_33_67"}
    groups = _derive(_cohort(x=Number(np.arange(101.0))), asked)[0].category("third").codes
    assert [int(groups[v]) for v in (0, 33, 34, 67, 68, 100)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("n", range(3, 400, 7))
def test_a_cut_point_that_is_a_value_is_it_exactly(n: int) -> None:
    """(n - 1) / 3 is whole: the cut points are values of the table, and these are in the lower group."""
    values = Number(np.sqrt(np.arange(3.0 * n + 1)))
    asked = {"column": "third", "kind": "quantile_groups", "of": "x", "rule": "thirds"}
    groups = _derive(_cohort(x=values), asked)[0].category("third").codes
    assert np.bincount(groups).tolist() == [n + 1, n, n]


def test_quantiles_pass_over_missing_values() -> None:
    asked = {"column": "third", "kind": "quantile_groups", "of": "x", "rule": "thirds", "by": ["sex"]}
    values = Number(np.array([1, 2, 3, np.nan, 5, 6, 7, 8.0]))
    got = _derive(_cohort(x=values, sex=_sex("fffffmm-")), asked)
    assert _labels(got[0].category("third")) == ["low", "low", "middle", "", "high", "low", "high", ""]


def test_z_scores_agree_with_r() -> None:
    """R: z <- scale(bmi); r <- resid(lm(bmi ~ age + factor(sex) + g)); z <- r / sd(r)"""
    cohort, said = _derive(
        _made(),
        {"column": "z", "kind": "z_score", "of": "bmi"},
        {"column": "za", "kind": "z_score", "of": "bmi", "adjust_for": ["age", "sex", "g"]},
    )
    plain = [-1.608886600060963, -0.7070637779938074, 0.7959742587847862, -0.591445467472377]
    adjusted = [-1.640516471337415, -0.6540347843433639, 0.8267625899946729, -0.6533045124785452]
    np.testing.assert_allclose(cohort.number("z")[:4], plain, rtol=1e-13)
    np.testing.assert_allclose(cohort.number("za")[:4], adjusted, rtol=1e-11)
    assert (said["z"]["mean"], said["z"]["sd"]) == (pytest.approx(28.25775), pytest.approx(4.324574522366189))
    assert said["za"]["sd"] == pytest.approx(4.316421186492628, rel=1e-12)


def test_adjusted_z_scores_are_uncorrelated_with_what_they_are_adjusted_for() -> None:
    asked = {"column": "za", "kind": "z_score", "of": "bmi", "adjust_for": ["age", "sex"]}
    cohort = _derive(_made(), asked)[0]
    z = cohort.number("za")
    assert z.mean() == pytest.approx(0, abs=1e-13) and z.std(ddof=1) == pytest.approx(1, rel=1e-13)
    assert np.corrcoef(z, cohort.number("age"))[0, 1] == pytest.approx(0, abs=1e-12)
    assert z[cohort.category("sex").codes == 1].mean() == pytest.approx(0, abs=1e-12)


def test_ratio_sum_asymmetry_cut_and_recode() -> None:
    cohort = _cohort(
        arms=_numbers(2, 3, np.nan), legs=_numbers(6, 9, 8), height=_numbers(2, 1.5, 1.6),
        left=_numbers(8, 10, 9), right=_numbers(10, 10, 6), nrs=_numbers(3.9, 4, np.nan), sex=_sex("fm-"),
    )  # fmt: skip
    got, _ = _derive(
        cohort,
        {"column": "alm", "kind": "sum", "of": ["arms", "legs"]},
        {"column": "almi", "kind": "ratio", "of": ["alm", "height"], "power": 2},
        {"column": "share", "kind": "ratio", "of": ["arms", "legs"]},
        {"column": "lr", "kind": "asymmetry", "of": ["left", "right"]},
        {"column": "burden", "kind": "cut", "of": "nrs", "at": [4], "labels": ["no", "yes"]},
        {
            "column": "man",
            "kind": "recode",
            "of": "sex",
            "map": {"female": "no", "male": "yes"},
            "levels": ["no", "yes"],
        },
    )
    np.testing.assert_array_equal(got.number("almi"), [2.0, 12 / 2.25, np.nan])
    np.testing.assert_array_equal(got.number("share"), [2 / 6, 3 / 9, np.nan])
    np.testing.assert_allclose(got.number("lr"), [0.2, 0.0, 3 / 9])
    assert _labels(got.category("burden")) == ["no", "yes", ""]
    assert _labels(got.category("man")) == ["no", "yes", ""]


def test_quantiles_are_of_the_rows_that_the_exclusions_leave() -> None:
    file = AnalysesFile(
        schema_version="1.0",
        exclusions=[{"id": "old", "column": "x", "at_least": 10}],  # type: ignore[arg-type]
        derive=({"column": "third", "kind": "quantile_groups", "of": "x", "rule": "thirds"},),
    )
    cohort, said = prepare(_cohort(x=Number(np.arange(0.0, 41.0))), file, Flow(41))
    assert cohort.size == 31 and said["third"]["cut_points"][0] == {"group": "", "lower": 20.0, "upper": 30.0}


def test_an_exclusion_may_name_a_derived_column() -> None:
    file = AnalysesFile(
        schema_version="1.0",
        exclusions=[{"id": "ratio", "column": "pa", "at_most": 0.5}],  # type: ignore[arg-type]
        derive=(
            {"column": "half", "kind": "ratio", "of": ["a", "two"]},
            {"column": "pa", "kind": "ratio", "of": ["half", "b"]},
            {"column": "z", "kind": "z_score", "of": "a"},
        ),
    )
    columns = {"a": _numbers(1, 2, 3, 4), "b": _numbers(1, 1, 4, 5), "two": _numbers(2, 2, 2, 2)}
    cohort, _ = prepare(_cohort(**columns), file, Flow(4))
    assert cohort.rows.tolist() == [1, 3, 4]
    assert cohort.number("z").std(ddof=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"kind": "nothing"}, "derive.0 (d): kind is 'nothing'"),
        ({"kind": "ratio", "of": ["x", "zero"]}, "derived column d: zero is 0 in rows 1 and 2"),
        ({"kind": "ratio", "of": ["x", "absent"]}, "column absent: is not a column here"),
        ({"kind": "ratio", "of": ["x", "sex"]}, "column sex: is a category, where a number is needed"),
        ({"kind": "asymmetry", "of": ["x", "minus"]}, "derived column d: a side is negative"),
        ({"kind": "z_score", "of": "zero"}, "derived column d: zero does not vary"),
        ({"kind": "quantile_groups", "of": "zero", "rule": "thirds"}, "zero has too many equal values"),
        ({"kind": "quantile_groups", "of": "x", "rule": "halves"}, "rule: Input should be"),
        ({"kind": "cut", "of": "x", "at": [2, 1], "labels": ["a", "b", "c"]}, "at must rise"),
        ({"kind": "cut", "of": "x", "at": [1], "labels": ["a"]}, "1 cut points need 2 different labels"),
        (
            {"kind": "recode", "of": "sex", "map": {"male": "a"}, "levels": ["a", "b"]},
            "levels must be the values of map",
        ),
        ({"kind": "below", "of": "x", "by": "sex", "thresholds": {"man": 1}}, "thresholds are for man, sex has female"),
        ({"kind": "sum", "of": ["x", "other"]}, "adds columns in 1 and kg"),
        ({"column": "x", "kind": "z_score", "of": "x"}, "derived column x: is there already"),
    ],
)
def test_wrong_rules_say_what_and_where(rule: dict[str, Any], said: str) -> None:
    cohort = _cohort(
        x=_numbers(1, 2, 3, 4), zero=_numbers(0, 0, 1, 1) if "ratio" in rule.values() else _numbers(0, 0, 0, 0),
        minus=_numbers(-1, 2, 3, 4), other=Number(np.arange(4.0), "kg"), sex=_sex("fmfm"),
    )  # fmt: skip
    with pytest.raises(ItemFault) as caught:
        _derive(cohort, {"column": "d", **rule})
    assert said in str(caught.value) and "\n" not in str(caught.value)
