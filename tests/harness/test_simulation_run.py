"""A simulation through a tiny stage: draws, failures, going on after a stop, levels, the command."""

import json
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import phantoms
from containers.contract.errors import RequestFault
from harness.claims import judge_ledger
from harness.progress import Progress
from harness.reproduce.session import exit_status
from harness.run.case import CASES, Case, load_case
from harness.run.checks import evaluate
from harness.run.context import Context
from harness.run.draws import DrawRunner
from harness.run.pipeline import CaseRun
from harness.run.results import ExitStatus, Verdict
from harness.run.steps.performance import LEAST_DRAWS
from harness.run.steps.simulation import Simulation
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.process import ProcessRunner
from harness.simulate.command import simulate
from tests.harness.conftest import STAGES
from tests.harness.test_cli import myorepro
from tests.verdicts.example import ledger

Runs = Callable[..., CaseRun]
NAME = "coefficient.overall.intercept"


def case(**changes: Any) -> Case:
    step: dict[str, Any] = {
        "kind": "simulation",
        "phantom": "meta_studies",
        "parameters": {"analyses": "overall", "moderated": False, "within": 0.0, "between": 0.0},
        "stage": "naive_mean",
        "inputs": {"table": "table_csv"},
        "draws": 4,
        "first_seed": 10,
        "estimates": [
            {
                "quantity": "coefficient",
                "names": ["overall.intercept"],
                "standard_error": "standard_error",
                "low": "low",
                "high": "high",
            }
        ],
    }
    check = {
        "name": "failed",
        "title": "none fails",
        "step": "draws",
        "metric": "draws_failed",
        "maximum": 0,
        "tolerance_source": "exact",
        "evidence": "simulation",
    }
    return Case.model_validate(
        {
            "name": "small",
            "title": "t",
            "evidence": "simulation",
            "steps": {"draws": {**step, **changes}},
            "checks": [check],
        }
    )


@pytest.fixture
def run_case(tmp_path: Path) -> Iterator[Runs]:
    """`run_case(case, draws=..., name=...)`: runs it on the test's cache."""
    with Workers(1) as pool:

        def run(asked: Case, name: str = "run", **changes: Any) -> CaseRun:
            (tmp_path / name).mkdir()
            context = Context(
                runner=ProcessRunner({"naive_mean": STAGES / "naive_mean"}),
                store=Store(tmp_path / "cache"),
                run_folder=tmp_path / name,
                data=None,
                preset="small",
                cores=1,
                pool=pool,
                progress=Progress(quiet=True),
                **changes,
            )
            made = CaseRun(asked, context)
            made.check_stages()
            made.run()
            return made

        yield run


def metrics(run: CaseRun) -> dict[str, float | None]:
    record = run.outcomes["draws"]["draws"].record
    assert record is not None, run.outcomes["draws"]["draws"].line
    return {name: metric.value for name, metric in record.metrics.items()}


def means(run: CaseRun) -> list[float]:
    records = [outcome.record for outcome in run.draws["draws"].values()]
    return [float(record.metrics[NAME].value) for record in records if record and record.status == "ok"]  # type: ignore[arg-type]


def test_the_summary_is_that_of_the_draws(run_case: Runs) -> None:
    run = run_case(case())
    found, values = metrics(run), means(run)
    assert list(run.draws["draws"]) == ["10", "11", "12", "13"]
    assert (found["draws"], found["draws_failed"]) == (4, 0)
    assert found[f"mean_estimate.{NAME}"] == pytest.approx(statistics.fmean(values), rel=1e-14)
    assert found[f"bias.{NAME}"] == pytest.approx(statistics.fmean(values) - 0.5, rel=1e-12)
    assert found[f"empirical_se.{NAME}"] == pytest.approx(statistics.stdev(values), rel=1e-12)
    assert found[f"missing.{NAME}"] == 0
    said = json.loads((run.outcomes["draws"]["draws"].output("simulation") or Path()).read_text())
    assert said["estimates"][0]["bias"] == found[f"bias.{NAME}"]
    assert [check.passed for check in evaluate(run)] == [True]


BIASED = {
    "name": "bias",
    "title": "none",
    "step": "draws",
    "metric": "bias_z.coefficient.*",
    "minimum": -4,
    "maximum": 4,
    "tolerance_source": "Student's t",
    "evidence": "simulation",
}


@pytest.mark.parametrize("count", [2, LEAST_DRAWS - 1, LEAST_DRAWS])
def test_too_few_draws_give_no_verdict_but_the_reason(run_case: Runs, count: int) -> None:
    """An estimator that is wrong for sure: its bias is called so from the least number of draws on, and not before."""
    whole = case().model_dump(mode="json")
    away = {**BIASED, "name": "away", "minimum": 1000, "maximum": 2000}
    asked = Case.model_validate({**whole, "checks": [*whole["checks"], BIASED, away]})
    run = run_case(asked, draws=count)
    failed, bias, wrong = evaluate(run)
    # Draws that failed are counted, however few there are.
    assert failed.passed and not failed.skipped
    few = count < LEAST_DRAWS
    for check in (bias, wrong):
        assert (check.skipped, check.too_few, check.broken, check.measured is None) == (few, few, False, few)
        assert check.note == (f"{count} draws are too few for a verdict, which needs 20" if few else "")
    assert bias.passed != few and not wrong.passed
    assert exit_status([failed, bias], True, ["small"]) == (ExitStatus.INCOMPLETE if few else ExitStatus.OK)
    claim = {"id": "c", "printed": "1", "route": "simulation", "checks": ["small/failed", "small/away"]}
    [found] = judge_ledger(ledger({}, [claim]), [failed, bias, wrong])
    if few:
        assert found.verdict == Verdict.NOT_TESTABLE
        assert found.reason.startswith(f"Not judged: {count} draws are too few for a verdict, which needs 20; test it")
    else:
        assert found.verdict == Verdict.BROKEN


def test_tables_are_dropped_and_results_kept(run_case: Runs, tmp_path: Path) -> None:
    run_case(case())
    assert not list(tmp_path.rglob("table.csv"))
    assert not list(tmp_path.rglob("table.parquet"))
    assert len(list((tmp_path / "cache").rglob("copy.json"))) == 4


def test_a_failed_draw_is_counted_and_said_and_not_averaged_away(run_case: Runs) -> None:
    middle = statistics.median(means(run_case(case(), name="all")))
    run = run_case(case(stage_parameters={"refuse_above": middle}), name="some")
    found = metrics(run)
    record = run.outcomes["draws"]["draws"].record
    assert (found["draws"], found["draws_failed"], found[f"used.{NAME}"]) == (4, 2, 2)
    assert record is not None
    assert [line.endswith("mean: is too large; draw again") for line in record.warnings] == [True, True]
    assert [check.passed for check in evaluate(run)] == [False]


def test_a_draw_without_interval_is_counted_apart(run_case: Runs) -> None:
    middle = statistics.median(means(run_case(case(), name="all")))
    found = metrics(run_case(case(stage_parameters={"silent_above": middle}), name="some"))
    assert (found[f"used.{NAME}"], found[f"missing.{NAME}"], found[f"intervals.{NAME}"]) == (4, 0, 2)


def test_an_estimate_that_the_stage_does_not_give_is_missing_in_every_draw(run_case: Runs) -> None:
    asked = case(estimates=[{"quantity": "sigma2_between", "names": ["overall"]}])
    found = metrics(run_case(asked))
    assert (found["used.sigma2_between.overall"], found["missing.sigma2_between.overall"]) == (0, 4)
    assert found["bias.sigma2_between.overall"] is None


def test_more_draws_begin_with_those_that_are_there(run_case: Runs) -> None:
    run_case(case(), name="few")
    run = run_case(case(), name="more", draws=6)
    assert [outcome.cached for outcome in run.draws["draws"].values()] == [True] * 4 + [False] * 2
    assert metrics(run)["draws"] == 6


def test_a_stopped_run_goes_on(run_case: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.draws.SHARD", 2)
    ended = []
    whole = DrawRunner._shard

    def stopped(self: DrawRunner, *arguments: Any) -> None:
        if ended:
            raise KeyboardInterrupt
        ended.append(True)
        whole(self, *arguments)

    monkeypatch.setattr(DrawRunner, "_shard", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_case(case(), name="stopped")
    monkeypatch.setattr(DrawRunner, "_shard", whole)
    run = run_case(case(), name="again")
    assert [outcome.cached for outcome in run.draws["draws"].values()] == [True, True, False, False]
    assert metrics(run)["draws_failed"] == 0


def test_a_dry_run_makes_no_draw(run_case: Runs, tmp_path: Path) -> None:
    run = run_case(case(), execute=False)
    assert run.outcomes["draws"]["draws"].status == "planned"
    assert not (tmp_path / "cache").exists()


def test_a_phantom_that_cannot_be_made_fails_every_draw(run_case: Runs) -> None:
    run = run_case(case(parameters={"effects": {"height": 1.0}}))
    outcome = run.outcomes["draws"]["draws"]
    assert outcome.status == "missing"
    assert "no term 'height'" in outcome.line
    [check] = evaluate(run)
    assert check.broken and not check.passed


def test_levels_are_drawn_one_by_one_with_the_same_seeds(run_case: Runs) -> None:
    """Levels from a phantom; `graded_masks` at a strength that is soon made."""
    asked = case().model_dump(mode="json")
    masks = {"id": "m", "parameters": {"persons": 2, "strengths_mm": {"erosion": [1.0]}}}
    asked["inputs"] = {"masks": {"kind": "phantom", "phantom": "graded_masks", "items": [masks]}}
    asked["steps"]["draws"] |= {
        "levels": "masks.levels",
        "phantom": "ukb_cohort",
        "parameters": {"analyses": "pa_ratio"},
        "stage": "association",
        "stage_parameters": {"disclosure_threshold": 0},
        "inputs": {"table": "table", "dictionary": "dictionary", "analyses": "analyses"},
        "draws": 2,
        "estimates": [{"quantity": "correlation", "names": ["tmv_legs"]}],
    }
    run = run_case(Case.model_validate(asked))
    assert list(run.draws["draws"]) == ["none_0.10", "none_0.11", "erosion_1.10", "erosion_1.11"]
    found = metrics(run)
    assert abs(found["bias.none_0.correlation.tmv_legs"] or 1.0) < 0.01
    # Erosion differs between persons: TMV no longer follows lean mass as closely.
    means = [found[f"mean_estimate.{level}.correlation.tmv_legs"] or 0.0 for level in ("erosion_1", "none_0")]
    assert means[0] < means[1]
    # The same participants at both levels: the mean difference of pairs is the difference of means.
    assert found["shift.erosion_1.correlation.tmv_legs"] == pytest.approx(means[0] - means[1], abs=1e-15)
    assert "shift.none_0.correlation.tmv_legs" not in found


def test_a_normal_interval_takes_the_place_of_the_reported_one(run_case: Runs) -> None:
    wide = {"quantity": "coefficient", "names": ["*"], "standard_error": "standard_error"}
    asked = case(estimates=[{**wide, "interval": "normal", "label": "normal"}], confidence=0.5)
    found = metrics(run_case(asked))
    assert found[f"intervals.normal.{NAME}"] == 4


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"estimates": [{"quantity": "a", "names": ["*"], "interval": "normal"}]}, "needs standard_error"),
        ({"estimates": [{"quantity": "a", "names": ["*"], "low": "b"}]}, "both low and high"),
        ({"draws": 1}, "greater than or equal to 2"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        case(**change)


def test_the_command_refuses_a_case_without_simulation(tmp_path: Path) -> None:
    with pytest.raises(RequestFault, match="case ukb_imaging: has no simulation; cases that have: measurement_error"):
        simulate("ukb_imaging", 4, None, Progress(quiet=True))  # type: ignore[arg-type]
    done = myorepro("simulate", "no_such_case", cwd=tmp_path)
    assert done.returncode == 2
    assert "no case 'no_such_case'" in done.stderr


SIMULATIONS = [
    (path.stem, step)
    for path in sorted(CASES.glob("*.toml"))
    for step in load_case(path).steps.values()
    if isinstance(step, Simulation)
]


@pytest.mark.parametrize(("name", "step"), SIMULATIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_simulation_s_estimates_have_a_truth(name: str, step: Simulation, tmp_path: Path) -> None:
    import fnmatch

    phantoms.make(step.phantom, {**step.parameters, "seed": 1}, tmp_path)
    truth = json.loads((tmp_path / "phantom.json").read_text(encoding="utf-8"))["truth"]
    for estimate in step.estimates:
        for pattern in estimate.names:
            assert fnmatch.filter(truth, f"{estimate.quantity}.{pattern}"), f"{name}: {pattern}"
