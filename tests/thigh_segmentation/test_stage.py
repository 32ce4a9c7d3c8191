"""The stage as a whole: its outputs, the same bytes twice, bad input among good, checkpoints that do not serve."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from safetensors.torch import load_file, save_file

from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file
from containers.contract.stage import main
from containers.thigh_segmentation.checkpoint import ENTRY, load_checkpoint
from containers.thigh_segmentation.stage import process, setup
from containers.thigh_segmentation.terminology import tag
from containers.toolkit.images.doubts import Doubt, doubts_fact, of_findings, read_doubts
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from tests.thigh_segmentation.conftest import STAGE_TOML, RunStage
from tests.thigh_segmentation.people import GRID, LABELS, person

ROOT = Path(__file__).resolve().parents[2]
Item = dict[str, Any]


@pytest.fixture
def good(tmp_path: Path, tiny_weights: Path) -> Item:
    """An item whose person the tiny network was not trained on."""
    write_nrrd(tmp_path / "volume.nrrd", person(40)[0])
    return {"id": "good", "inputs": {"volume": tmp_path / "volume.nrrd", "weights": tiny_weights}}


def labels_of(tmp_path: Path, item: str = "good", out: str = "out") -> Volume:
    return read_segmentation(tmp_path / out / item / "labels.seg.nrrd")[0]


def test_labels_lie_on_the_volume_and_fit_the_truth(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    record = run_stage([good])["good"]
    volume, names = read_segmentation(tmp_path / "out" / "good" / "labels.seg.nrrd")
    assert names == LABELS
    assert volume.geometry.same_as(GRID)
    truth = person(40)[1]
    found = np.asarray(volume.data)
    assert np.mean(found[truth > 0] > 0) > 0.5
    voxel = GRID.voxel_cm3
    for value, name in LABELS.items():
        assert record["metrics"][f"volume_cm3.{name}"]["value"] == pytest.approx(voxel * (found == value).sum())
    assert record["details"]["model"]["second_pass"] is True
    assert record["metrics"]["flags"]["value"] == len(record["warnings"])


def test_an_image_that_was_scaled_is_named(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    """Divided by 400, the values lie at the bottom of the window: the empty labels have a cause."""
    volume = person(40)[0]
    write_nrrd(tmp_path / "scaled.nrrd", Volume((volume.data / 400).astype(np.float32), GRID, volume.facts))
    scaled = {**good, "id": "scaled", "inputs": {**good["inputs"], "volume": tmp_path / "scaled.nrrd"}}
    records = run_stage([good, scaled])
    assert any("the weights expect 0 to 400" in line for line in records["scaled"]["warnings"])
    assert not any("the weights expect" in line for line in records["good"]["warnings"])


def test_a_bright_image_is_named_as_a_dark_one_is(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    volume = person(40)[0]
    write_nrrd(tmp_path / "scaled.nrrd", Volume((volume.data * np.float32(50)).astype(np.float32), GRID, volume.facts))
    scaled = {**good, "id": "scaled", "inputs": {**good["inputs"], "volume": tmp_path / "scaled.nrrd"}}
    record = run_stage([scaled])["scaled"]
    assert any(line.startswith("bright image") and "are over 400" in line for line in record["warnings"])


def test_volumes_are_voxels_times_the_determinant_on_a_sheared_grid(
    tmp_path: Path, good: Item, run_stage: RunStage
) -> None:
    """Slices that step half a voxel backwards each: edges multiply to more than the voxel's volume."""
    volume = person(40)[0]
    steps = np.diag(GRID.spacing_mm)
    steps[2, 1] = GRID.spacing_mm[1] / 2
    sheared = Geometry.of_steps(GRID.size, steps, GRID.origin_mm)
    write_nrrd(tmp_path / "sheared.nrrd", Volume(volume.data, sheared, volume.facts))
    item = {**good, "inputs": {**good["inputs"], "volume": tmp_path / "sheared.nrrd"}}
    record = run_stage([item])["good"]
    found = labels_of(tmp_path)
    voxel = float(np.prod(GRID.spacing_mm)) / 1000
    assert found.geometry.voxel_cm3 == pytest.approx(voxel)
    assert float(np.prod(sheared.spacing_mm)) / 1000 > 1.05 * voxel
    for value, name in LABELS.items():
        assert record["metrics"][f"volume_cm3.{name}"]["value"] == pytest.approx(voxel * (found.data == value).sum())


def test_findings_and_doubts_of_the_volume_go_into_the_label_map(
    tmp_path: Path, good: Item, run_stage: RunStage
) -> None:
    seam = Doubt("seam: correlation under 0.6 (1/2 water 0.41)")
    volume = person(40)[0]
    write_nrrd(tmp_path / "volume.nrrd", Volume(volume.data, GRID, volume.facts | doubts_fact([seam])))
    record = run_stage([good])["good"]
    found = read_doubts(labels_of(tmp_path).facts)
    assert found[0] == seam
    assert found[1:] == of_findings(record["details"]["quality"]["findings"])


def test_shipped_weights_say_what_they_were_trained_on(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    bare = {"id": "bare", "inputs": {"volume": good["inputs"]["volume"]}}
    records = run_stage([good, bare])
    assert any("trained on phantoms" in line for line in records["bare"]["warnings"])
    assert not any("trained on phantoms" in line for line in records["good"]["warnings"])


def test_orientation_of_the_file_does_not_matter(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    """The same person stored with other axes gives the same labels at the same places."""
    volume, _ = person(40)
    turned = Geometry(
        (34, 40, 36),
        (6.0, 5.0, 5.0),
        tuple(volume.geometry.position_mm([39, 0, 0])),
        ((0, 0, 1), (-1, 0, 0), (0, 1, 0)),
    )
    # Axes of the file: i is old k, j is old i backwards, k is old j.
    write_nrrd(tmp_path / "turned.nrrd", Volume(np.transpose(volume.data[:, :, ::-1], (1, 2, 0)), turned))
    other = {"id": "turned", "inputs": {**good["inputs"], "volume": tmp_path / "turned.nrrd"}}
    run_stage([good, other])
    back = np.transpose(labels_of(tmp_path, "turned").data, (2, 0, 1))[:, :, ::-1]
    assert np.array_equal(back, labels_of(tmp_path).data)


def test_the_same_bytes_with_one_and_with_two_threads(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    for out, threads in (("one", 1), ("again", 1), ("two", 2)):
        run_stage([good], threads=threads, out=out)
    files = ("labels.seg.nrrd", "record.json")
    one, again, two = ([(tmp_path / out / "good" / f).read_bytes() for f in files] for out in ("one", "again", "two"))
    assert one == again
    assert one == two


def test_segments_carry_names_and_terminology(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    run_stage([good])
    facts = labels_of(tmp_path).facts
    assert facts["Segment0_Name"] == "left_ball"
    assert facts["Segment0_Tags"] == "|"
    assert tag("femur").split("~")[2] == "SCT^71341001^Femur"
    # 3D Slicer reads seven parts between tildes: context, category, type, modifier, anatomic context, region, modifier.
    assert all(len(tag(name).rstrip("|").split("~")) == 7 for name in ("femur", "gluteus_maximus", "iliopsoas"))


def test_a_volume_of_other_voxels_goes_without_the_second_pass(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    coarse = replace(GRID, size=(20, 18, 17), spacing_mm=(10.0, 10.0, 12.0))
    write_nrrd(tmp_path / "coarse.nrrd", person(40, coarse)[0])
    record = run_stage([{**good, "inputs": {**good["inputs"], "volume": tmp_path / "coarse.nrrd"}}])["good"]
    assert record["status"] == "ok"
    assert record["details"]["model"]["second_pass"] is False


def test_a_volume_smaller_than_one_patch_is_padded(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    small = replace(GRID, size=(14, 14, 12))
    write_nrrd(tmp_path / "small.nrrd", person(40, small)[0])
    record = run_stage([{**good, "inputs": {**good["inputs"], "volume": tmp_path / "small.nrrd"}}])["good"]
    assert record["status"] == "ok"
    assert labels_of(tmp_path).geometry.same_as(small)


def _changed(change: Callable[[Any], Any]) -> Volume:
    return Volume(np.asarray(change(np.array(person(40)[0].data))), GRID)


def _nan(data: Any) -> Any:
    data[3, 4, 5] = np.nan
    return data


BAD_VOLUMES: dict[str, tuple[Callable[[], Volume], str]] = {
    "nan": (lambda: _changed(_nan), "has NaN or infinite voxels"),
    "constant": (lambda: _changed(lambda d: np.full_like(d, 7.0)), "is constant"),
    "dark": (lambda: _changed(lambda d: -1.0 - d / 1000), "has no value between 0 and 400"),
    "metres": (
        lambda: Volume(person(40)[0].data, replace(GRID, spacing_mm=(0.005, 0.005, 0.006))),
        "has 0.005 mm between voxels along i",
    ),
    "too short": (lambda: Volume(person(40)[0].data[:4], replace(GRID, size=(40, 36, 4))), "spans 24 mm along k"),
    "thick": (
        lambda: Volume(person(40)[0].data, replace(GRID, spacing_mm=(5.0, 5.0, 60.0))),
        "has 60 mm between voxels along k",
    ),
}


@pytest.mark.parametrize("name", BAD_VOLUMES)
def test_bad_volumes_are_error_records_beside_good_ones(
    tmp_path: Path, good: Item, run_stage: RunStage, name: str
) -> None:
    make, said = BAD_VOLUMES[name]
    write_nrrd(tmp_path / "bad.nrrd", make())
    bad = {"id": "bad", "inputs": {**good["inputs"], "volume": tmp_path / "bad.nrrd"}}
    records = run_stage([bad, good])
    assert records["good"]["status"] == "ok"
    assert records["bad"]["error"]["kind"] == "input"
    assert records["bad"]["error"]["where"] == "bad.nrrd"
    assert said in records["bad"]["error"]["what"]
    assert sorted(p.name for p in (tmp_path / "out" / "bad").iterdir()) == ["record.json", "timing.json"]


def test_a_volume_with_colours_is_refused(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    import nrrd

    nrrd.write(str(tmp_path / "rgb.nrrd"), np.zeros((3, 4, 4, 4), np.uint8))
    record = run_stage([{**good, "inputs": {**good["inputs"], "volume": tmp_path / "rgb.nrrd"}}])["good"]
    assert record["error"]["what"] == "has 4 axes, 3 are needed"


def _list(path: Path) -> Path:
    path.with_name(path.name + ".sha256").write_text(f"{sha256_file(path)}  {path.name}\n")
    return path


def _rewritten(weights: Path, target: Path, tensors: dict[str, Any], facts: dict[str, str] | None = None) -> Path:
    from safetensors import safe_open

    with safe_open(weights, framework="pt") as stream:
        kept = stream.metadata()
    save_file(tensors, target, metadata=kept if facts is None else facts)
    return _list(target)


def _corrupted(weights: Path, target: Path) -> Path:
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    target.write_bytes(data)
    target.with_name(target.name + ".sha256").write_text(weights.with_name(weights.name + ".sha256").read_text())
    return target


def _no_checksum(weights: Path, target: Path) -> Path:
    target.write_bytes(weights.read_bytes())
    return target


def _no_safetensors(weights: Path, target: Path) -> Path:
    target.write_bytes(b"PK not weights at all")
    return _list(target)


def _foreign(weights: Path, target: Path) -> Path:
    return _rewritten(weights, target, load_file(weights), {"format": "pt"})


def _other_architecture(weights: Path, target: Path) -> Path:
    tensors = load_file(weights)
    name = "unetr.out.conv.conv.weight"
    return _rewritten(weights, target, {**tensors, name: torch.zeros(7, *tensors[name].shape[1:])})


def _lacking(weights: Path, target: Path) -> Path:
    return _rewritten(weights, target, {k: v for k, v in load_file(weights).items() if "vit.blocks.3" not in k})


def _no_numbers(weights: Path, target: Path) -> Path:
    tensors = load_file(weights)
    return _rewritten(weights, target, {**tensors, "unetr.out.conv.conv.bias": torch.full((4,), torch.nan)})


def _too_few_channels(weights: Path, target: Path) -> Path:
    from safetensors import safe_open

    with safe_open(weights, framework="pt") as stream:
        facts = json.loads(stream.metadata()[ENTRY])
    facts["labels"] = {str(n): f"s{n}" for n in range(1, 9)}
    return _rewritten(weights, target, load_file(weights), {ENTRY: json.dumps(facts)})


BAD_WEIGHTS = {
    _corrupted: "corrupted: its checksum differs",
    _no_checksum: "no checksum next to it",
    _no_safetensors: "not readable as safetensors",
    _foreign: "has no thigh_segmentation in its metadata",
    _other_architecture: "another architecture",
    _lacking: "another architecture",
    _no_numbers: "not numbers",
    _too_few_channels: "4 channels for background and 8 labels",
}


@pytest.mark.parametrize("spoil", BAD_WEIGHTS)
def test_weights_that_do_not_serve(tmp_path: Path, tiny_weights: Path, spoil: Any) -> None:
    with pytest.raises(EnvironmentFault, match=BAD_WEIGHTS[spoil]) as caught:
        load_checkpoint(spoil(tiny_weights, tmp_path / "w.safetensors"))
    assert "\n" not in str(caught.value)


def test_bad_weights_of_one_item_leave_the_others(
    tmp_path: Path, good: Item, tiny_weights: Path, run_stage: RunStage
) -> None:
    bad = _corrupted(tiny_weights, tmp_path / "w.safetensors")
    records = run_stage([{"id": "bad", "inputs": {**good["inputs"], "weights": bad}}, good])
    assert records["bad"]["error"]["kind"] == "environment"
    assert records["good"]["status"] == "ok"


def test_weights_are_read_once_for_all_items(good: Item, run_stage: RunStage, monkeypatch: pytest.MonkeyPatch) -> None:
    from containers.thigh_segmentation import stage

    calls = []
    monkeypatch.setattr(stage, "load_checkpoint", lambda path: calls.append(path) or load_checkpoint(path))
    run_stage([good, {**good, "id": "second"}])
    assert len(calls) == 1


def test_unknown_parameter_ends_with_status_2(tmp_path: Path, good: Item) -> None:
    inputs = {name: str(path) for name, path in good["inputs"].items()}
    request = {
        "stage": "thigh_segmentation",
        "items": [{"id": "a", "inputs": inputs}],
        "parameters": {"overlap": 1.5},
        "output": str(tmp_path / "out"),
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    assert main(STAGE_TOML, process, setup, argv=["run", str(tmp_path / "request.json")]) == 2


def test_describe_from_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "containers.thigh_segmentation", "describe"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["name"] == "thigh_segmentation"


def test_quality_control_finds_what_is_wrong(tmp_path: Path) -> None:
    """A lost side, a stray part, an empty class and a tiny one, each at its own structure."""
    from containers.contract.spec import load_spec
    from containers.contract.stage import Result
    from containers.thigh_segmentation.qc import check_labels

    names = {1: "whole", 2: "one_sided", 3: "scattered", 4: "empty", 5: "tiny", 27: "femur"}
    labels = np.zeros((20, 30, 60), np.uint8)
    for left in (8, 44):
        labels[2:18, 2:6, left : left + 8] = 27
        labels[2:18, 8:12, left : left + 8] = 1
        labels[2:8, 14:18, left : left + 8] = 3
    labels[2:18, 20:24, 8:16] = 2
    labels[12:16, 14:18, 28:32] = 3
    labels[2, 26, 8] = 5
    result = Result(tmp_path, load_spec(STAGE_TOML))
    check_labels(labels, 0.064, names, result)
    findings = result.details["quality"]["findings"]
    for name, words in (
        ("one_sided", "one side"),
        ("scattered", "two largest"),
        ("empty", "no voxel"),
        ("tiny", "implausible"),
    ):
        assert any(line.startswith(name) and words in line for line in findings), (name, findings)
    assert not any(line.startswith(("whole", "femur")) for line in findings)
    assert result.metrics["parts.scattered"].value == 3
    assert result.metrics["volume_cm3.whole"].value == pytest.approx(16 * 4 * 16 * 0.064)
    assert result.metrics["structures_found"].value == 5


def test_nifti_in_and_out_give_the_same_labels(tmp_path: Path, good: Item, run_stage: RunStage) -> None:
    image = sitk.ReadImage(str(tmp_path / "volume.nrrd"))
    sitk.WriteImage(image, str(tmp_path / "volume.nii.gz"))
    nifti = {"id": "nifti", "inputs": {**good["inputs"], "volume": tmp_path / "volume.nii.gz"}}
    assert run_stage([good])["good"]["status"] == "ok"
    record = run_stage([nifti], format="nifti")["nifti"]
    names = {output: content["path"] for output, content in record["outputs"].items()}
    assert names["labels"] == "sub-nifti_dseg.nii.gz" and names["sidecar.labels_table"] == "sub-nifti_dseg.tsv"
    seen = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / "nifti" / names["labels"])))
    assert np.array_equal(seen, np.asarray(labels_of(tmp_path).data))


def test_a_dicom_segmentation_needs_its_series_before_anything_is_computed(good: Item, run_stage: RunStage) -> None:
    error = run_stage([good], format="dicom_seg")["good"]["error"]
    assert error["kind"] == "input" and error["where"] == "input series" and "-i series=FOLDER" in error["fix"]
