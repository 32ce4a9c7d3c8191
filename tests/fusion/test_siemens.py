"""Real Siemens data: one object at two table positions 20 mm apart, both echoes in one series."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from containers.toolkit.images.volume import read_nrrd
from tests import optional
from tests.fusion.dicom_series import run_stage

DATA = optional.DATA / "siemens_two_station.zip"
pytestmark = pytest.mark.needs(f"data/{DATA.name}")


def test_world_coordinates_agree_between_the_two_table_positions(tmp_path: Path) -> None:
    record = run_stage(tmp_path / "out", {"siemens": DATA}, threads=2)["siemens"]
    assert record["status"] == "ok", record["error"]
    assert set(record["outputs"]) == {"contrast.echo_1", "contrast.echo_2", "seams"}
    metrics = {name: metric["value"] for name, metric in record["metrics"].items()}
    assert metrics["stations"] == 2, "20 mm apart is not a repeat"
    assert metrics["seam_correlation.echo_1.1_2"] >= 0.99
    assert metrics["seam_correlation.echo_2.1_2"] >= 0.99
    assert [metrics[f"seam_best_shift_voxels.{axis}.1_2"] for axis in ("left", "posterior", "superior")] == [0, 0, 0]
    assert metrics["seam_overlap_mm.1_2"] == pytest.approx(307.0, abs=0.01)
    assert any("frames of reference" in line for line in record["warnings"])
    first, second = (read_nrrd(tmp_path / "out" / "siemens" / f"echo_{n}.nrrd") for n in (1, 2))
    assert (first.facts["echo_time_ms"], second.facts["echo_time_ms"]) == ("2.46", "4.92")
    assert first.geometry.same_as(second.geometry)
    # The signal decays from echo to echo by T2*.
    assert 0 < second.data.mean() < first.data.mean()


@pytest.mark.parametrize(("station", "folder"), [("1", "_H20/"), ("2", "_baseline/")])
def test_one_station_alone_equals_simpleitks_own_reading_of_the_series(
    station: str, folder: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(DATA) as archive:
        for name in archive.namelist():
            if folder in name and name.endswith("_e2.dcm"):
                (tmp_path / Path(name).name).write_bytes(archive.read(name))
    series = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path)), sitk.sitkFloat32)
    run_stage(tmp_path / "out", {"siemens": DATA}, stations=station, contrasts=["echo_2"])
    fused = sitk.ReadImage(str(tmp_path / "out" / "siemens" / "echo_2.nrrd"))
    assert fused.GetSize() == series.GetSize() == (64, 64, 110)
    for index in ((0, 0, 0), (63, 0, 0), (0, 63, 109)):
        here, there = (image.TransformIndexToPhysicalPoint(index) for image in (fused, series))
        assert here == pytest.approx(there, abs=1e-3)
    values = sitk.GetArrayFromImage(series)
    assert values.std() > 10
    np.testing.assert_allclose(sitk.GetArrayFromImage(fused), values, atol=1e-2)
