"""The stage as a container calls it, with a tiny model: output on the input's grid, bad input as error records."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from containers.contract.stage import main
from containers.spine_segmentation import stage
from containers.spine_segmentation.model import FILE
from containers.spine_segmentation.terminology import tag
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd
from containers.toolkit.networks.dice import dice_per_class
from containers.toolkit.runtime.process_state import torch_settings_restored
from tests.spine_segmentation.conftest import STAGE_TOML, RunStage
from tests.spine_segmentation.people import GRID, RIGHT_ANTERIOR, person

FINER = Geometry(size=(80, 64, 24), spacing_mm=(5.0, 5.0, 7.5), origin_mm=(-197.5, -157.5, -303.75))


def test_the_label_map_lies_on_the_volumes_grid_with_names_and_tags(
    tiny_run: Path, run_stage: RunStage, tmp_path: Path
) -> None:
    volume, truth = person(30, FINER)
    write_nrrd(tmp_path / "v.nrrd", volume)
    record = run_stage([{"id": "p", "inputs": {"volume": tmp_path / "v.nrrd", "weights": tiny_run}}])["p"]
    assert record["status"] == "ok", record
    labels, names = read_segmentation(tmp_path / "out" / "p" / "labels.seg.nrrd")
    assert labels.geometry.same_as(volume.geometry) and names == SPINE_LABELS
    assert labels.facts["Segment0_Tags"] == tag("erector_spinae_left")
    for value, name in names.items():
        found = float(np.sum(labels.data == value)) * volume.geometry.voxel_cm3
        assert record["metrics"][f"volume_cm3.{name}"]["value"] == pytest.approx(found, rel=1e-9)
    dice = dice_per_class(np.asarray(labels.data, np.uint8), truth, 5)
    assert min(d for d in dice[:2] if d is not None) > 0.6, dice


def test_storage_order_does_not_change_the_result(tiny_run: Path, run_stage: RunStage, tmp_path: Path) -> None:
    volume, _ = person(31, GRID)
    write_nrrd(tmp_path / "a.nrrd", volume)
    write_nrrd(tmp_path / "b.nrrd", Volume(np.ascontiguousarray(volume.data[::-1, ::-1, ::-1]), RIGHT_ANTERIOR))
    run_stage([{"id": n, "inputs": {"volume": tmp_path / f"{n}.nrrd", "weights": tiny_run}} for n in "ab"])
    one, two = (np.asarray(read_nrrd(tmp_path / "out" / n / "labels.seg.nrrd").data) for n in "ab")
    assert np.array_equal(one, two[::-1, ::-1, ::-1]) and one.any()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_and_two_threads_give_the_same_bytes(
    tiny_run: Path, run_stage: RunStage, tmp_path: Path, precision: str
) -> None:
    write_nrrd(tmp_path / "v.nrrd", person(32, FINER)[0])
    for threads in (1, 2):
        run_stage(
            [{"id": "p", "inputs": {"volume": tmp_path / "v.nrrd", "weights": tiny_run}}],
            threads=threads, out=str(threads), precision=precision,
        )  # fmt: skip
    files = [(tmp_path / str(n) / "p" / "labels.seg.nrrd").read_bytes() for n in (1, 2)]
    assert files[0] == files[1]


def test_bad_volumes_among_good_ones(tiny_run: Path, run_stage: RunStage, tmp_path: Path) -> None:
    good, _ = person(33)
    bad = {
        "slice": Volume(good.data[:1], Geometry((48, 40, 1), GRID.spacing_mm, GRID.origin_mm)),
        "flat": Volume(np.full(GRID.shape, 9, np.int16), GRID),
        "bytes": Volume(good.data.astype(np.uint8), GRID),
        "nan": Volume(np.where(good.data > 200, np.nan, good.data).astype(np.float32), GRID),
        "below": Volume(good.data.astype(np.float32) - 50, GRID),
        "good": good,
    }
    for name, volume in bad.items():
        write_nrrd(tmp_path / f"{name}.nrrd", volume)
    (tmp_path / "text.nrrd").write_text("no NRRD")
    items = [
        {"id": n, "inputs": {"volume": tmp_path / f"{n}.nrrd", "weights": tiny_run}} for n in ("text", *bad, "missing")
    ]
    records = run_stage(items)
    assert {name for name, record in records.items() if record["status"] == "ok"} == {"good"}
    for name, record in records.items():
        if name != "good":
            error = record["error"]
            assert error["kind"] == "input" and error["fix"] and "\n" not in json.dumps(error), error
            assert not (tmp_path / "out" / name / "labels.seg.nrrd").exists()


@torch_settings_restored()
def test_a_job_without_any_weights_ends_with_status_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stage, "SHIPPED", tmp_path / "none")
    write_nrrd(tmp_path / "v.nrrd", person(35)[0])
    request = tmp_path / "request.json"
    items = [{"id": "p", "inputs": {"volume": str(tmp_path / "v.nrrd")}}]
    request.write_text(json.dumps({"stage": "spine_segmentation", "items": items, "output": str(tmp_path / "out")}))
    assert main(STAGE_TOML, stage.process, stage.setup_for(request), argv=["run", str(request)]) == 3
    assert capsys.readouterr().err == (
        f"spine_segmentation: environment: {FILE}: is missing; name a model folder as input weights, or train one\n"
    )


def test_damaged_weights_are_the_environments_fault(tiny_run: Path, run_stage: RunStage, tmp_path: Path) -> None:
    write_nrrd(tmp_path / "v.nrrd", person(34)[0])
    shutil.copytree(tiny_run, tmp_path / "weights", ignore=shutil.ignore_patterns("nnunet"))
    with (tmp_path / "weights" / FILE).open("r+b") as stream:
        stream.seek(2000)
        stream.write(b"\xff\xff\xff")
    inputs = {"volume": tmp_path / "v.nrrd", "weights": tmp_path / "weights"}
    error = run_stage([{"id": "p", "inputs": inputs}])["p"]["error"]
    assert (error["kind"], error["where"]) == ("environment", FILE) and "checksum differs" in error["what"]
