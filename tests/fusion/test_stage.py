"""The whole stage, from DICOM to NRRD, judged by the field that was written and by SimpleITK's reading of the file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.toolkit.images.volume import read_nrrd
from containers.toolkit.runtime import cuda
from tests.fusion.dicom_series import (
    DIXON,
    Field,
    Series,
    all_files,
    dixon_study,
    linear,
    lopsided,
    run_stage,
    write_folder,
    write_zip,
)


def value(record: dict[str, Any], metric: str) -> Any:
    return record["metrics"][metric]["value"]


def level_of(level: int) -> Field:
    """The linear field raised by `level`, so that no contrast can pass for another."""
    return lambda x, y, z: linear(x, y, z) + level


def test_every_voxel_of_every_contrast_is_the_field_at_its_lps_position(tmp_path: Path) -> None:
    fields = {f"Dixon_BH_17s_{suffix}": level_of(100 * n) for n, suffix in enumerate(DIXON)}
    study = [replace(s, field=fields[s.description]) for s in dixon_study(slope=0.5, intercept=-20.0)]
    records = run_stage(tmp_path / "out", {"a": write_zip(tmp_path / "in.zip", all_files(study))}, threads=2)
    record = records["a"]
    assert record["status"] == "ok", record["error"]
    assert set(record["outputs"]) == {*DIXON.values(), "seams"}
    for suffix, name in DIXON.items():
        field = fields[f"Dixon_BH_17s_{suffix}"]
        image = sitk.ReadImage(str(tmp_path / "out" / "a" / f"{name}.nrrd"))
        data = sitk.GetArrayFromImage(image)
        corner = image.TransformIndexToPhysicalPoint((0, 0, 0))
        assert corner == pytest.approx((-11.0, -9.0, -90.0)), "the lowest of the four lowest stations"
        k, j, i = np.indices(data.shape)
        size = np.array(image.GetSpacing())
        points = np.array(corner) + np.stack([i, j, k], axis=-1) * size
        np.testing.assert_allclose(data, field(points[..., 0], points[..., 1], points[..., 2]), atol=1e-3)
    for axis, corner_mm, size_mm in zip(
        ("left", "posterior", "superior"), (-11.0, -9.0, -90.0), (2.0, 2.0, 3.0), strict=True
    ):
        assert value(record, f"origin_mm.{axis}") == corner_mm
        assert value(record, f"spacing_mm.{axis}") == size_mm
    assert value(record, "stations") == 4
    assert value(record, "extent_mm.superior_inferior") == 3 * 18 + 21
    assert value(record, "seam_overlap_mm.3_4") == 3.0
    assert value(record, "seam_correlation_min") > 0.999


@pytest.mark.parametrize("flip", ["feet first", "prone"])
def test_the_direction_of_acquisition_does_not_change_the_volume(flip: str, tmp_path: Path) -> None:
    usual = Series(field=lopsided, size=(12, 10, 12), origin=(-11.0, -9.0, -15.0))
    far = (11.0, -9.0, 18.0) if flip == "feet first" else (11.0, 9.0, -15.0)
    column = (0.0, 1.0, 0.0) if flip == "feet first" else (0.0, -1.0, 0.0)
    turned = Series(field=lopsided, size=(12, 10, 12), origin=far, row_step=(-1.0, 0.0, 0.0), column_step=column)
    items = {n: write_folder(tmp_path / n, s.files()) for n, s in (("usual", usual), ("turned", turned))}
    records = run_stage(tmp_path / "out", items)
    assert records["usual"]["outputs"]["contrast.t1"] == records["turned"]["outputs"]["contrast.t1"]
    volume = read_nrrd(tmp_path / "out" / "turned" / "t1.nrrd")
    brightest = np.unravel_index(int(np.argmax(volume.data)), volume.data.shape)
    position = volume.geometry.position_mm(brightest[::-1])
    assert position == pytest.approx((8, 5, 6), abs=1.6), "left, posterior and superior of the centre"


def test_repeated_runs_and_thread_counts_give_the_same_bytes_and_no_identifiers(tmp_path: Path) -> None:
    study = dixon_study(field=lopsided)
    cos, sin = float(np.cos(0.05)), float(np.sin(0.05))
    # One of the fused stations lies oblique to the others; all overlap, and 192 files are read by three processes.
    study[12:16] = [replace(s, column_step=(0.0, cos, sin)) for s in study[12:16]]
    folder = write_folder(tmp_path / "in", all_files(study))
    kept = {}
    for threads in (1, 2, 3):
        record = run_stage(tmp_path / str(threads), {"a": folder}, threads=threads, spacing_mm=[2.0, 2.0, 1.0])["a"]
        assert record["status"] == "ok", record["error"]
        files = sorted(p for p in (tmp_path / str(threads) / "a").iterdir() if p.name != "timing.json")
        kept[threads] = {p.name: p.read_bytes() for p in files}
    assert kept[1] == kept[2] == kept[3]
    for name, data in kept[1].items():
        assert b"SECRET" not in data, name
        assert b"3680043" not in data, f"{name} holds a UID"
        assert str(tmp_path).encode() not in data, name


def test_facts_of_the_nrrd(tmp_path: Path) -> None:
    run_stage(tmp_path / "out", {"a": write_folder(tmp_path / "in", all_files(dixon_study(stations=1)))})
    facts = read_nrrd(tmp_path / "out" / "a" / "water.nrrd").facts
    assert facts == {"contrast": "water", "sample units": "a.u.", "modality": "MR", "echo_time_ms": "2.39"}


def test_spacing_contrasts_and_stations_can_be_chosen(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", all_files(dixon_study()))
    record = run_stage(
        tmp_path / "out",
        {"a": folder},
        spacing_mm=[1.5, 1.5, 2.0],
        contrasts=["water"],
        stations="1,2",
        backend="numpy",
    )["a"]
    assert set(record["outputs"]) == {"water", "seams"}
    assert record["details"]["grid"]["spacing_mm"] == [1.5, 1.5, 2.0]
    assert [s["number"] for s in record["details"]["stations"]] == [1, 2]
    volume = read_nrrd(tmp_path / "out" / "a" / "water.nrrd")
    k, j, i = np.indices(volume.data.shape)
    points = volume.geometry.position_mm(np.stack([i, j, k], axis=-1))
    inside = np.all(points <= np.array([11.0, 9.0, 21.0]) + 1e-6, axis=-1)
    truth = linear(points[..., 0], points[..., 1], points[..., 2])
    np.testing.assert_allclose(volume.data[inside], truth[inside], atol=1e-3)
    assert (volume.data[~inside] == 0).all()


def test_an_inner_gap_that_was_asked_for_is_filled_with_zero_and_said(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", all_files(dixon_study()))
    record = run_stage(tmp_path / "out", {"a": folder}, contrasts=["fat"], stations="1,3")["a"]
    assert "not covered, filled with 0: gap of 15 mm from z 0 to -15 mm" in record["warnings"]
    assert value(record, "seam_correlation.fat.1_3") is None
    data = read_nrrd(tmp_path / "out" / "a" / "fat.nrrd").data
    assert (data[8:12] == 0).all() and (data[:8] > 0).all() and (data[12:] > 0).all()


def test_the_repeat_that_was_kept_is_the_one_that_is_fused(tmp_path: Path) -> None:
    older = dixon_study(stations=1, field=lambda x, y, z: 100 + 0 * x)
    newer = [replace(s, field=lambda x, y, z: 700 + 0 * x, number=s.number + 50, time="235900") for s in older]
    record = run_stage(tmp_path / "out", {"a": write_folder(tmp_path / "in", all_files([*newer, *older]))})["a"]
    assert value(record, "duplicates_resolved") == 4
    assert record["details"]["dropped_repeats"][0] == "series 1 (Dixon_BH_17s_in, TE 2.39 ms)"
    assert (read_nrrd(tmp_path / "out" / "a" / "water.nrrd").data == 700).all()


def test_frames_of_reference_that_differ_are_said(tmp_path: Path) -> None:
    study = [Series(field=lopsided, number=n + 1, origin=(-11.0, -9.0, -18.0 * n), frame=f"1.2.{n}") for n in range(2)]
    record = run_stage(tmp_path / "out", {"a": write_folder(tmp_path / "in", all_files(study))})["a"]
    assert any("frames of reference" in line for line in record["warnings"])
    assert json.loads((tmp_path / "out" / "a" / "seams.json").read_text())["pairs"][0]["overlap_mm"] == 3.0


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"spacing_mm": [1.0, 1.0]}, "needs three numbers"),
        ({"stations": "pelvis"}, "not a choice of stations"),
        ({"stations": "0,1"}, "not a choice of stations"),
        ({"backend": "fast"}, "must be one of"),
        ({"spacing_mm": [0.0, 1.0, 1.0]}, "at least 0.2 mm"),
    ],
)
def test_wrong_parameters_stop_the_job(parameters: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(RequestFault, match=what):
        run_stage(tmp_path / "out", {"a": tmp_path}, **parameters)


def test_a_backend_that_is_not_here_stops_the_job_before_any_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "missing", lambda library: cuda.Missing("no NVIDIA driver", "install it"))
    with pytest.raises(EnvironmentFault, match="backend numba_cuda: no NVIDIA driver; install it"):
        run_stage(tmp_path / "out", {"a": tmp_path}, backend="numba_cuda")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["job.log"]
