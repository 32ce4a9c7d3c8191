"""The rule of tolerances on numbers worked by hand, and that a failing run is never frozen."""

import pytest

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import RequestFault
from harness.gate.baseline import Baseline, load_baseline
from harness.gate.freezing import tolerance
from tests.gate.conftest import Gate


def test_a_number_that_does_not_vary_gets_its_floor() -> None:
    found = tolerance(10.0, {"threads": [10.0], "order": [10.0]}, 0.25)
    assert (found.value, found.widest, found.spread) == (0.25, "floor", 0.0)


def test_a_tolerance_reaches_five_standard_deviations_beyond_the_mean() -> None:
    # 9, 10, 11: mean 10, sample SD 1.
    found = tolerance(10.0, {"seed": [9.0, 11.0]}, 0.25)
    assert (found.value, found.widest, found.spread) == (5.0, "seed", 1.0)


def test_a_mean_beside_the_reference_widens_it() -> None:
    # 10 and 10.4: mean 10.2, SD 0.2828; 0.2 + 5 * 0.2828 = 1.614, outward to two digits 1.7.
    assert tolerance(10.0, {"backend": [10.4]}, 0.25).value == 1.7


def test_the_widest_kind_of_variation_decides() -> None:
    found = tolerance(10.0, {"backend": [10.4], "seed": [9.0, 11.0]}, 0.25)
    assert (found.value, found.widest) == (5.0, "seed")
    assert tolerance(10.0, {"backend": [10.4]}, 3.0).value == 3.0


def test_a_baseline_says_what_it_was_made_with(frozen: Gate) -> None:
    baseline = load_baseline("means", frozen.folder / "baselines")
    assert baseline.ends == {"mean/one": "ok", "mean/two": "ok", "refused/few": "error"}
    assert set(baseline.numbers) == {f"mean/{item}/{metric}" for item in ("one", "two") for metric in ("mean", "rows")}
    made = baseline.made
    assert made.contract == CONTRACT_VERSION
    assert len(made.stages["table_mean"]["digest"]) == 64
    assert "requirements/host.lock" in made.locks
    assert made.variations == {"threads": ["2 threads"], "order": ["items reversed"]}
    assert all(len(sha256) == 64 for sha256 in made.inputs.values())


def test_a_baseline_is_the_same_each_time_and_reads_back(frozen: Gate) -> None:
    again = frozen.freeze()
    path = frozen.folder / "baselines" / "gate_means.json"
    assert path.read_text() == again.text()
    assert Baseline.model_validate_json(again.text()) == again


def test_a_run_that_fails_a_check_is_not_frozen(made: Gate) -> None:
    made.case(minimum=1e6)
    with pytest.raises(RequestFault, match="fails its check size"):
        made.freeze()
    assert not (made.folder / "baselines").exists()


def test_a_stage_whose_items_fail_is_not_frozen(made: Gate) -> None:
    bad = made.candidate("bad", main='if mean < job => raise ItemFault("never works")\n    if mean < job')
    with pytest.raises(RequestFault, match="fails its check mean_items"):
        made.freeze(bad)


def test_numbers_that_come_and_go_are_not_frozen(made: Gate) -> None:
    text = 'result.metric("rows", len(rows)) => '
    text += 'result.metric("rows", len(rows)) if job.resources.threads == 1 else None'
    with pytest.raises(RequestFault, match="is only in one of the runs"):
        made.freeze(made.candidate("flighty", main=text))


def test_spread_over_threads_becomes_the_tolerance(made: Gate) -> None:
    text = 'result.metric("mean", mean) => result.metric("mean", mean + 0.4 * (job.resources.threads - 1))'
    baseline = made.freeze(made.candidate("spread", main=text))
    found = baseline.numbers["mean/one/mean"]
    assert (found.tolerance, found.widest) == (1.7, "threads")
    assert found.spread == pytest.approx(0.4)
