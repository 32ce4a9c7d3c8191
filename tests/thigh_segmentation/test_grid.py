"""Turning and resampling in world coordinates, against SimpleITK and against functions of position."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.thigh_segmentation.grid import axes_of, image_to_working, mask_to_working, turn_of, windowed
from containers.toolkit.images.volume import Geometry

LPS = np.eye(3)


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    size=st.tuples(*[st.integers(2, 6)] * 3),
)
def test_turned_volumes_run_left_posterior_superior(
    order: list[int], signs: tuple[float, ...], size: tuple[int, int, int]
) -> None:
    """After the turn x, y and z rise along the last, the middle and the first axis, whatever the file's axes were."""
    directions = tuple(tuple(sign * LPS[axis]) for axis, sign in zip(order, signs, strict=True))
    geometry = Geometry(size, (1.0, 2.0, 3.0), (7.0, -8.0, 9.0), directions)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in size), indexing="ij"), axis=-1)
    place = geometry.position_mm(index).transpose(2, 1, 0, 3)
    turn = turn_of(geometry)
    for world, axis in ((0, 2), (1, 1), (2, 0)):
        along = np.diff(turn.apply(place[..., world]), axis=axis)
        assert np.allclose(along, turn.spacing_mm[axis])
    labels = np.random.default_rng(0).integers(0, 255, geometry.shape).astype(np.uint8)
    assert np.array_equal(turn.undo(np.asarray(turn.apply(labels), dtype=np.uint8)), labels)


def test_oblique_axes_go_to_the_nearest() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    geometry = Geometry((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), ((c, s, 0.0), (0.0, 0.0, -1.0), (-s, c, 0.0)))
    turn = turn_of(geometry)
    assert turn.apply(np.zeros(geometry.shape)).shape == (4, 5, 3)
    assert turn.mirrored == (0,)


def test_resampling_is_simpleitks() -> None:
    """Images linearly, masks by nearest neighbour, on a grid with the same middle."""
    rng = np.random.default_rng(1)
    data = rng.normal(size=(9, 10, 11)).astype(np.float32)
    native, working = (3.0, 2.0, 2.0), (2.1, 3.3, 4.7)
    axes = axes_of(data.shape, native, working)
    image = sitk.GetImageFromArray(data)
    image.SetSpacing(native[::-1])
    grid = sitk.Image([axis.working for axis in reversed(axes)], sitk.sitkFloat32)
    grid.SetSpacing(working[::-1])
    middle = [(n - 1) / 2 * step for n, step in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    half = [(n - 1) / 2 * step for n, step in zip(grid.GetSize(), grid.GetSpacing(), strict=True)]
    grid.SetOrigin([m - h for m, h in zip(middle, half, strict=True)])
    ours = image_to_working(data, axes)
    theirs = sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, np.nan))
    inside = np.isfinite(theirs)
    assert inside.mean() > 0.3
    # SimpleITK counts half a voxel beyond the last centres as inside, and keeps the edge's value there, as we do.
    assert np.allclose(ours[inside], theirs[inside], atol=1e-5)
    labels = (data > 0).astype(np.uint8)
    mask = sitk.GetImageFromArray(labels)
    mask.CopyInformation(image)
    nearest = sitk.GetArrayFromImage(sitk.Resample(mask, grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0))
    assert np.array_equal(mask_to_working(labels, axes)[inside], nearest[inside])


@pytest.mark.parametrize("working", [(5.0, 5.0, 5.0), (1.5, 1.5, 2.0)])
def test_working_grid_covers_the_volume(working: tuple[float, float, float]) -> None:
    for axis in axes_of((7, 30, 31), (3.0, 2.0, 2.0), working):
        assert axis.working * axis.working_mm >= axis.native * axis.native_mm - 1e-6
        back = axis.to_native()[np.array([0, -1])]
        assert np.isclose(back.mean(), (axis.native - 1) / 2)


def test_window() -> None:
    values = np.array([[[0, 80, 265, 450, 4000]]], np.int16)
    assert windowed(values, (80.0, 450.0)).reshape(-1) == pytest.approx([0, 0, 0.5, 1, 1])


def test_turn_ignores_the_origin() -> None:
    geometry = Geometry((3, 4, 5), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    assert turn_of(geometry) == turn_of(replace(geometry, origin_mm=(5.0, 5.0, 5.0)))
