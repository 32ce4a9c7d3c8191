"""T2-weighted images of water and fat, and the rules next to what is known: against values by hand."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import read_segmentation, write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd
from harness.run.steps import examples
from harness.run.steps.rule_errors import RULES_DETAIL
from harness.run.steps.task import Task, perform, read_record

GRID = Geometry((20, 16, 10), (2.0, 2.0, 4.0), (-19.0, -15.0, 0.0))
SETTINGS = {"te_ms": 81.0, "t2_muscle_ms": 50.0, "t2_fat_ms": 125.0, "gain": 1.0, "snr": 1e6, "seed": 3}
MUSCLE, ADIPOSE = 400.0, 1000.0


def scene() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Labels and the part of fat of each voxel: of each muscle a tenth of the voxels is half fat; fat lies behind."""
    labels, part = np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape)
    for value, columns in ((1, slice(12, 16)), (2, slice(4, 8)), (3, slice(10, 12)), (4, slice(8, 10))):
        labels[:, 2:12, columns] = value
    part[:, 2][labels[:, 2] > 0] = 0.5
    part[:, 12:] = 1.0
    return labels, part


def made(folder: Path, **changes: Any) -> tuple[dict[str, float | None], Any]:
    """Metrics and image of the step; water holds `1 - part` of muscle, fat `part` of adipose tissue."""
    labels, part = scene()
    inputs = {name: folder / f"{name}.nrrd" for name in ("water", "fat")}
    write_nrrd(inputs["water"], Volume((MUSCLE * (1 - part)).astype(np.float32), GRID))
    write_nrrd(inputs["fat"], Volume((ADIPOSE * part).astype(np.float32), GRID))
    inputs["labels"] = folder / "labels.seg.nrrd"
    write_segmentation(inputs["labels"], labels, GRID, SPINE_LABELS)
    out = folder / "out"
    out.mkdir()
    perform(Task("t2_weighted", "a", inputs, {}, {**SETTINGS, **changes}, ("harness.run.steps.t2_weighted",)), out)
    record = read_record(out / "record.json")
    assert record.status == "ok", record.error
    return {name: metric.value for name, metric in record.metrics.items()}, read_nrrd(out / "image.nrrd")


def test_the_signal_is_that_of_both_tissues_with_their_decay(tmp_path: Path) -> None:
    found, image = made(tmp_path, gain=0.5)
    muscle, fat = MUSCLE * np.exp(-81 / 50), 0.5 * ADIPOSE * np.exp(-81 / 125)
    assert found["fat_to_muscle_ratio"] == pytest.approx(fat / muscle)
    _, part = scene()
    expected = muscle * (1 - part) + fat * part
    # Whole numbers up to 4000 of the brightest voxel: half a step is an eight-thousandth of it.
    assert image.data / 4000 == pytest.approx(expected / expected.max(), abs=2 / 8000)
    assert image.data.dtype == np.int16
    assert image.geometry.same_as(GRID)


def test_shares_of_fat_by_signal_and_by_tissue(tmp_path: Path) -> None:
    """A tenth of the voxels is half fat: 5 % by volume; by signal fat counts 1000 for 400."""
    found, _ = made(tmp_path)
    assert (found["muscle_signal"], found["adipose_signal"]) == (MUSCLE, ADIPOSE)
    for name in ("all", *SPINE_LABELS.values()):
        assert found[f"tissue_percent.{name}"] == pytest.approx(5.0)
        assert found[f"signal_percent.{name}"] == pytest.approx(100 * 0.05 * 1000 / (0.05 * 1000 + 0.95 * 400))


def test_noise_is_rician_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    images = []
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        (tmp_path / name).mkdir()
        images.append(made(tmp_path / name, snr=20.0, seed=seed)[1].data.astype(float))
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])
    labels, part = scene()
    lean = images[0][(labels > 0) & (part == 0)]
    assert lean.mean() / lean.std() == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("size", "fat: has other voxels than water"),
        ("no_fat", "water and fat: show no adipose tissue near the labels"),
        ("no_labels", "labels: has no labelled voxel"),
    ],
)
def test_images_that_cannot_serve_are_refused_in_one_line(change: str, said: str, tmp_path: Path) -> None:
    labels, part = scene()
    if change == "no_fat":
        part[:, 12:] = 0.0
    fat = (ADIPOSE * part).astype(np.float32)
    grid = GRID if change != "size" else Geometry((20, 16, 9), GRID.spacing_mm, GRID.origin_mm)
    inputs = {name: tmp_path / f"{name}.nrrd" for name in ("water", "fat")}
    write_nrrd(inputs["water"], Volume((MUSCLE * (1 - part)).astype(np.float32), GRID))
    write_nrrd(inputs["fat"], Volume(fat[:9] if change == "size" else fat, grid))
    inputs["labels"] = tmp_path / "labels.seg.nrrd"
    write_segmentation(inputs["labels"], labels * (change != "no_labels"), GRID, SPINE_LABELS)
    out = tmp_path / "out"
    out.mkdir()
    perform(Task("t2_weighted", "a", inputs, {}, SETTINGS, ("harness.run.steps.t2_weighted",)), out)
    record = read_record(out / "record.json")
    assert record.error is not None
    assert f"{record.error.where}: {record.error.what}" == said


def test_errors_by_rule_are_those_by_hand(tmp_path: Path) -> None:
    """One real person in two images, one phantom; unions of muscles are left out, and so is a rule without a value."""
    rules = {
        "all": {"a": 6.0, "b": 9.0, "none": None},
        "multifidus_left": {"a": 4.0, "b": 8.0},
        "multifidus_right": {"a": 7.0, "b": 8.0},
        "autochthon_left": {"a": 90.0, "b": 90.0},
        "multifidus": {"a": 90.0, "b": 90.0},
    }
    brighter = {name: {rule: v and v + 1 for rule, v in of.items()} for name, of in rules.items()}
    shares = {
        **dict.fromkeys((f"tissue_percent.{name}" for name in rules), 5.0),
        **dict.fromkeys((f"signal_percent.{name}" for name in rules), 10.0),
    }
    truth = {"intermat_percent": 6.5, "intermat_percent.multifidus_left": 3.0, "volume_cm3.multifidus_left": 1.0}
    inputs = {
        "real.one.p": examples.record(tmp_path, "one.json", {}, {RULES_DETAIL: rules}),
        "real.two.p": examples.record(tmp_path, "two.json", {}, {RULES_DETAIL: brighter}),
        "known.one.p": examples.record(tmp_path, "k1.json", shares),
        "known.two.p": examples.record(tmp_path, "k2.json", shares),
        "record.q": examples.record(tmp_path, "q.json", {}, {RULES_DETAIL: rules}),
        "phantom.q": examples.phantom(tmp_path, "nako_participant", {}, truth),
    }
    out = tmp_path / "out"
    out.mkdir()
    parameters = {"left_out": ["one/r"]}
    perform(Task("rule_errors", "rules", inputs, {}, parameters, ("harness.run.steps.rule_errors",)), out)
    record = read_record(out / "record.json")
    assert record.status == "ok", record.error
    found = {name: metric.value for name, metric in record.metrics.items()}
    assert found["bias_real_tissue.a"] == pytest.approx((1 + 2) / 2)
    assert found["worst_real_signal.a"] == pytest.approx(4)
    assert found["bias_real_signal.b"] == pytest.approx((-1 + 0) / 2)
    assert found["rms_real_tissue.a"] == pytest.approx(np.sqrt((1 + 4 + 0 + 9) / 4))
    assert found["bias_phantom.a"] == pytest.approx(-0.5)
    assert found["rms_phantom.b"] == pytest.approx(5)
    assert "bias_phantom.none" not in found
    assert record.warnings == ["left out: one/r has no result"]
    rows = json.loads((out / "errors.json").read_text())["rows"]
    assert {row["structure"] for row in rows} == {"all", "multifidus_left", "multifidus_right"}


def test_masks_of_several_structures_keep_their_names(tmp_path: Path) -> None:
    data = np.zeros((4, 5, 6), np.int16)
    data[1, 2, 3], data[2, 2, 2] = 3, 1
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / "m.nii.gz")
    inputs = {"v": tmp_path / "m.nii.gz", "m": tmp_path / "m.nii.gz"}
    parameters = {"volumes": ["v"], "masks": ["m"], "grid": "v", "structure": "region"}
    for names, said in (({"1": "one", "3": "three"}, ""), ({"1": "one"}, "has the value 3, which has no name")):
        out = tmp_path / f"out{len(names)}"
        out.mkdir()
        task = Task("import_nifti", "a", inputs, {}, {**parameters, "structures": names})
        perform(task, out)
        record = read_record(out / "record.json")
        if said:
            assert record.error is not None
            assert record.error.what == said
        else:
            volume, found = read_segmentation(out / "m.seg.nrrd")
            assert found == {1: "one", 3: "three"}
            assert sorted(np.unique(volume.data)) == [0, 1, 3]
            assert volume.data[3, 2, 1] == 3
