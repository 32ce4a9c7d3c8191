"""Made volumes through every format and back: the same values, names and places; SimpleITK is the other reader."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from containers.contract.stage import Result
from containers.toolkit.images.geometry import GEOMETRY_TOLERANCE_MM
from containers.toolkit.images.nifti_grid import is_orthogonal
from containers.toolkit.images.reading import read_labels, read_volume
from containers.toolkit.images.volume import Geometry, Volume
from containers.toolkit.images.writing import ImageWriter
from tests.toolkit.test_reading import silent
from tests.toolkit.test_writing import SPEC

NAMES = {1: "femur", 2: "缝匠肌", 9: "gracilis", 200: "absent"}
FILES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rotation(turn: tuple[float, float, float]) -> np.ndarray:
    """Rotation by angles about x, y and z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(turn):
        one = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ one
    return matrix


@st.composite
def grids(draw: st.DrawFn, *, sheared: bool) -> Geometry:
    """Grids of any orientation, order and mirroring of axes; sheared ones lean by 5 to 40 degrees."""
    rows = rotation(draw(st.tuples(*[st.floats(-3.1, 3.1)] * 3)))[list(draw(st.permutations(range(3))))]
    rows = rows * np.array(draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)))[:, None]
    if sheared:
        lean = draw(st.floats(0.09, 0.7))
        rows[2] = np.cos(lean) * rows[2] + np.sin(lean) * rows[draw(st.integers(0, 1))]
    size = draw(st.tuples(*[st.integers(5, 8)] * 3))
    spacing = np.array(draw(st.tuples(*[st.floats(2.1, 12.0)] * 3)))
    origin = draw(st.tuples(*[st.floats(-400.0, 400.0)] * 3))
    return Geometry.of_steps(size, rows * spacing[:, None], origin)


def values(grid: Geometry, dtype: str) -> np.ndarray:
    count = int(np.prod(grid.size))
    data = np.random.default_rng(count).normal(0, 90, grid.shape)
    return (np.abs(data) if dtype.startswith("u") else data).astype(dtype)


def there_and_back(folder: Path, form: str, grid: Geometry, dtype: str) -> None:
    result = Result(folder, SPEC)
    writer = ImageWriter(result, "sub-1", form)
    data = values(grid, dtype)
    writer.volume("water", Volume(data, grid, {"contrast": "water"}))
    path = folder / result.files["water"]
    back = read_volume(path, silent)
    assert back.data.dtype == data.dtype and np.array_equal(back.data, data)
    assert back.geometry.size == grid.size and back.geometry.gap_mm(grid) < GEOMETRY_TOLERANCE_MM
    if is_orthogonal(grid):
        image = sitk.ReadImage(str(path))
        assert np.array_equal(sitk.GetArrayFromImage(image), data)
        far = tuple(n - 1 for n in grid.size)
        assert np.abs(image.TransformIndexToPhysicalPoint(far) - grid.position_mm(far)).max() < GEOMETRY_TOLERANCE_MM
    labels = np.random.default_rng(1).choice(np.array([0, 1, 2, 9], np.uint8), grid.shape)
    writer.labels("labels", labels, grid, NAMES)
    table = result.files.get("sidecar.labels_table")
    found = read_labels(folder / result.files["labels"], silent, folder / table if table else None)
    assert found.names == NAMES and np.array_equal(found.volume.data, labels)
    assert found.volume.geometry.gap_mm(grid) < GEOMETRY_TOLERANCE_MM


@FILES
@given(grid=grids(sheared=False), dtype=st.sampled_from(["u1", "i2", "u2", "i4", "f4", "f8"]))
@pytest.mark.parametrize("form", ["nrrd", "nifti"])
def test_oblique_grids(tmp_path: Path, form: str, grid: Geometry, dtype: str) -> None:
    there_and_back(tmp_path, form, grid, dtype)


@FILES
@given(grid=grids(sheared=True), dtype=st.sampled_from(["i2", "f4"]))
@pytest.mark.parametrize("form", ["nrrd", "nifti"])
def test_sheared_grids(tmp_path: Path, form: str, grid: Geometry, dtype: str) -> None:
    assume(not is_orthogonal(grid))
    there_and_back(tmp_path, form, grid, dtype)
    [path] = [path for path in tmp_path.glob("*wat*") if path.suffix != ".json"]
    assert read_volume(path, silent).geometry.voxel_cm3 == pytest.approx(grid.voxel_cm3, rel=1e-5)


@FILES
@given(grid=grids(sheared=False))
def test_from_one_format_to_the_other(tmp_path: Path, grid: Geometry) -> None:
    """What SimpleITK converts is what we convert."""
    data = values(grid, "f4")
    image = sitk.GetImageFromArray(data)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(np.asarray(grid.directions).T.reshape(-1).tolist())
    for ending in ("nrrd", "nii.gz"):
        sitk.WriteImage(image, str(tmp_path / f"theirs.{ending}"))
        ours = read_volume(tmp_path / f"theirs.{ending}", silent)
        assert np.array_equal(ours.data, data)
        assert ours.geometry.gap_mm(grid) < GEOMETRY_TOLERANCE_MM
