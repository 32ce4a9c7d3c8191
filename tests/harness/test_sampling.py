"""Sampled tolerances: the rule on numbers worked by hand, and that the case files hold what was sampled."""

import json

import pytest

from harness.project import ROOT
from harness.run.case import CASES, Check, load_case
from harness.simulate import sampling

BASELINES = ROOT / "reference_results" / "baselines"


@pytest.mark.parametrize(
    ("value", "up", "rounded"),
    [
        (1.234, True, 1.3),
        (1.234, False, 1.2),
        (-0.01234, False, -0.013),
        (-0.01234, True, -0.012),
        (123.4, True, 130.0),
        (-123.4, False, -130.0),
        (0.99, True, 0.99),
        (0.0, True, 0.0),
    ],
)
def test_rounding_goes_outward_to_two_digits(value: float, up: bool, rounded: float) -> None:
    assert sampling.outward(value, up=up) == rounded


def test_bounds_are_five_sample_standard_deviations_from_the_mean() -> None:
    # mean 2, sample SD 1 (n - 1): 2 - 5 = -3 and 2 + 5 = 7
    assert sampling.bounds([1.0, 2.0, 3.0]) == (-3.0, 7.0)


def test_a_cohort_has_the_case_s_switches_and_none_of_its_persons() -> None:
    text = (CASES / "ukb_imaging.toml").read_text()
    other = sampling.cohort_text(text, 2)
    assert other != text
    assert "seed = 2011" in other
    assert "seed = 11," not in other
    assert other.replace("seed = 20", "seed = ") == text


def _sampled() -> list[tuple[str, Check]]:
    cases = [load_case(path) for path in sorted(CASES.glob("*.toml"))]
    return [(c.name, k) for c in cases for k in c.checks if k.tolerance_source.startswith(sampling.SAMPLED)]


@pytest.mark.parametrize(("case", "check"), _sampled(), ids=lambda v: getattr(v, "name", v))
def test_tolerances_are_those_of_the_sample(case: str, check: Check) -> None:
    row = json.loads((BASELINES / f"{case}.json").read_text())["checks"][check.name]
    low, high = sampling.bounds(row["values"])
    assert [low, high] == row["bounds"]
    assert check.minimum in (None, low)
    assert check.maximum in (None, high)
    assert len(row["values"]) >= 10
