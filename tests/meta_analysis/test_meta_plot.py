"""Forest and funnel plots: what is drawn is what the file says."""

import json
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from containers.contract.errors import ItemFault
from harness.pictures import meta_plot
from harness.pictures.meta_plot import forest_plot, funnel_plot
from tests.meta_analysis.conftest import Answer
from tests.meta_analysis.tables import DATA, MUSCLE_EFFECTS, MUSCLES

ANALYSES: dict[str, Any] = {
    "schema_version": "1.0",
    "effects": MUSCLE_EFFECTS,
    "analyses": [
        {"id": "p", "kind": "pooled", "method": "DL", "restrict": {"outcome": ["FI"], "muscle": ["multiple"]}},
        {"id": "s", "kind": "subgroups", "method": "DL", "by": ["outcome", "muscle"]},
        {"id": "t", "kind": "trim_and_fill", "method": "DL", "estimator": "R0"},
        {"id": "e", "kind": "egger"},
    ],
}


@pytest.fixture
def results(answer: Answer, tmp_path: Path) -> Path:
    assert answer(DATA / "made_up_muscles.csv", MUSCLES, ANALYSES)["status"] == "ok"
    return tmp_path / "out" / "one" / "results.json"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of every figure that is saved."""
    axes: list[Axes] = []
    save = meta_plot.save

    def keep(figure: Any, path: Path) -> None:
        axes.extend(figure.axes)
        save(figure, path)

    monkeypatch.setattr(meta_plot, "save", keep)
    return axes


def value(results: Path, analysis: str, quantity: str, stratum: str = "") -> float:
    numbers = json.loads(results.read_text())["analyses"][analysis]["numbers"]
    return next(float(n["value"]) for n in numbers if n["quantity"] == quantity and n.get("stratum", "") == stratum)


def test_the_diamond_is_the_pooled_interval(results: Path, drawn: list[Axes], tmp_path: Path) -> None:
    forest_plot(results, "p", tmp_path / "f.png", "FI", "simulation")
    diamond = next(patch for patch in drawn[0].patches if isinstance(patch, Polygon))
    x = diamond.get_xy()[:, 0]
    assert (x.min(), x.max()) == (value(results, "p", "effect_low"), value(results, "p", "effect_high"))
    low, high = drawn[0].get_xlim()
    assert low < min(0.0, value(results, "p", "prediction_low"))
    assert high > value(results, "p", "prediction_high")
    points = np.concatenate([c.get_offsets() for c in drawn[0].collections])
    file = json.loads(results.read_text())
    used = file["analyses"]["p"]["effects"]
    expected = [one["effect"] for one in file["effects"] if one["id"] in used]
    np.testing.assert_allclose(points[:, 0], expected)


def test_every_subgroup_has_its_diamond(results: Path, drawn: list[Axes], tmp_path: Path) -> None:
    forest_plot(results, "s", tmp_path / "s.png", "Subgroups", "simulation")
    names = json.loads(results.read_text())["analyses"]["s"]["subgroups"]
    diamonds = [patch.get_xy() for patch in drawn[0].patches if isinstance(patch, Polygon)]
    assert [float(d[1, 0]) for d in diamonds] == [value(results, "s", "effect", name) for name in names]


def test_the_funnel_shows_observed_and_filled_effects(results: Path, drawn: list[Axes], tmp_path: Path) -> None:
    funnel_plot(results, "t", tmp_path / "t.png", "Funnel", "simulation")
    observed, filled = (np.asarray(c.get_offsets()) for c in drawn[0].collections)
    assert len(observed) == 105
    assert len(filled) == value(results, "t", "k0") == 3
    assert drawn[0].get_ylim()[1] == 0.0
    assert drawn[0].get_ylim()[0] > observed[:, 1].max()


def test_pictures_are_equal_twice_and_fit_their_frame(results: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        forest_plot(results, "t", tmp_path / f"{name}.png", "All", "simulation")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    picture = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert np.all(edge == 1.0)


@pytest.mark.parametrize(("name", "what"), [("none", "has no analysis 'none'"), ("e", "analysis 'e' is of kind egger")])
def test_what_cannot_be_drawn_is_said(results: Path, tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(ItemFault, match=what):
        funnel_plot(results, name, tmp_path / "x.png", "", "simulation")
    assert not (tmp_path / "x.png").exists()
