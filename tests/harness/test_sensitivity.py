"""Errors by condition: values by hand, items that are missing, case files that are refused, and the picture."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure

from containers.contract.errors import ItemFault
from containers.contract.record import Metric, Output, Record, StageId
from harness.pictures import sensitivity_plot
from harness.run.case import CASES, Case
from harness.run.outcome import Outcome
from harness.run.steps.sensitivity import Sensitivity, key_of
from harness.run.steps.stage import StageStep
from harness.run.steps.task import Held, Task, perform

STEP = {
    "kind": "sensitivity",
    "metrics": ["fat", "size"],
    "truth_names": {"size": "volume"},
    "conditions": [
        {"effect": "protocol", "level": "as it is", "step": "plain", "items": ["a", "b"]},
        {"effect": "Noise", "level": "x 4", "step": "plain", "items": ["a_noisy", "b_noisy"]},
        {"effect": "start", "level": "random 1", "step": "other", "items": ["a", "b"]},
        {"effect": "voxels", "level": "large", "step": "plain", "items": ["c"]},
    ],
}
FAT = {"a": 4.5, "b": 7.0, "a_noisy": 6.0, "b_noisy": 9.0}
"""Measured in %; the truth is 4 and 7."""


def outcome(folder: Path, fat: float | None, status: Any = "ok") -> Outcome:
    """A finished item whose record is on disk."""
    folder.mkdir(parents=True)
    note = "no voxel" if fat is None else ""
    metrics = {"fat": Metric(value=fat, unit="%", note=note), "size": Metric(value=90.0, unit="cm3")}
    record = Record(stage=StageId(name="s", version="1.0.0"), item=folder.name, status="ok", metrics=metrics)
    (folder / "record.json").write_text(record.model_dump_json(), encoding="utf-8")
    return Outcome(status, record=record, folder=folder)


def phantom(folder: Path, fat: float) -> Outcome:
    """A phantom with its truth."""
    folder.mkdir(parents=True)
    (folder / "phantom.json").write_text(json.dumps({"truth": {"fat": fat, "volume": 100.0}}), encoding="utf-8")
    output = Output(path="phantom.json", sha256="0" * 64, bytes=1)
    record = Record(stage=StageId(name="p", version="1.0.0"), item="p", status="ok", outputs={"phantom": output})
    return Outcome("ok", record=record, folder=folder)


def outcomes_in(folder: Path, **other: Outcome) -> dict[str, dict[str, Outcome]]:
    """Both steps and their people. other: in place of item a of step `other`."""
    people = {item: phantom(folder / "people" / item, 4.0 if item[0] == "a" else 7.0) for item in FAT}
    plain = {item: outcome(folder / "plain" / item, fat) for item, fat in FAT.items()}
    changed = {"a": outcome(folder / "other" / "a", 4.7), "b": outcome(folder / "other" / "b", 6.9), **other}
    return {"people": people, "plain": plain, "other": changed}


def task_of(outcomes: dict[str, dict[str, Outcome]]) -> Task | Held:
    """The step's task over those outcomes."""
    steps = {name: StageStep(kind="stage", stage="s", inputs={"x": "p.x"}, facts_from="people") for name in outcomes}
    run: Any = SimpleNamespace(outcomes=outcomes, case=SimpleNamespace(steps=steps))
    return Sensitivity.model_validate(STEP).tasks(run, ["cohort"])["cohort"]


def measured(folder: Path, outcomes: dict[str, dict[str, Outcome]]) -> Record:
    """The record of the step over those outcomes."""
    task = task_of(outcomes)
    assert isinstance(task, Task)
    (folder / "out").mkdir()
    perform(task, folder / "out")
    return Record.model_validate_json((folder / "out" / "record.json").read_bytes())


def test_errors_and_shifts_are_those_by_hand(tmp_path: Path) -> None:
    record = measured(tmp_path, outcomes_in(tmp_path))
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert values.pop("undefined") == 0
    assert values == {
        "mean_error.fat.protocol.as_it_is": 0.25,
        "shift.fat.protocol.as_it_is": 0.0,
        "mean_error.fat.noise.x_4": 2.0,
        "mean_error.fat.start.random_1": pytest.approx(0.3),
        "shift.fat.start.random_1": pytest.approx(0.2),
        "mean_error.size.protocol.as_it_is": -10.0,
        "shift.size.protocol.as_it_is": 0.0,
        "mean_error.size.noise.x_4": -10.0,
        "mean_error.size.start.random_1": -10.0,
        "shift.size.start.random_1": 0.0,
    }
    assert record.metrics["mean_error.fat.noise.x_4"].unit == "%"


def test_an_item_without_a_result_leaves_no_mean(tmp_path: Path) -> None:
    """It is counted and named; the others' mean does not stand for all."""
    record = measured(tmp_path, outcomes_in(tmp_path, a=Outcome("error", line="bad")))
    assert record.metrics["undefined"].value == 2
    assert record.metrics["mean_error.fat.start.random_1"].value is None
    assert "shift.fat.start.random_1" not in record.metrics
    assert record.warnings == ["left out: a has no result under start random 1"]


def test_an_item_undefined_under_both_conditions_leaves_no_shift(tmp_path: Path) -> None:
    """The others' largest shift does not stand for all."""
    outcomes = outcomes_in(tmp_path, a=outcome(tmp_path / "undefined", None))
    outcomes["plain"]["a"] = outcome(tmp_path / "undefined_too", None)
    record = measured(tmp_path, outcomes)
    assert record.metrics["undefined"].value == 2
    assert "shift.fat.start.random_1" not in record.metrics
    assert record.metrics["shift.size.start.random_1"].value == 0.0


def test_an_undefined_value_leaves_no_mean(tmp_path: Path) -> None:
    record = measured(tmp_path, outcomes_in(tmp_path, a=outcome(tmp_path / "undefined", None)))
    assert record.metrics["undefined"].value == 1
    assert record.metrics["mean_error.fat.start.random_1"].value is None
    assert record.metrics["mean_error.size.start.random_1"].value == -10.0


def test_what_is_planned_is_not_measured(tmp_path: Path) -> None:
    outcomes = outcomes_in(tmp_path, a=Outcome("planned"))
    assert task_of(outcomes) == Held("planned")


def test_keys_hold_nothing_that_a_metric_name_cannot() -> None:
    assert key_of("shading, N4", "0.15") == "shading_n4.0_15"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"items": ["nobody"]}, "'composition' has no item 'nobody'"),
        ({"step": "truth"}, "'truth' is not a stage with facts_from"),
        ({"step": "people"}, "'people' is not a stage with facts_from"),
        ({"step": "nowhere"}, "not an input or earlier step"),
    ],
)
def test_conditions_that_are_refused(change: dict[str, Any], said: str) -> None:
    text = tomllib.loads((CASES / "nako_sensitivity.toml").read_text(encoding="utf-8"))
    text["steps"]["errors"]["conditions"][0] |= change
    with pytest.raises(ValueError, match=said):
        Case.model_validate(text)


def test_the_case_has_every_effect_that_was_asked_for() -> None:
    text = tomllib.loads((CASES / "nako_sensitivity.toml").read_text(encoding="utf-8"))
    effects = {condition["effect"] for condition in text["steps"]["errors"]["conditions"]}
    assert effects >= {"noise", "shading", "voxels", "masks", "components", "tolerance", "start"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn, kept next to the file."""
    kept: list[Figure] = []
    save: Callable[..., None] = sensitivity_plot.save  # type: ignore[attr-defined]

    def keep(figure: Figure, path: Path) -> None:
        kept.append(figure)
        save(figure, path)

    monkeypatch.setattr(sensitivity_plot, "save", keep)
    return kept


def test_the_picture_shows_every_error_once(tmp_path: Path, drawn: list[Figure]) -> None:
    """Points for a percentage, per cent of the truth for a volume; undefined values are named."""
    measured(tmp_path, outcomes_in(tmp_path, a=outcome(tmp_path / "undefined", None)))
    for name in ("one.png", "two.png"):
        sensitivity_plot.sensitivity(tmp_path / "out" / "errors.json", tmp_path / name, "title", "phantom")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    fat, size = drawn[0].axes
    marks = [line for line in fat.get_lines() if line.get_marker() in ("o", "s", "^")]
    points = sorted((round(x, 9), y) for line in marks for x, y in line.get_xydata())
    assert points == [(-0.1, 2), (0.0, 0), (0.5, 0), (2.0, 1), (2.0, 1)]
    people = {line.get_marker(): list(line.get_xdata()) for line in size.get_lines() if line.get_marker() in ("o", "s")}
    assert people == {marker: pytest.approx([-10.0] * 3) for marker in ("o", "s")}
    assert [text.get_text() for text in fat.texts if re.search("undefined", text.get_text())] == ["undefined"]


def test_what_holds_no_errors_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "errors.json").write_text('{"rows": []}')
    with pytest.raises(ItemFault, match=r"errors\.json: has no errors by condition"):
        sensitivity_plot.sensitivity(tmp_path / "errors.json", tmp_path / "p.png", "t", "phantom")
