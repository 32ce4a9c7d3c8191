"""The midline on bones that are moved, turned and mirrored: sides must follow the patient, not the image."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from containers.composition.midline import fit_midline
from containers.composition.volumes import count_voxels, side_volumes_cm3
from containers.toolkit.images.labels import THIGH_LABELS, label_of
from containers.toolkit.images.volume import Geometry
from tests.composition.boxes import GRID, box_labels, even_widths

VALUES = {name: label for label, name in THIGH_LABELS.items()}
ILIAC, FEMUR, LATERALIS = label_of("iliac_bone"), label_of("femur"), label_of("vastus_lateralis")
WIDE = Geometry((100, 50, 75), (5.0, 5.0, 6.0), (-247.5, -122.5, -222.0))


def skeleton(turn: Rotation, shift: tuple[float, float, float], left_leg_mm: float = 0.0) -> npt.NDArray[np.uint8]:
    """Two iliac wings, two femurs, a muscle on the left only that reaches to 25 mm from the midline, on WIDE.

    The patient is turned about the origin, then shifted (mm); `left_leg_mm` moves the left femur forward.
    """
    k, j, i = np.indices(WIDE.shape)
    position = WIDE.position_mm(np.stack([i, j, k], -1)) - np.array(shift)
    x, y, z = np.moveaxis(turn.inv().apply(position.reshape(-1, 3)).reshape(position.shape), -1, 0)
    labels = np.zeros(WIDE.shape, np.uint8)
    labels[(np.abs(np.abs(x) - 90) < 40) & (np.abs(y) < 40) & (np.abs(z - 130) < 50)] = ILIAC
    forward = y + np.where(x > 0, left_leg_mm, 0.0)
    labels[(np.hypot(np.abs(x) - 95, forward) < 18) & (np.abs(z + 70) < 120)] = FEMUR
    labels[(np.abs(x - 55) < 30) & (np.abs(y + 70) < 20) & (np.abs(z + 70) < 100)] = LATERALIS
    return labels


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (35.0, -10.0, 8.0), (-50.0, 5.0, 0.0)])
@pytest.mark.parametrize("turn", [(0, 0, 0), (0, 0, 12), (0, 0, -20), (8, 0, 0), (0, 8, 0), (5, -6, 10)])
def test_a_muscle_of_the_left_stays_left(turn: tuple[int, int, int], shift: tuple[float, float, float]) -> None:
    rotation = Rotation.from_euler("xyz", turn, degrees=True)
    labels = skeleton(rotation, shift)
    plane, warnings = fit_midline(labels, WIDE, VALUES)
    assert plane is not None
    assert warnings == []
    right, middle, left = count_voxels(labels, WIDE, plane)[LATERALIS]
    assert (right, middle) == (0, 0)
    assert left > 1000
    assert np.degrees(np.arccos(np.dot(plane.normal, rotation.apply([1.0, 0.0, 0.0])))) < 2.0
    assert np.dot(plane.normal, shift) == pytest.approx(plane.offset_mm, abs=3.0)


@pytest.mark.parametrize("leg", [-40.0, 40.0])
def test_a_leg_moved_on_its_own_turns_no_plane(leg: float) -> None:
    plane, _ = fit_midline(skeleton(Rotation.identity(), (0, 0, 0), leg), WIDE, VALUES)
    assert plane is not None
    assert plane.normal[0] > np.cos(np.radians(1.0))


def test_femurs_alone_give_the_plane() -> None:
    labels = skeleton(Rotation.from_euler("y", 8, degrees=True), (20.0, 0.0, 0.0))
    labels[labels == ILIAC] = 0
    plane, warnings = fit_midline(labels, WIDE, VALUES)
    assert plane is not None
    assert warnings == []
    assert count_voxels(labels, WIDE, plane)[LATERALIS][0] == 0


def test_stray_voxels_do_not_move_the_plane() -> None:
    labels = skeleton(Rotation.identity(), (0, 0, 0))
    labels[10:20, 2:8, 0:4] = FEMUR  # 240 voxels next to the 1700 of the right femur, 140 mm away
    plane, _ = fit_midline(labels, WIDE, VALUES)
    assert plane is not None
    assert plane.offset_mm == pytest.approx(0.0, abs=3.0)


def test_without_bones_the_labels_part_the_sides_with_a_warning() -> None:
    left, right = even_widths(16), even_widths(16)
    labels = box_labels(left, right)
    labels[np.isin(labels, [ILIAC, FEMUR])] = 0
    plane, warnings = fit_midline(labels, GRID, VALUES)
    assert plane is not None
    assert (plane.normal, plane.source) == ((1.0, 0.0, 0.0), "labels")
    assert plane.offset_mm == pytest.approx(0.0, abs=4.0)
    assert len(warnings) == 1
    assert warnings[0].startswith("no bones")


@pytest.mark.parametrize("bones", [True, False])
def test_one_leg_has_no_sides(bones: bool) -> None:
    labels = box_labels(even_widths(10), {})
    if not bones:
        labels[np.isin(labels, [ILIAC, FEMUR])] = 0
    plane, warnings = fit_midline(labels, GRID, VALUES)
    assert plane is None
    assert "not distinguished" in warnings[-1]


@given(st.lists(st.integers(3, 25), min_size=54, max_size=54), st.floats(-300, 300))
@settings(max_examples=20, deadline=None)
def test_mirrored_anatomy_swaps_left_and_right(widths: list[int], shift: float) -> None:
    labels = box_labels(
        dict(zip(THIGH_LABELS, widths[:27], strict=True)), dict(zip(THIGH_LABELS, widths[27:], strict=True))
    )
    grid = replace(GRID, origin_mm=(shift, 0.0, 0.0))
    mirrored = replace(grid, origin_mm=(-shift - grid.spacing_mm[0] * (grid.size[0] - 1), 0.0, 0.0))
    counts = []
    for array, geometry in ((labels, grid), (labels[:, :, ::-1], mirrored)):
        plane, _ = fit_midline(array, geometry, VALUES)
        assert plane is not None
        counts.append(count_voxels(array, geometry, plane)[1:28])
    np.testing.assert_array_equal(counts[0], counts[1][:, ::-1])


def test_a_voxel_on_the_midline_counts_half_to_each_side() -> None:
    labels = np.zeros((10, 5, 61), np.uint8)
    grid = Geometry((61, 5, 10), (5.0, 5.0, 20.0), (-150.0, 0.0, 0.0))
    labels[:, :, [10, 11, 49, 50]] = FEMUR
    labels[:, 2, 28:33] = 22
    plane, _ = fit_midline(labels, grid, VALUES)
    assert plane is not None
    counts = count_voxels(labels, grid, plane)
    np.testing.assert_array_equal(counts[22], [20, 10, 20])
    volumes = side_volumes_cm3(counts, grid.voxel_cm3)
    assert [volumes[side][22] for side in ("left", "both", "right")] == pytest.approx([12.5, 25.0, 12.5])
