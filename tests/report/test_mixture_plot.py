"""Pictures of mixtures and of the back: what is drawn is what the files hold, equal bytes twice, readable errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import SPINE_LABELS, colour_of
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.tables.table import write_table
from harness.pictures import back_picture, mixture_plot

GRID = Geometry((60, 40, 20), (3.0, 3.0, 8.0), (-88.5, -58.5, 0.0))
COUNTS = [5, 40, 25, 10, 0, 8, 12]


def mixture(**scope: Any) -> dict[str, Any]:
    whole = {
        "method": "histogram", "converged": True, "iterations": 12, "weights": [0.7, 0.1, 0.2],
        "means": [15.0, 30.0, 60.0], "sds": [4.0, 6.0, 5.0], "hard_fat_from": 45.0,
        "bins": {"first": 0.0, "width": 10.0, "counts": COUNTS},
    }  # fmt: skip
    return {
        "schema_version": "1.0",
        "class_rule": "hard_muscle",
        "adipose_signal": 66.0,
        "scopes": {"all": whole | scope},
    }


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn, kept next to the file."""
    kept: list[Figure] = []
    for module in (mixture_plot, back_picture):
        save: Callable[..., None] = module.save  # type: ignore[attr-defined]

        def keep(figure: Figure, path: Path, save: Callable[..., None] = save) -> None:
            kept.append(figure)
            save(figure, path)

        monkeypatch.setattr(module, "save", keep)
    return kept


def test_the_histogram_has_unit_area_and_the_components_their_weights(tmp_path: Path, drawn: list[Figure]) -> None:
    (tmp_path / "mixture.json").write_text(json.dumps(mixture()))
    for name in ("a.png", "b.png"):
        mixture_plot.mixture_histogram(tmp_path / "mixture.json", tmp_path / name, "title", "phantom")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    axes = drawn[0].axes[0]
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    fat = lines["fat: weight 20.0 %, mean 60, SD 5"]
    x, y = (np.asarray(values) for values in fat.get_data())
    # the density of a normal component at 65, one SD from its mean, by hand
    assert y[x == 65.0] == pytest.approx(0.2 * 0.2419707 / 5)
    assert lines["hard assignment: fat from here (45)"].get_xdata()[0] == 45.0  # type: ignore[index]
    assert lines["adipose tissue (66)"].get_xdata()[0] == 66.0  # type: ignore[index]
    assert "12 iterations, converged" in axes.get_title(loc="left")


def test_two_mixtures_are_two_panels_and_what_is_not_known_is_not_drawn(tmp_path: Path, drawn: list[Figure]) -> None:
    found = mixture(hard_fat_from=None, converged=False)
    found["scopes"]["left"] = found["scopes"]["all"]
    found["adipose_signal"] = None
    (tmp_path / "mixture.json").write_text(json.dumps(found))
    mixture_plot.mixture_histogram(tmp_path / "mixture.json", tmp_path / "a.png", "title", "phantom")
    assert len(drawn[0].axes) == 2
    labels = [str(line.get_label()) for line in drawn[0].axes[0].get_lines()]
    assert not [label for label in labels if label.startswith(("hard", "adipose"))]
    assert "not converged" in drawn[0].axes[1].get_title(loc="left")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scopes": {}, "adipose_signal": 1}', '{"scopes": {"all": {}}}'])
def test_a_file_that_is_no_mixture_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "mixture.json").write_text(text)
    with pytest.raises(ItemFault, match=r"mixture\.json: is not a mixture"):
        mixture_plot.mixture_histogram(tmp_path / "mixture.json", tmp_path / "a.png", "title", "phantom")
    assert not (tmp_path / "a.png").exists()


def tables(folder: Path, measured: dict[str, Any], expected: dict[str, Any]) -> list[Path]:
    for name, table in (("measured", measured), ("expected", expected)):
        write_table(folder / f"{name}.parquet", {"item": ["a", "b", "c"], "structure": ["all"] * 3, **table})
    return [folder / "measured.parquet", folder / "expected.parquet"]


def test_each_rule_has_a_panel_with_its_bias(tmp_path: Path, drawn: list[Figure]) -> None:
    paths = tables(
        tmp_path,
        {"by_rule.hard_fat": [6.0, 9.0, None], "by_rule.partial_volume": [4.0, 5.0, 6.5]},
        {"by_rule.hard_fat": [4.0, 6.0, 6.0], "by_rule.partial_volume": [4.0, 6.0, 6.0]},
    )
    mixture_plot.measured_against_true(*paths, tmp_path / "a.png", "title", "phantom")
    panels = {axes.get_title(loc="left").partition("\n")[0]: axes for axes in drawn[0].axes}
    assert panels.keys() == {"hard fat", "partial volume"}
    assert panels["hard fat"].get_title(loc="left").endswith("bias +2.50")
    assert panels["partial volume"].get_title(loc="left").endswith("bias −0.17")
    points = panels["hard fat"].get_lines()[1]
    assert np.column_stack(points.get_data()).tolist() == [[4.0, 6.0], [6.0, 9.0]]


def test_tables_that_do_not_pair_are_named(tmp_path: Path) -> None:
    paths = tables(tmp_path, {"a": [1.0, 2.0, 3.0]}, {"b": [1.0, 2.0, 3.0]})
    with pytest.raises(ItemFault, match="has other columns"):
        mixture_plot.measured_against_true(*paths, tmp_path / "a.png", "title", "phantom")
    paths = tables(tmp_path, {"a": [None, None, None]}, {"a": [1.0, 2.0, 3.0]})
    with pytest.raises(ItemFault, match="no column with numbers"):
        mixture_plot.measured_against_true(*paths, tmp_path / "a.png", "title", "phantom")


@pytest.fixture
def back(tmp_path: Path) -> tuple[Path, Path, Path]:
    """An image, labels and a fat map; the left erector spinae (label 1) lies at x > 0."""
    labels = np.zeros(GRID.shape, np.uint8)
    labels[2:18, 15:25, 40:50], labels[2:18, 15:25, 10:20] = 1, 2
    labels[2:18, 15:25, 33:36], labels[2:18, 15:25, 24:27] = 3, 4
    fat = np.zeros(GRID.shape, np.float32)
    fat[4:16, 18:22, 42:46] = 100.0
    write_nrrd(tmp_path / "image.nrrd", Volume(np.full(GRID.shape, 50.0, np.float32), GRID))
    write_segmentation(tmp_path / "labels.seg.nrrd", labels, GRID, SPINE_LABELS)
    write_nrrd(tmp_path / "fat.nrrd", Volume(fat, GRID))
    return tmp_path / "image.nrrd", tmp_path / "labels.seg.nrrd", tmp_path / "fat.nrrd"


def test_the_left_muscle_is_outlined_at_the_right_of_the_picture(
    back: tuple[Path, Path, Path], tmp_path: Path, drawn: list[Figure]
) -> None:
    for name in ("a.png", "b.png"):
        back_picture.back_labels(back[0], back[1], tmp_path / name, "title", "phantom")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    coronal, *axial = drawn[0].axes
    for axes in (coronal, *axial):
        assert axes.get_xlim()[0] < axes.get_xlim()[1]
        found = {}
        for outline in axes.collections:
            points = np.concatenate([path.vertices for path in outline.get_paths()])
            [value] = [v for v in SPINE_LABELS if np.allclose(outline.get_edgecolor()[0][:3], colour_of(v), atol=0.01)]
            found[value] = points.min(axis=0), points.max(axis=0)
        assert found.keys() == set(SPINE_LABELS)
        # 10 voxels of 3 mm from x = 30 mm; the outline runs half-way to the neighbours
        assert (found[1][0][0], found[1][1][0]) == pytest.approx((30.0, 60.0))
        assert (found[2][0][0], found[2][1][0]) == pytest.approx((-60.0, -30.0))
    for axes in axial:
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
        outline = axes.collections[0].get_paths()[0].vertices
        assert (outline[:, 1].min(), outline[:, 1].max()) == pytest.approx((-15.0, 15.0))


def test_the_fat_map_is_painted_where_it_is(back: tuple[Path, Path, Path], tmp_path: Path) -> None:
    back_picture.back_intermat(back[0], back[2], tmp_path / "a.png", "title", "phantom")
    image = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    yellow = (image[..., 0] > 0.95) & (image[..., 1] > 0.95) & (image[..., 2] < 0.1)
    assert yellow[: int(0.8 * len(image))].sum() > 1000


def test_what_marks_nothing_or_lies_elsewhere_is_named(back: tuple[Path, Path, Path], tmp_path: Path) -> None:
    write_nrrd(tmp_path / "fat.nrrd", Volume(np.zeros(GRID.shape, np.float32), GRID))
    with pytest.raises(ItemFault, match="marks no voxel"):
        back_picture.back_intermat(back[0], back[2], tmp_path / "a.png", "title", "phantom")
    other = Geometry(GRID.size, GRID.spacing_mm, (0.0, 0.0, 0.0))
    write_nrrd(tmp_path / "fat.nrrd", Volume(np.ones(GRID.shape, np.float32), other))
    with pytest.raises(ItemFault, match="another grid"):
        back_picture.back_intermat(back[0], back[2], tmp_path / "a.png", "title", "phantom")
