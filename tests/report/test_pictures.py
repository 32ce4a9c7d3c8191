"""Pictures: right way up, right way round, equal bytes twice, readable errors."""

import itertools
import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import THIGH_LABELS, colour_of
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.tables.table import write_table
from harness.pictures import agreement_plot, fat_picture, label_picture, seam_picture
from harness.pictures.agreement_plot import _groups
from harness.pictures.label_picture import places
from harness.pictures.slices import coronal_row, label_slices, sagittal_column, upright


def marked(geometry: Geometry, lps_mm: tuple[float, float, float]) -> Volume:
    """A dark volume with one bright voxel nearest to a place."""
    data = np.zeros(geometry.shape, dtype=np.float32)
    i, j, k = np.rint(geometry.index(lps_mm)).astype(int)
    data[k, j, i] = 100.0
    return Volume(data, geometry)


GEOMETRIES = [
    Geometry((8, 6, 10), (2.0, 3.0, 4.0), (-7.0, -8.0, -20.0)),
    # sagittal slices, feet first, right to left: every axis permuted or flipped
    Geometry((6, 10, 8), (3.0, 4.0, 2.0), (7.0, -8.0, 16.0), ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0))),
    # tilted by ten degrees about x
    Geometry(
        (8, 6, 10),
        (2.0, 3.0, 4.0),
        (-7.0, -8.0, -20.0),
        ((1.0, 0.0, 0.0), (0.0, 0.9848, 0.1736), (0.0, -0.1736, 0.9848)),
    ),
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_upright_puts_left_posterior_superior_at_the_high_ends(geometry: Geometry) -> None:
    ends = [(0, size - 1) for size in geometry.size]
    corners = geometry.position_mm(list(itertools.product(*ends)))
    place = corners[np.argmax(corners @ np.array([1.0, 1.01, 1.02]))]
    found = upright(marked(geometry, tuple(place)))
    assert found.data.shape == (10, 6, 8)
    k, j, i = np.argwhere(found.data == 100.0)[0]
    assert (k, j, i) == (9, 5, 7)
    assert found.x[1] - found.x[0] == pytest.approx(16.0)
    assert found.z[1] - found.z[0] == pytest.approx(40.0, rel=1e-3)


def test_edges_are_half_a_voxel_outside_the_outer_centres() -> None:
    found = upright(marked(GEOMETRIES[0], (-7.0, -8.0, -20.0)))
    assert found.x == pytest.approx((-8.0, 8.0))
    assert found.y == pytest.approx((-9.5, 8.5))
    assert found.z == pytest.approx((-22.0, 18.0))


def test_slices_follow_the_signal() -> None:
    geometry = Geometry((20, 20, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    data = np.zeros(geometry.shape, dtype=np.float32)
    data[:, 12, 3] = 1.0
    found = upright(Volume(data, geometry))
    assert (coronal_row(found), sagittal_column(found)) == (12, 3)
    labels = np.zeros((12, 4, 4), dtype=np.uint8)
    labels[1:11, 0, 0] = 1
    # slices 1 to 10: 0.3 x 9 = 2.7 and 0.78 x 9 = 7.0 above the lowest
    assert label_slices(labels) == (4, 8)
    assert label_slices(np.zeros((11, 4, 4), dtype=np.uint8)) == (3, 8)


def test_every_picture_is_the_same_twice_and_carries_no_date(body: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        out = tmp_path / folder
        seam_picture.fused_with_seams(body / "water.nrrd", body / "seams.json", out / "1.png", "Fused", "phantom")
        label_picture.labels_over(body / "water.nrrd", body / "labels.seg.nrrd", out / "2.png", "Labels", "phantom")
        fat_picture.fat_fraction(body / "pdff.nrrd", body / "labels.seg.nrrd", out / "3.png", "Fat", "real data")
    for name in ("1.png", "2.png", "3.png"):
        first = (tmp_path / "a" / name).read_bytes()
        assert first == (tmp_path / "b" / name).read_bytes()
        assert b"tEXt" not in first and b"tIME" not in first
        assert np.asarray(matplotlib.image.imread(tmp_path / "a" / name)).std() > 0.05, "not blank"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(path))[..., :3]


def test_evidence_is_drawn_into_the_image(body: Path, tmp_path: Path) -> None:
    for evidence in ("phantom", "real data"):
        fat_picture.fat_fraction(body / "pdff.nrrd", None, tmp_path / f"{evidence}.png", "Map", evidence)
    first, other = (pixels(tmp_path / f"{e}.png") for e in ("phantom", "real data"))
    rows, columns = np.nonzero(np.abs(first - other).sum(axis=2))
    assert rows.max() < 0.12 * first.shape[0], "only the stamp in the top line differs"
    assert columns.min() > 0.5 * first.shape[1]


def test_the_patients_left_is_at_the_right_of_the_image(tmp_path: Path) -> None:
    geometry = Geometry((40, 40, 40), (5.0, 5.0, 5.0), (-100.0, -100.0, -100.0))
    data = np.zeros(geometry.shape, dtype=np.float32)
    data[30:36, 15:25, 30:36] = 100.0
    write_nrrd(tmp_path / "v.nrrd", Volume(data, geometry))
    (tmp_path / "s.json").write_text('{"pairs": []}')
    seam_picture.fused_with_seams(tmp_path / "v.nrrd", tmp_path / "s.json", tmp_path / "p.png", "t", "phantom")
    image = pixels(tmp_path / "p.png")
    front = image[:, : image.shape[1] // 2]
    dark = (front == 0).all(axis=2)
    # The panel: rows and columns that are black for the most part; white inside it is the bright block.
    rows, columns = np.flatnonzero(dark.sum(axis=1) > 100), np.flatnonzero(dark.sum(axis=0) > 100)
    shown = front[rows[0] : rows[-1], columns[0] : columns[-1]]
    blob = np.argwhere((shown > 0.97).all(axis=2))
    assert len(blob) > 100
    assert blob[:, 1].mean() > shown.shape[1] / 2 + 20, "left of the patient is right in the image"
    assert blob[:, 0].mean() < shown.shape[0] / 2 - 20, "superior is up"


def test_the_figure_is_white_and_the_mri_is_black(body: Path, tmp_path: Path) -> None:
    label_picture.labels_over(body / "water.nrrd", body / "labels.seg.nrrd", tmp_path / "p.png", "t", "phantom")
    image = pixels(tmp_path / "p.png")
    assert (image[:, :3] == 1).all() and (image[-3:] == 1).all()
    assert (image == 0).all(axis=2).mean() > 0.03


def test_a_colour_in_the_picture_is_the_colour_in_the_legend(body: Path, tmp_path: Path) -> None:
    label_picture.labels_over(body / "water.nrrd", body / "labels.seg.nrrd", tmp_path / "p.png", "t", "phantom")
    image = pixels(tmp_path / "p.png")
    half = int(image.shape[0] * 0.75)
    drawn, known = 0, np.zeros(image.shape[:2], dtype=bool)
    for label in THIGH_LABELS:
        same = (np.abs(image - np.array(colour_of(label))) < 0.003).all(axis=2)
        assert same[half:].sum() > 30, "in the legend"
        drawn += same[:half].sum() > 30
        known |= same
    assert drawn >= 8
    stamp = int(0.08 * image.shape[0])
    coloured = (np.ptp(image, axis=2) > 0.15)[stamp:half]
    assert known[stamp:half][coloured].mean() > 0.75, "the rest are the blended edges of numbers"


def test_numbers_stand_inside_their_regions() -> None:
    labels = np.zeros((40, 60), dtype=np.uint8)
    labels[5:25, 5:20] = 3
    labels[5:25, 40:55] = 3
    labels[30:32, 10:50] = 7
    labels[35, 58] = 3
    found = places(labels, (2.0, 2.0))
    assert sorted(entry[0] for entry in found) == [3, 3, 7], "both sides, the thin one, not the single voxel"
    assert all(labels[row, column] == label for label, row, column in found)


def test_bland_altman_says_what_is_pooled() -> None:
    measured = {"item": ["a", "a", "b", "b"], "structure": ["x", "y", "x", "y"], "v_cm3": [1.0, 2.0, 3.0, 4.0]}
    assert _groups(measured, measured)["v_cm3"].count() == "n = 4: 2 participants × 2 structures, pooled"
    missing = measured | {"v_cm3": [1.0, 2.0, 3.0, None]}
    assert _groups(measured, missing)["v_cm3"].count() == "n = 3: 2 participants, up to 2 structures, pooled"
    plain = {"item": ["a", "b"], "t": [1.0, 2.0]}
    assert _groups(plain, plain)["t"].count() == "n = 2 participants"


def test_labels_on_another_grid_are_refused(body: Path, tmp_path: Path) -> None:
    geometry = Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    write_segmentation(tmp_path / "l.seg.nrrd", np.ones((4, 4, 4), dtype=np.uint8), geometry, {1: "femur"})
    with pytest.raises(ItemFault, match="another grid"):
        label_picture.labels_over(body / "water.nrrd", tmp_path / "l.seg.nrrd", tmp_path / "p.png", "t", "phantom")
    assert not (tmp_path / "p.png").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"pairs": [{}]}', '{"pairs": [{"overlap_z_mm": [1], "contrasts": {}}]}'])
def test_a_wrong_seam_report_is_refused_on_one_line(body: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "seams.json").write_text(text)
    with pytest.raises(ItemFault) as caught:
        seam_picture.fused_with_seams(body / "water.nrrd", tmp_path / "seams.json", tmp_path / "p.png", "t", "phantom")
    assert str(caught.value).startswith("seams.json: is not a readable seam report")
    assert "\n" not in str(caught.value)


def test_gaps_empty_labels_and_missing_values_are_drawn(tmp_path: Path) -> None:
    geometry = Geometry((10, 10, 10), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    data = np.full(geometry.shape, np.nan, dtype=np.float32)
    write_nrrd(tmp_path / "v.nrrd", Volume(data, geometry))
    write_segmentation(tmp_path / "l.seg.nrrd", np.zeros(geometry.shape, dtype=np.uint8), geometry, {1: "femur"})
    pair = {"overlap_z_mm": [30.0, 20.0], "contrasts": {"water": {"correlation": None}}}
    (tmp_path / "s.json").write_text(json.dumps({"pairs": [pair]}))
    seam_picture.fused_with_seams(tmp_path / "v.nrrd", tmp_path / "s.json", tmp_path / "1.png", "t", "phantom")
    label_picture.labels_over(tmp_path / "v.nrrd", tmp_path / "l.seg.nrrd", tmp_path / "2.png", "t", "phantom")
    fat_picture.fat_fraction(tmp_path / "v.nrrd", tmp_path / "l.seg.nrrd", tmp_path / "3.png", "t", "phantom")


def test_bland_altman_needs_paired_tables(tmp_path: Path) -> None:
    write_table(tmp_path / "m.parquet", {"item": ["a", "b"], "volume_cm3.femur": [1.0, 2.0]})
    write_table(tmp_path / "e.parquet", {"item": ["a", "b"], "volume_cm3.femur": [1.1, None]})
    agreement_plot.bland_altman(tmp_path / "m.parquet", tmp_path / "e.parquet", tmp_path / "p.png", "t", "phantom")
    write_table(tmp_path / "x.parquet", {"item": ["a"], "volume_cm3.femur": [1.1]})
    with pytest.raises(ItemFault, match="other columns or rows"):
        agreement_plot.bland_altman(tmp_path / "m.parquet", tmp_path / "x.parquet", tmp_path / "q.png", "t", "phantom")
