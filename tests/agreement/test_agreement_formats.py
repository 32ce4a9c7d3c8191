"""Label maps of other tools, cropped ones and other formats in agreement."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from containers.toolkit.images.crop import OFFSET
from containers.toolkit.images.segmentation import write_segmentation
from tests.agreement.conftest import RunStage
from tests.agreement.test_agreement_stage import GRID, LABELS, NAMES


def cropped(path: Path, low: tuple[int, int, int]) -> Path:
    """LABELS from an index (i, j, k) on, as 3D Slicer saves them."""
    part = LABELS[low[2] :, low[1] :, low[0] :]
    x, y, z = (float(v) for v in GRID.position_mm(low))
    write_segmentation(path, part, replace(GRID, size=part.shape[::-1], origin_mm=(x, y, z)), NAMES)
    text = f"{OFFSET}:={low[0]} {low[1]} {low[2]}".encode()
    path.write_bytes(path.read_bytes().replace(f"{OFFSET}:=0 0 0".encode(), text))
    return path


def test_a_cropped_map_is_compared_where_it_lies(tmp_path: Path, run_stage: RunStage) -> None:
    inside = np.zeros_like(LABELS)
    inside[1:, 2:, 1:] = LABELS[1:, 2:, 1:]
    write_segmentation(tmp_path / "truth.seg.nrrd", inside, GRID, NAMES)
    one = cropped(tmp_path / "labels.seg.nrrd", (1, 2, 1))
    other = cropped(tmp_path / "more.seg.nrrd", (2, 1, 1))
    records = run_stage(
        {
            "whole": {"labels": one, "truth": tmp_path / "truth.seg.nrrd"},
            "both": {"labels": one, "truth": other},
        }
    )
    assert records["whole"]["metrics"]["mean_dice"]["value"] == 1.0
    assert any("cropped to its segments" in line for line in records["whole"]["warnings"])
    shared = LABELS[1:, 2:, 2:]
    for value, name in NAMES.items():
        counts = [np.count_nonzero(part == value) for part in (shared, LABELS[1:, 2:, 1:], LABELS[1:, 1:, 2:])]
        assert records["both"]["metrics"][f"dice.{name}"]["value"] == 2 * counts[0] / (counts[1] + counts[2])


def test_names_beyond_ascii_are_two_classes(tmp_path: Path, run_stage: RunStage) -> None:
    for name, word in (("labels", "缝匠肌"), ("truth", "股骨")):
        write_segmentation(tmp_path / f"{name}.seg.nrrd", LABELS // 2, GRID, {1: word})
    inputs = {name: tmp_path / f"{name}.seg.nrrd" for name in ("labels", "truth")}
    metrics = run_stage({"a": inputs})["a"]["metrics"]
    assert metrics["dice.缝匠肌"]["value"] == 0 and metrics["dice.股骨"]["value"] == 0
    assert metrics["mean_dice"]["value"] == 0


def test_nifti_with_a_table_of_names(tmp_path: Path, run_stage: RunStage) -> None:
    write_segmentation(tmp_path / "truth.seg.nrrd", LABELS, GRID, NAMES)
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "truth.seg.nrrd")), str(tmp_path / "sub-01_dseg.nii.gz"))
    rows = "".join(f"{value}\t{name}\n" for value, name in NAMES.items())
    (tmp_path / "sub-01_dseg.tsv").write_text(f"index\tname\n{rows}")
    inputs = {
        "labels": tmp_path / "sub-01_dseg.nii.gz",
        "labels_names": tmp_path / "sub-01_dseg.tsv",
        "truth": tmp_path / "truth.seg.nrrd",
    }
    assert run_stage({"a": inputs})["a"]["metrics"]["mean_dice"]["value"] == 1.0


def test_grids_that_lie_apart_say_how_far(tmp_path: Path, run_stage: RunStage) -> None:
    write_segmentation(tmp_path / "a.seg.nrrd", LABELS, GRID, NAMES)
    write_segmentation(tmp_path / "b.seg.nrrd", LABELS, replace(GRID, origin_mm=(0.0, 0.016, 0.0)), NAMES)
    error = run_stage({"a": {"labels": tmp_path / "a.seg.nrrd", "truth": tmp_path / "b.seg.nrrd"}})["a"]["error"]
    assert "up to 0.016 mm apart, more than 0.001 mm" in error["what"]
