"""The same item in other formats, orders of axes and croppings gives the same numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from containers.toolkit.images.crop import OFFSET
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from tests.composition.back_boxes import GRID, Back, back_image, back_labels, streaks
from tests.composition.conftest import RunStage

LABELS = back_labels()
IMAGE = back_image(LABELS, streaks(LABELS))


def numbers(record: dict[str, Any]) -> dict[str, Any]:
    assert record["status"] == "ok", record["error"]
    return {name: metric["value"] for name, metric in record["metrics"].items()}


def reordered(axes: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, Geometry]:
    """Labels, image and grid with old axes (0 = i) as new i, j, k."""
    order = tuple(2 - axis for axis in reversed(axes))
    grid = Geometry(
        size=tuple(GRID.size[a] for a in axes),
        spacing_mm=tuple(GRID.spacing_mm[a] for a in axes),
        origin_mm=GRID.origin_mm,
        directions=tuple(GRID.directions[a] for a in axes),
    )
    return LABELS.transpose(order), IMAGE.transpose(order), grid


@pytest.mark.parametrize("axes", [(1, 2, 0), (2, 0, 1)])
def test_axial_slices_in_another_order_of_axes(tmp_path: Path, run_stage: RunStage, axes: tuple[int, int, int]) -> None:
    labels, image, grid = reordered(axes)
    usual = Back(tmp_path / "a").item("usual")
    other = Back(tmp_path / "b", labels=labels, image=image, grid=grid, image_grid=grid).item("other")
    records = run_stage([usual, other])
    assert numbers(records["other"]) == pytest.approx(numbers(records["usual"]), rel=1e-9)


def test_slices_that_are_thick_in_another_direction_are_not_axial(tmp_path: Path, run_stage: RunStage) -> None:
    labels, image, grid = reordered((1, 2, 0))
    grid = replace(grid, spacing_mm=(2.0, 2.0, 5.0))
    item = Back(tmp_path / "b", labels=labels, image=image, grid=grid, image_grid=grid).item("thick")
    assert "follow each other left-right" in run_stage([item])["thick"]["error"]["what"]


def test_labels_that_were_cropped_to_their_segments(tmp_path: Path, run_stage: RunStage) -> None:
    usual, other = Back(tmp_path / "a").item("usual"), Back(tmp_path / "b").item("other")
    k, j, i = (slice(int(n.min()), int(n.max()) + 1) for n in np.nonzero(LABELS))
    part, low = LABELS[k, j, i], (i.start, j.start, k.start)
    x, y, z = (float(v) for v in GRID.position_mm(low))
    grid = replace(GRID, size=part.shape[::-1], origin_mm=(x, y, z))
    path = other["inputs"]["labels"]
    write_segmentation(path, part, grid, SPINE_LABELS)
    text = path.read_bytes().replace(f"{OFFSET}:=0 0 0".encode(), f"{OFFSET}:={low[0]} {low[1]} {low[2]}".encode())
    path.write_bytes(text)
    records = run_stage([usual, other])
    assert numbers(records["other"]) == pytest.approx(numbers(records["usual"]), rel=1e-9)
    assert any("was cropped to its segments and is padded" in line for line in records["other"]["warnings"])
    path.write_bytes(text.replace(f"{low[0]} {low[1]} {low[2]}\n".encode(), b"0 0 0\n"))
    assert "spans 74 x 40 x 50 mm, where a body needs 60 x 60" in run_stage([other])["other"]["error"]["what"]


def test_nifti_in_gives_what_nrrd_gives(tmp_path: Path, run_stage: RunStage) -> None:
    usual, other = Back(tmp_path / "a").item("usual"), Back(tmp_path / "b").item("other")
    for name in ("labels", "image"):
        path = other["inputs"][name]
        sitk.WriteImage(sitk.ReadImage(str(path)), str(tmp_path / f"{name}.nii.gz"))
        other["inputs"][name] = tmp_path / f"{name}.nii.gz"
    assert "has no names of its labels" in run_stage([other])["other"]["error"]["what"]
    table = tmp_path / "labels.json"
    table.write_text(json.dumps({"LabelMap": {str(value): name for value, name in SPINE_LABELS.items()}}))
    other["inputs"]["labels_names"] = table
    records = run_stage([usual, other])
    assert numbers(records["other"]) == pytest.approx(numbers(records["usual"]), rel=1e-5)  # float32 coordinates


def test_water_and_fat_on_grids_apart_say_how_far(tmp_path: Path, run_stage: RunStage) -> None:
    labels = np.ones(GRID.shape, np.uint8)
    write_segmentation(tmp_path / "l.seg.nrrd", labels, GRID, {1: "gracilis"})
    write_nrrd(tmp_path / "w.nrrd", Volume(IMAGE, GRID))
    write_nrrd(tmp_path / "f.nrrd", Volume(IMAGE, replace(GRID, origin_mm=(-63.0, -46.8, 100.0))))
    inputs = {"labels": tmp_path / "l.seg.nrrd", "water": tmp_path / "w.nrrd", "fat": tmp_path / "f.nrrd"}
    error = run_stage([{"id": "a", "inputs": inputs}])["a"]["error"]
    assert "are not on the same grid: it has another origin (up to 0.2 mm apart" in error["what"]
