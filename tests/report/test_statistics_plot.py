"""Nomogram and calibration curve: what is drawn is what results.json says, where it says it."""

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from containers.contract.errors import ItemFault
from harness.pictures import statistics_plot
from harness.pictures.statistics_plot import calibration_plot, nomogram_plot

NOMOGRAM = {
    "kind": "nomogram",
    "numbers": [],
    "axes": [
        {"variable": "age_years", "unit": "years", "values": [40.0, 60.0, 80.0], "points": [0.0, 50.0, 100.0]},
        {"variable": "sex", "unit": "1", "values": ["female", "male"], "points": [0.0, 46.5]},
        {"variable": "near", "unit": "1", "values": ["first", "second"], "points": [10.0, 10.4]},
    ],
    "total_points": [0.0, 100.0, 200.0],
    "linear_predictor": {"values": [-3.0, 0.0], "total_points": [20.0, 150.0]},
    "probability": {"values": [0.1, 0.5], "total_points": [50.0, 150.0]},
}
CALIBRATION = {
    "kind": "calibration",
    "numbers": [{"quantity": "calibration_error_mean", "value": 0.0123}],
    "curve": {"predicted": [0.1, 0.2, 0.3], "apparent": [0.1, 0.25, 0.3], "corrected": [None, 0.22, 0.28]},
    "bootstrap": {"resamples": 200, "fitted": 199, "draws_sha256": ""},
}


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Draw; return the axes and the text of the figure."""
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"analyses": {"n": NOMOGRAM, "c": CALIBRATION}}))
    figures: list[Figure] = []
    save = statistics_plot.save

    def keep(figure: Figure, out: Path) -> None:
        figures.append(figure)
        save(figure, out)

    monkeypatch.setattr(statistics_plot, "save", keep)

    def draw(plot: Any, analysis: str) -> tuple[Axes, list[str], bytes]:
        plot(path, analysis, tmp_path / "p.png", "title", "phantom")
        return figures[-1].axes[0], [text.get_text() for text in figures[-1].texts], (tmp_path / "p.png").read_bytes()

    return draw


def test_nomogram_puts_each_label_at_its_points(drawn: Any) -> None:
    axes, _, picture = drawn(nomogram_plot, "n")
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places["male"][0] == pytest.approx(46.5)
    assert places["60"][0] in (pytest.approx(50.0), pytest.approx(60.0))  # age 60, or the scale of points
    # 200 total points span the width of 100 points.
    assert places["0.5"][0] == places["0"][0] == pytest.approx(75.0)
    assert places["−3"][0] == pytest.approx(10.0)
    assert "age years (years)" in places and "sex" in places
    # Labels that would touch stand above and under their line.
    assert places["first"][1] > -3 > places["second"][1]
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and picture == drawn(nomogram_plot, "n")[2]


def test_calibration_draws_the_curves_and_says_what_is_missing(drawn: Any) -> None:
    axes, texts, _ = drawn(calibration_plot, "c")
    ideal, apparent, corrected = axes.get_lines()
    assert list(apparent.get_ydata()) == [0.1, 0.25, 0.3]
    assert list(corrected.get_ydata())[1:] == [0.22, 0.28] and corrected.get_ydata()[0] != corrected.get_ydata()[0]
    assert list(ideal.get_xdata()) == list(ideal.get_ydata())
    assert any("199 bootstrap resamples" in t and "0.012" in t and "at 1 of 3 places" in t for t in texts)


def test_another_kind_or_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"analyses": {"n": NOMOGRAM}}))
    for plot, name in ((calibration_plot, "n"), (nomogram_plot, "x")):
        with pytest.raises(ItemFault, match="to draw"):
            plot(path, name, tmp_path / "p.png", "t", "phantom")
    path.write_text("no json")
    with pytest.raises(ItemFault, match="to draw"):
        nomogram_plot(path, "n", tmp_path / "p.png", "t", "phantom")
    assert not (tmp_path / "p.png").exists()
