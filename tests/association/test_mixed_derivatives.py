"""The approximated log-likelihood: its value against numerical integration, its derivatives against differences."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import integrate, special

from containers.association.models import quadrature
from containers.association.models.quadrature import GroupedRows, expand, node_rule

Array = npt.NDArray[np.float64]


def small(groups: int = 7, rows: int = 6, seed: int = 3) -> tuple[Array, Array, Array, Array]:
    """x (n, 3), y, weights and labels of groups of `rows` rows; the first group has no event."""
    draw = np.random.default_rng(seed)
    n = groups * rows
    x = np.column_stack([np.ones(n), draw.standard_normal(n), draw.random(n) < 0.4])
    label = np.repeat(np.arange(groups), rows)
    y = np.where(label == 0, 0.0, draw.random(n) < special.expit(x @ [0.2, 0.8, -0.5] + (label % 3) - 1))
    return x, y, draw.integers(1, 4, n).astype(float), label


def rows_of(groups: int = 7, rows: int = 6) -> GroupedRows:
    x, y, weights, _ = small(groups, rows)
    starts = np.arange(0, len(y) + 1, rows)
    return GroupedRows(x, weights, weights * y, starts)


def integrated(theta: Array, x: Array, y: Array, weights: Array, label: Array) -> float:
    """Log-likelihood by scipy's adaptive quadrature, group by group, from the model's definition."""
    total = 0.0
    for group in np.unique(label):
        at = label == group

        def likelihood(u: float, at: npt.NDArray[np.bool_] = at) -> float:
            predictor = x[at] @ theta[:-1] + theta[-1] * u
            logs = np.where(y[at] == 1, special.log_expit(predictor), special.log_expit(-predictor))
            return float(np.exp(weights[at] @ logs - u * u / 2) / np.sqrt(2 * np.pi))

        total += np.log(integrate.quad(likelihood, -12, 12, epsabs=0, epsrel=1e-12, limit=400, points=[-1, 0, 1])[0])
    return float(total)


@pytest.mark.parametrize("theta", [[0.1, 0.7, -0.4, 0.9], [-0.5, 0.2, 0.3, 0.2], [0.0, 1.0, 0.0, 0.0]])
def test_many_nodes_give_the_integral(theta: list[float]) -> None:
    x, y, weights, label = small()
    found = expand(rows_of(), np.array(theta[:-1]), theta[-1], node_rule(25), np.zeros(7)).log_likelihood
    assert found == pytest.approx(integrated(np.array(theta), x, y, weights, label), rel=1e-11)


def test_more_nodes_come_nearer_to_the_integral() -> None:
    x, y, weights, label = small()
    theta = np.array([0.1, 0.7, -0.4, 1.5])
    truth = integrated(theta, x, y, weights, label)
    errors = [
        abs(expand(rows_of(), theta[:-1], theta[-1], node_rule(nodes), np.zeros(7)).log_likelihood - truth)
        for nodes in (1, 3, 7, 15)
    ]
    assert errors[0] > 2 * errors[1] > 100 * errors[2] > 10000 * errors[3]


def test_one_node_is_laplaces_approximation() -> None:
    # One group, one row, one trial: mode from u = sigma (1 - expit(sigma u)), by hand.
    rows = GroupedRows(np.ones((1, 1)), np.ones(1), np.ones(1), np.array([0, 1]))
    sigma, u = 1.3, 0.0
    for _ in range(200):
        u = sigma * special.expit(-sigma * u) * 0.5 + u * 0.5
    p = special.expit(sigma * u)
    by_hand = np.log(p) - u * u / 2 - 0.5 * np.log(1 + sigma**2 * p * (1 - p))
    assert expand(rows, np.zeros(1), sigma, node_rule(1), np.zeros(1)).log_likelihood == pytest.approx(
        by_hand, rel=1e-13
    )


@pytest.mark.parametrize("nodes", [1, 2, 3, 8, 25])
@pytest.mark.parametrize("sigma", [0.0, 0.02, 0.8, 3.0])
def test_gradient_and_hessian_against_differences_of_eighth_order(nodes: int, sigma: float) -> None:
    rows, rule = rows_of(), node_rule(nodes)
    theta = np.array([0.1, 0.7, -0.4, sigma])
    share = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    step = 4e-3
    here = expand(rows, theta[:-1], sigma, rule, np.zeros(7))
    for column in range(4):
        change = np.zeros(4)
        change[column] = step
        gradient, hessian = 0.0, np.zeros(4)
        for times, weight in share.items():
            up, down = theta + times * change, theta - times * change
            above = expand(rows, up[:-1], up[-1], rule, np.zeros(7))
            below = expand(rows, down[:-1], down[-1], rule, np.zeros(7))
            gradient += weight * (above.log_likelihood - below.log_likelihood) / step
            hessian += weight * (above.gradient - below.gradient) / step
        assert here.gradient[column] == pytest.approx(gradient, abs=1e-9)
        np.testing.assert_allclose(here.hessian[column], hessian, rtol=0, atol=1e-8)


@pytest.mark.parametrize("nodes", [1, 4])
def test_curvature_at_the_boundary_is_twice_the_score_of_the_variance(nodes: int) -> None:
    x, y, weights, label = small()
    beta = np.array([0.1, 0.7, -0.4])
    p = special.expit(x @ beta)
    score = np.bincount(label, weights * (y - p))
    information = np.bincount(label, weights * p * (1 - p))
    here = expand(rows_of(), beta, 0.0, node_rule(nodes), np.zeros(7))
    assert here.hessian[-1, -1] == pytest.approx(float((score**2 - information).sum()), rel=1e-12)
    np.testing.assert_allclose(here.hessian[-1, :-1], 0.0, atol=1e-12)
    assert here.gradient[-1] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("nodes", [1, 5])
def test_blocks_of_rows_change_nothing(nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    theta = np.array([0.1, 0.7, -0.4, 0.6])
    whole = expand(rows_of(), theta[:-1], theta[-1], node_rule(nodes), np.zeros(7))
    monkeypatch.setattr(quadrature, "BLOCK_ROWS", 4)  # smaller than a group: each is a block, in chunks
    monkeypatch.setattr(quadrature, "BLOCK_VALUES", 15)
    parts = expand(rows_of(), theta[:-1], theta[-1], node_rule(nodes), np.zeros(7))
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(parts.gradient, whole.gradient, rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts.hessian, whole.hessian, rtol=0, atol=1e-12)


def test_modes_are_found_from_anywhere() -> None:
    rows = rows_of()
    theta = np.array([0.1, 0.7, -0.4, 4.0])
    near = expand(rows, theta[:-1], theta[-1], node_rule(3), np.zeros(7))
    far = expand(rows, theta[:-1], theta[-1], node_rule(3), np.linspace(-300, 300, 7))
    np.testing.assert_allclose(far.modes, near.modes, rtol=0, atol=1e-12)


def test_rule_integrates_polynomials_exactly_and_refuses_other_numbers_of_nodes() -> None:
    for nodes in (1, 2, 9, 25):
        rule = node_rule(nodes)
        for power, moment in ((0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (8, 105.0)):
            if power < 2 * nodes:
                assert np.exp(rule.log_weights) @ rule.nodes**power == pytest.approx(moment, abs=1e-11)
    for nodes in (0, 26):
        with pytest.raises(ValueError, match="nodes must be 1 to 25"):
            node_rule(nodes)
