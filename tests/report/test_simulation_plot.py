"""Pictures of simulations: numbers that are drawn, and files that are none."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from containers.contract.errors import ItemFault
from harness.pictures.simulation_plot import attenuation, performance, wilson
from harness.run.steps.task import Task, perform

ROW = {
    "level": "",
    "label": "",
    "name": "coefficient.weak_grip_pa_text.pa_third:high",
    "unit": "log odds",
    "mean_truth": 0.47,
    "bias": 0.01,
    "bias_low": -0.03,
    "bias_high": 0.05,
    "empirical_se": 0.1,
    "coverage": 1.0,
    "power": 0.8,
    "intervals": 20.0,
}


def written(folder: Path, rows: list[dict[str, Any]], levels: list[dict[str, Any]]) -> Path:
    path = folder / "simulation.json"
    about = {"phantom": "ukb_cohort", "draws": 20, "failed": {}, "confidence": 0.95}
    path.write_text(json.dumps({**about, "levels": levels, "estimates": rows}), encoding="utf-8")
    return path


def test_a_share_of_all_draws_has_an_interval_inside_0_and_1() -> None:
    # Wilson at 20 of 20: the lower end is 1 / (1 + z^2 / n), the upper end 1.
    low, high = wilson(1.0, 20)
    assert low == pytest.approx(1 / (1 + 1.959964**2 / 20), rel=1e-12)
    assert high == pytest.approx(1.0, rel=1e-12)
    # 10 of 20, by R: prop.test(10, 20, correct = FALSE)$conf.int
    assert wilson(0.5, 20) == pytest.approx((0.299298, 0.700702), abs=1e-6)


def test_performance_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, [ROW, {**ROW, "coverage": None, "power": None}], [{"id": "", "facts": {}}])
    for name in ("a", "b"):
        performance(path, tmp_path / f"{name}.png", "t", "simulation")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_attenuation_needs_levels_with_dice(tmp_path: Path) -> None:
    levels = [
        {"id": "none_0", "facts": {"fault": "none", "dice": 1.0}},
        {"id": "depth_1", "facts": {"fault": "depth", "dice": 0.93}},
    ]
    with_error = {**ROW, "level": "depth_1", "shift_ratio": math.exp(-0.2)}
    with_error |= {"shift_ratio_low": math.exp(-0.22), "shift_ratio_high": math.exp(-0.18)}
    path = written(tmp_path, [{**ROW, "level": "none_0"}, with_error], levels)
    attenuation(path, tmp_path / "a.png", "t", "simulation")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    path = written(tmp_path, [ROW], [{"id": "", "facts": {}}])
    with pytest.raises(ItemFault, match="has no odds ratio at a level with Dice"):
        attenuation(path, tmp_path / "b.png", "t", "simulation")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("text", ["", "{}", '{"estimates": []}'])
def test_what_is_no_simulation_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "simulation.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ItemFault, match="is not a simulation"):
        performance(path, tmp_path / "a.png", "t", "simulation")


def test_a_case_draws_it_from_one_file(tmp_path: Path) -> None:
    path = written(tmp_path, [ROW], [{"id": "", "facts": {}}])
    (tmp_path / "made").mkdir()
    parameters = {"draw": "performance", "title": "t", "evidence": "simulation"}
    perform(Task("picture", "draws", {"volume": path}, {}, parameters), tmp_path / "made")
    performance(path, tmp_path / "a.png", "t", "simulation")
    assert (tmp_path / "made" / "picture.png").read_bytes() == (tmp_path / "a.png").read_bytes()
