"""Resampling in world coordinates, against SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk

from containers.thigh_segmentation.grid import axes_of, image_to_working, mask_to_working, windowed


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
