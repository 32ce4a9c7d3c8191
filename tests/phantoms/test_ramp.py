"""The linear-field phantom: its DICOM and its truth, against numbers worked by hand."""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

import phantoms
from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Geometry
from phantoms.thigh import ramp

# The field without offset at (x, y, z) = (10, 20, -100): 2000 + 15 - 20 - 120.
POINT, VALUE = (10.0, 20.0, -100.0), 1875.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ramp")
    phantoms.make("dixon_ramp", {"seed": 2}, place)
    return place


def test_every_slice_shows_the_field_at_its_own_position(folder: Path) -> None:
    with zipfile.ZipFile(folder / "ramp_20201_2_0.zip") as archive:
        names = [n for n in archive.namelist() if n.endswith(".dcm")]
        assert len(names) == 7 * 4 * 18  # six stations, one of them twice
        older = 0
        for name in names[::29]:
            ds = pydicom.dcmread(BytesIO(archive.read(name)))
            x, y, z = (float(v) for v in ds.ImagePositionPatient)
            row, column = 11, 50
            there = 2000 + 1.5 * (x + column * 7.0) - (y + row * 7.0) + 1.2 * z
            station = ["CHEST", "ABDOMEN", "PELVIS", "HIP", "MID_THIGH", "KNEE"].index(ds.BodyPartExamined)
            contrast = {"_in": 0, "_opp": 7, "_F": 14, "_W": 21}[
                ds.SeriesDescription[ds.SeriesDescription.rindex("_") :]
            ]
            offset = [0, 55, 20, 90, 35, 120][station] + contrast
            found = float(ds.pixel_array[row, column]) - there - offset
            older += abs(found) > 1
            assert min(abs(found), abs(found - 400)) <= 0.5 + 1e-6
        assert older > 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        # Only the hip station (offset 90) reaches z = -100 and none overlaps there.
        ("none", VALUE + 90),
        ("last_station", VALUE + 90),
        ("older_repeat", VALUE + 490),
        # Half a voxel of 7 x 7 x 10 mm: 5.25 - 3.5 + 6.
        ("half_voxel", VALUE + 90 + 7.75),
    ],
)
def test_truth_at_a_point(folder: Path, fault: ramp.Fault, expected: float) -> None:
    grid = Geometry((1, 1, 1), (7.0, 7.0, 10.0), POINT)
    value = phantoms.truth_volume(folder / "phantom.json", grid, "in_phase", fault)
    assert value.shape == (1, 1, 1)
    assert value[0, 0, 0] == pytest.approx(expected, abs=1e-3)


def test_overlap_is_the_mean_and_outside_is_zero(folder: Path) -> None:
    low, high = (
        (g.origin_mm[2], g.origin_mm[2] + 170.0) for g in (ramp.geometries(ramp.Parameters(seed=2))[n] for n in (4, 3))
    )
    z = (low[1] + high[0]) / 2
    assert high[0] < z < low[1], "the stations do not overlap"
    grid = Geometry((1, 1, 1), (7.0, 7.0, 10.0), (0.0, 0.0, z))
    expected = 2000 + 1.2 * z + 21 + (90 + 35) / 2
    assert phantoms.truth_volume(folder / "phantom.json", grid, "water")[0, 0, 0] == pytest.approx(expected, abs=1e-3)
    last = phantoms.truth_volume(folder / "phantom.json", grid, "water", "last_station")
    assert last[0, 0, 0] == pytest.approx(2000 + 1.2 * z + 21 + 35, abs=1e-3)
    far = Geometry((1, 1, 1), (7.0, 7.0, 10.0), (0.0, 0.0, 400.0))
    assert phantoms.truth_volume(folder / "phantom.json", far, "water")[0, 0, 0] == 0


def test_nearest_is_a_neighbour_s_value(folder: Path) -> None:
    grid = Geometry((9, 1, 1), (1.0, 7.0, 10.0), POINT)
    near = phantoms.truth_volume(folder / "phantom.json", grid, "in_phase", "nearest")[0, 0]
    assert len(np.unique(near)) <= 3


def test_other_phantoms_and_faults_are_refused(folder: Path) -> None:
    grid = Geometry((1, 1, 1), (7.0, 7.0, 10.0), POINT)
    with pytest.raises(ItemFault, match="no fault is called 'x'"):
        phantoms.truth_volume(folder / "phantom.json", grid, "water", "x")  # type: ignore[arg-type]
