"""Quality control: what is found in label maps with known faults."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import containers.spine_segmentation
from containers.contract.spec import load_spec
from containers.contract.stage import Result
from containers.spine_segmentation.qc import check_labels, middle_line, wrong_side_percent
from containers.toolkit.images.labels import SPINE_LABELS
from tests.spine_segmentation.people import GRID, person

SPEC = load_spec(Path(containers.spine_segmentation.__file__).with_name("stage.toml"))
VOXEL_CM3 = 0.96


def checked(labels: npt.NDArray[np.uint8]) -> Result:
    """The result after the control of a label map."""
    result = Result(Path(), SPEC)
    check_labels(labels, VOXEL_CM3, SPINE_LABELS, result)
    return result


@pytest.fixture
def labels() -> npt.NDArray[np.uint8]:
    """A right label map: that of a person, whose grid is turned already."""
    return person(3, GRID)[1]


def test_a_right_map_raises_no_flag(labels: npt.NDArray[np.uint8]) -> None:
    result = checked(labels)
    assert result.warnings == [] and result.metrics["flags"].value == 0
    for value, name in SPINE_LABELS.items():
        assert result.metrics[f"volume_cm3.{name}"].value == pytest.approx(np.sum(labels == value) * VOXEL_CM3)
        assert result.metrics[f"parts.{name}"].value == 1


def test_an_empty_muscle_is_found(labels: npt.NDArray[np.uint8]) -> None:
    labels[labels == 4] = 0
    result = checked(labels)
    assert "multifidus_right: no voxel" in result.warnings
    assert result.metrics["structures_found"].value == 3
    assert result.metrics["side_ratio.multifidus"].value == 0.0


def test_an_empty_map_is_found_and_has_notes_where_nothing_can_be_said() -> None:
    result = checked(np.zeros(GRID.shape, np.uint8))
    assert result.metrics["flags"].value == 4
    assert result.metrics["side_ratio.multifidus"].value is None and result.metrics["side_ratio.multifidus"].note


def test_exchanged_sides_are_found(labels: npt.NDArray[np.uint8]) -> None:
    result = checked(np.array([0, 2, 1, 4, 3], np.uint8)[labels])
    assert sum("on the other side of the middle" in line for line in result.warnings) == 4


def test_a_part_labelled_with_the_other_side_is_measured(labels: npt.NDArray[np.uint8]) -> None:
    """Slices 0 to 3 of one muscle carry the other side's label."""
    labels[:4][labels[:4] == 1] = 2
    result = checked(labels)
    share = 100 * np.sum(labels[:4] == 2) / 2 / np.sum(labels == 2)
    assert result.metrics["wrong_side_percent.erector_spinae_right"].value == pytest.approx(share, abs=2.0)
    assert result.metrics["wrong_side_percent.erector_spinae_left"].value == pytest.approx(0.0, abs=1.0)


def test_a_second_part_is_found(labels: npt.NDArray[np.uint8]) -> None:
    labels[0:3, 2:6, 2:6] = 2
    result = checked(labels)
    assert result.metrics["parts.erector_spinae_right"].value == 2
    assert result.metrics["stray_percent.erector_spinae_right"].value == pytest.approx(
        100 * 48 / np.sum(labels == 2), rel=1e-9
    )
    assert any("outside its largest part" in line for line in result.warnings)


def test_the_middle_follows_a_bent_spine() -> None:
    labels = np.zeros((40, 4, 80), np.uint8)
    bend = np.rint(40 + 8 * np.sin(np.linspace(0, 2.5, 40))).astype(int)
    for z, x in enumerate(bend):
        labels[z, :, x + 2 : x + 12] = 1
        labels[z, :, x - 11 : x - 1] = 2
    middle = middle_line(labels, {1: "multifidus_left", 2: "multifidus_right"})
    assert middle is not None and np.abs(middle - bend).max() < 1.5
    assert wrong_side_percent(labels == 1, True, 0, middle) == 0.0
    assert wrong_side_percent(labels == 1, False, 0, middle) == 100.0
