"""Surface measures: against surface-distance, SimpleITK and bodies whose distances are known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
import surface_distance
from scipy import ndimage

from containers.agreement.stage import check_parameters, process
from containers.agreement.surface import CORNERS, Surfaces, _patch_areas, surfaces
from containers.contract.stage import main
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry
from containers.toolkit.tables.table import read_table
from tests.agreement.conftest import STAGE_TOML, RunStage
from tests.agreement.test_agreement_overlap import GRID, hand_pair, write_pair

Mask = npt.NDArray[np.bool_]
SPACINGS = [(1.0, 1.0, 1.0), (2.0, 2.0, 3.0), (1.4, 1.4, 5.0)]
SHAPE = (36, 40, 44)


def grid(spacing_mm: tuple[float, float, float], shape: tuple[int, ...] = SHAPE, **other: Any) -> Geometry:
    return Geometry((shape[2], shape[1], shape[0]), spacing_mm, (0.0, 0.0, 0.0), **other)


def compare(labels: Mask, truth: Mask, geometry: Geometry) -> Surfaces:
    [found] = surfaces(labels.astype(np.uint8), truth.astype(np.uint8), [(1, 1)], geometry)
    return found


def blobs(seed: int) -> tuple[Mask, Mask]:
    """A shape with bays and holes, and the same moved by up to two voxels."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), 4)
    moved = ndimage.shift(smooth, rng.uniform(-2, 2, 3), order=1)
    return np.asarray(smooth > 0.01), np.asarray(moved > 0.01)


def ball(radius_mm: float, spacing_mm: tuple[float, float, float], x_mm: float = 0.0) -> Mask:
    k, j, i = np.indices(SHAPE)
    centre = [(n - 1) / 2 for n in SHAPE]
    x, y, z = ((index - middle) * step for index, middle, step in zip((i, j, k), centre[::-1], spacing_mm, strict=True))
    return np.asarray((x - x_mm) ** 2 + y**2 + z**2 <= radius_mm**2)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_as_surface_distance_has_it(seed: int, spacing_mm: tuple[float, float, float]) -> None:
    """Patches that are not flat differ by a few per cent of their area, which moves the sums of thousands by 1e-3."""
    labels, truth = blobs(seed)
    found = compare(labels, truth, grid(spacing_mm))
    theirs = surface_distance.compute_surface_distances(truth, labels, spacing_mm[::-1])
    assert found.hausdorff_95_mm == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 95))
    for tolerance in (0.0, 0.5, 1.0, 2.0, 3.0):
        expected = surface_distance.compute_surface_dice_at_tolerance(theirs, tolerance)
        assert found.dice(tolerance) == pytest.approx(expected, abs=1e-3)
    assert found.areas[0].sum() == pytest.approx(theirs["surfel_areas_pred"].sum(), rel=0.005)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("seed", [3, 4])
def test_hausdorff_95_within_a_voxel_of_simpleitk(seed: int, spacing_mm: tuple[float, float, float]) -> None:
    """SimpleITK: border voxels by LabelContour, distances by the Maurer map, each voxel counted once.

    An image's edge is not a border there, so the masks get air around them.
    """
    labels, truth = (np.pad(mask, 2) for mask in blobs(seed))
    sides = []
    for one, other in ((labels, truth), (truth, labels)):
        images = []
        for mask in (one, other):
            image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
            image.SetSpacing(spacing_mm)
            images.append(SimpleITK.LabelContour(image, fullyConnected=False))
        distance = SimpleITK.SignedMaurerDistanceMap(images[1], squaredDistance=False, useImageSpacing=True)
        border = SimpleITK.GetArrayFromImage(images[0]) > 0
        sides.append(float(np.percentile(np.abs(SimpleITK.GetArrayFromImage(distance))[border], 95)))
    assert compare(labels, truth, grid(spacing_mm, labels.shape)).hausdorff_95_mm == pytest.approx(
        max(sides), abs=max(spacing_mm)
    )


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_a_moved_cube(spacing_mm: tuple[float, float, float]) -> None:
    """Two of six faces lie three voxels apart along x, which is SimpleITK's Hausdorff distance of the bodies too.

    Farther than t from the other surface: of a body's face outside of the other all, of that inside of it what is not
    within t of the other's sides, and of the sides the strip that sticks out, less t. Edges are rounded.
    """
    labels, truth = np.zeros((2, *SHAPE), bool)
    labels[10:26, 10:26, 10:26] = truth[10:26, 10:26, 13:29] = True
    found = compare(labels, truth, grid(spacing_mm))
    step = 3 * spacing_mm[0]
    assert found.hausdorff_95_mm == pytest.approx(step)
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in (labels, truth)]
    for image in images:
        image.SetSpacing(spacing_mm)
    hausdorff = SimpleITK.HausdorffDistanceImageFilter()
    hausdorff.Execute(*images)
    assert found.hausdorff_95_mm == pytest.approx(hausdorff.GetHausdorffDistance())
    x, y, z = (16 * edge for edge in spacing_mm)
    whole = 2 * (x * y + y * z + z * x)
    assert found.areas[0].sum() == pytest.approx(whole, rel=0.04)
    assert found.dice(step) == 1.0
    t = spacing_mm[0]
    within_y, within_z = (2 * edge * (t // edge) for edge in spacing_mm[1:])
    far = y * z + (y - within_y) * (z - within_z) + 2 * (y + z) * (step - t)
    assert found.dice(t) == pytest.approx(1 - far / whole, abs=0.05)


def test_balls_one_inside_the_other() -> None:
    spacing_mm = (1.0, 1.0, 1.0)
    found = compare(ball(10, spacing_mm), ball(14, spacing_mm), grid(spacing_mm))
    assert found.hausdorff_95_mm == pytest.approx(4, abs=1)
    assert found.dice(2.0) == 0.0
    assert found.dice(5.1) == 1.0


def test_equal_masks_and_one_voxel() -> None:
    labels, _ = blobs(5)
    same = compare(labels, labels, grid(SPACINGS[2]))
    assert (same.hausdorff_95_mm, same.dice(0.0)) == (0.0, 1.0)
    one = np.zeros(SHAPE, bool)
    one[0, 0, 0] = True
    other = np.roll(one, 4, axis=2)
    far = compare(one, other, grid(SPACINGS[1]))
    assert far.hausdorff_95_mm == pytest.approx(8.0)
    # An octahedron through the middles of the six edges: eight triangles with legs of 1, 1 and 1.5 mm.
    assert far.areas[0].sum() == pytest.approx(8 * np.sqrt((1 * 1.0) ** 2 + 2 * (1 * 1.5) ** 2) / 2)


def test_a_turned_and_a_sheared_grid_are_measured_in_mm() -> None:
    labels, truth = blobs(6)
    turn = np.deg2rad(25)
    axes = ((np.cos(turn), np.sin(turn), 0.0), (-np.sin(turn), np.cos(turn), 0.0), (0.0, 0.0, 1.0))
    plain, turned = (compare(labels, truth, g) for g in (grid((1.0, 2.0, 3.0)), grid((1.0, 2.0, 3.0), directions=axes)))
    assert turned.hausdorff_95_mm == pytest.approx(plain.hausdorff_95_mm)
    assert turned.dice(1.0) == pytest.approx(plain.dice(1.0), abs=1e-12)
    one, other = np.zeros((2, *SHAPE), bool)
    one[10, 20, 20] = other[12, 20, 20] = True
    sheared = grid((2.0, 2.0, 5.0), directions=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.6, 0.8)))
    # Patches of the nearest sides are two steps apart, but a step back along y brings some of them nearer.
    assert compare(one, other, sheared).hausdorff_95_mm <= 10.0
    assert compare(one, other, sheared).hausdorff_95_mm >= 8.0


def test_a_patch_is_as_large_however_it_lies() -> None:
    areas = _patch_areas(grid((1.0, 1.0, 1.0)))
    bit = {corner: n for n, corner in enumerate(CORNERS)}

    def turned(code: int, flip: tuple[int, int, int], order: tuple[int, int, int]) -> int:
        moved = {tuple(abs(c[order[a]] - flip[a]) for a in range(3)): c for c in CORNERS if code >> bit[c] & 1}
        return sum(1 << bit[corner] for corner in moved)  # type: ignore[index]

    for code in range(256):
        for flip in CORNERS:
            for order in ((0, 1, 2), (1, 2, 0), (2, 1, 0)):
                assert areas[turned(code, flip, order)] == pytest.approx(areas[code])
        assert areas[255 - code] == pytest.approx(areas[code])
    assert areas[0] == 0.0
    # Half of a cell, cut flat, and a corner cut off.
    assert areas[0b00001111] == pytest.approx(1.0)
    assert areas[1] == pytest.approx(np.sqrt(3) / 8)


def test_the_stage_gives_them_per_class_and_on_average(tmp_path: Path, run_stage: RunStage) -> None:
    labels, truth = hand_pair()
    record = run_stage({"one": write_pair(tmp_path, labels, truth)})["one"]
    metrics = record["metrics"]
    found = {name: metric["value"] for name, metric in metrics.items()}
    femur = compare(labels == 1, truth == 1, GRID)
    assert found["hausdorff_95_mm.femur"] == pytest.approx(femur.hausdorff_95_mm)
    assert found["surface_dice.1mm.femur"] == pytest.approx(femur.dice(1.0))
    assert found["surface_dice.3mm.femur"] == pytest.approx(femur.dice(3.0))
    assert 0 < femur.dice(1.0) < femur.dice(3.0) < 1
    assert found["hausdorff_95_mm.pectineus"] == 0
    for name, state, dice in (
        ("gracilis", "missed", 0),
        ("sartorius", "false positive", 0),
        ("multifidus", "absent from both", None),
    ):
        assert metrics[f"hausdorff_95_mm.{name}"] == {"value": None, "unit": "mm", "note": state}
        assert found[f"surface_dice.3mm.{name}"] == dice
    assert found["mean_hausdorff_95_mm"] == pytest.approx(femur.hausdorff_95_mm / 2)
    assert found["mean_surface_dice.1mm"] == pytest.approx((femur.dice(1.0) + 0 + 1) / 3)
    table = read_table(tmp_path / "out" / "one" / "classes.parquet")
    row = table["name"].index("femur")
    assert table["hausdorff_95_mm"][row] == pytest.approx(femur.hausdorff_95_mm)
    assert table["surface_dice_3mm"][row] == pytest.approx(femur.dice(3.0))
    answer = json.loads((tmp_path / "out" / "one" / "agreement.json").read_text())
    assert answer["classes"][row]["surface_dice_1mm"] == pytest.approx(femur.dice(1.0))


def test_tolerances_are_chosen_and_none_leaves_all_out(tmp_path: Path, run_stage: RunStage) -> None:
    pair = write_pair(tmp_path, *hand_pair())
    other = run_stage({"one": pair}, surface_tolerances_mm=[2.5])["one"]["metrics"]
    assert "surface_dice.2.5mm.femur" in other
    assert "surface_dice.1mm.femur" not in other
    none = run_stage({"one": pair}, surface_tolerances_mm=[])["one"]["metrics"]
    assert not [name for name in none if "surface" in name or "hausdorff" in name]
    assert "dice.femur" in none


@pytest.mark.parametrize("given", [[-1], [1, 1.0], ["1"], [True]])
def test_wrong_tolerances_are_a_wrong_request(
    given: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [{"id": "a", "inputs": {"labels": "a.seg.nrrd", "truth": "b.seg.nrrd"}}]
    request = {"stage": "agreement", "items": items, "output": str(tmp_path / "out")}
    (tmp_path / "r.json").write_text(json.dumps({**request, "parameters": {"surface_tolerances_mm": given}}))
    assert main(STAGE_TOML, process, check_parameters, argv=["run", str(tmp_path / "r.json")]) == 2
    assert "surface_tolerances_mm: " in capsys.readouterr().err


def test_classes_are_matched_by_name_whatever_their_numbers(tmp_path: Path, run_stage: RunStage) -> None:
    labels, truth = hand_pair()
    names = {1: "sartorius", 2: "gracilis", 3: "femur", 4: "pectineus"}
    numbers = np.array([0, 3, 2, 1, 4], np.uint8)
    write_segmentation(tmp_path / "labels.seg.nrrd", numbers[labels], GRID, names)
    pair = {**write_pair(tmp_path, labels, truth), "labels": tmp_path / "other.seg.nrrd"}
    write_segmentation(pair["labels"], numbers[labels], GRID, names)
    metrics = run_stage({"one": pair})["one"]["metrics"]
    assert metrics["hausdorff_95_mm.femur"]["value"] == pytest.approx(
        compare(labels == 1, truth == 1, GRID).hausdorff_95_mm
    )


def test_a_class_without_voxels_has_no_distance() -> None:
    empty = np.zeros(SHAPE, np.uint8)
    full = np.ones(SHAPE, np.uint8)
    with pytest.raises(ValueError, match="no voxel"):
        list(surfaces(full, empty, [(1, 1)], grid(SPACINGS[0])))
