"""The nomogram against rms::nomogram and pretty against R's (r/prediction.R)."""

import numpy as np
import pytest

from containers.association.measures.nomogram import Variable, axis_values, nomogram, pretty
from tests.association.made import cohort, design
from tests.association.test_logistic import COEFFICIENTS

# r/prediction.R, "nomogram"
BMI_POINTS = [
    0, 2.6559496443052, 5.3118992886104, 7.9678489329156, 10.623798577221, 13.279748221526, 15.935697865831,
    18.591647510136, 21.247597154442,
]  # fmt: skip
LP_POINTS = [
    4.6546133239045, 29.17711898508, 53.699624646255, 78.22213030743, 102.74463596861, 127.26714162978,
    151.78964729096, 176.31215295213, 200.83465861331,
]  # fmt: skip
PROBABILITY_POINTS = [68.549248678929, 134.75641979604, 176.31215295213, 217.86788610822]
# r/prediction.R, "pretty"
PRETTY = {
    (0.0, 222.7): np.arange(0, 241, 20),
    (-3.4, 0.43): np.arange(-3.5, 0.51, 0.5),
    (0.0123, 0.0124): np.arange(1230, 1241) / 1e5,
    (5.0, 5.0): [3, 4, 5, 6],
    (0.0, 0.0): [-0.4, -0.2, 0, 0.2],
    (-1e6, 3.0): np.arange(-1000000, 100001, 100000),
    (18.0, 73.0): np.arange(15, 76, 5),
    (-7.0, 0.0): np.arange(-7, 0.1, 0.5),
}


@pytest.mark.parametrize("ends", PRETTY)
def test_pretty_is_r_s(ends: tuple[float, float]) -> None:
    np.testing.assert_allclose(pretty(*ends, 10), PRETTY[ends], rtol=1e-12, atol=1e-15)


def variables() -> list[Variable]:
    c, b = cohort(), COEFFICIENTS
    age, bmi, sex = (axis_values(c[name]) for name in ("age", "bmi", "sex"))
    return [
        Variable("age", tuple(age), age * b[1]),
        Variable("bmi", tuple(bmi), bmi * b[2]),
        Variable("sex", tuple(sex), sex * b[3]),
        Variable("g", ("0", "1", "2"), np.array([0.0, b[4], b[5]])),
    ]


def test_agrees_with_rms() -> None:
    predictor = design()[0] @ COEFFICIENTS
    found = nomogram(COEFFICIENTS[0], variables(), (predictor.min(), predictor.max()), (0.1, 0.3, 0.5, 0.7))
    age, bmi, sex, g = found.points
    np.testing.assert_allclose(age, np.linspace(0, 100, 9), rtol=1e-9)
    assert found.variables[0].values == tuple(range(40, 81, 5))
    np.testing.assert_allclose(bmi, BMI_POINTS, rtol=1e-9)
    np.testing.assert_allclose(sex, [0, 46.510561473959], rtol=1e-9)
    np.testing.assert_allclose(g, [24.132045243231, 0, 33.477211230943], rtol=1e-9)
    assert found.total_axis.tolist() == list(range(0, 221, 20))
    assert found.predictor_axis.tolist() == list(np.arange(-3.5, 0.6, 0.5))
    np.testing.assert_allclose(found.total_points(found.predictor_axis), LP_POINTS, rtol=1e-9)
    np.testing.assert_allclose(found.total_points_of_probability(found.probability_axis), PROBABILITY_POINTS, rtol=1e-9)
    # default of fun.at
    default = nomogram(COEFFICIENTS[0], variables(), (predictor.min(), predictor.max()))
    np.testing.assert_allclose(default.probability_axis, np.arange(1, 13) * 0.05, rtol=1e-12)


def test_points_add_up_to_the_linear_predictor() -> None:
    found = nomogram(COEFFICIENTS[0], variables(), (-3.0, 0.4))
    age, bmi, sex, g = found.points
    predictor = COEFFICIENTS[0] + 55 * COEFFICIENTS[1] + 26 * COEFFICIENTS[2] + COEFFICIENTS[3] + COEFFICIENTS[5]
    assert age[3] + bmi[3] + sex[1] + g[2] == pytest.approx(float(found.total_points(np.array([predictor]))[0]))


def test_unit_of_a_variable_does_not_matter() -> None:
    effects = np.array([0.0, 0.4, 0.8])
    metres = nomogram(0.0, [Variable("h", (1.0, 1.5, 2.0), effects), Variable("s", ("a", "b"), effects[:2])], (0, 1))
    shifted = Variable("h", (100.0, 150.0, 200.0), effects + 7.0)
    centimetres = nomogram(-7.0, [shifted, Variable("s", ("a", "b"), effects[:2])], (0, 1))
    for first, second in zip(metres.points, centimetres.points, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-12)
    assert metres.predictor_at_zero == pytest.approx(centimetres.predictor_at_zero, abs=1e-12)


def test_axis_of_few_values_shows_them_and_no_effect_is_refused() -> None:
    assert axis_values(np.array([3.0, 1.0, 3.0, 2.5])).tolist() == [1.0, 2.5, 3.0]
    with pytest.raises(ValueError, match="no variable has an effect"):
        nomogram(0.0, [Variable("s", ("a", "b"), np.zeros(2))], (0.0, 1.0))
