"""Images to groups, and what the headers say of slices that positions alone cannot: acquisitions, missing slices."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.fusion.stack import build_stack
from containers.toolkit.images.volume import read_nrrd
from tests.fusion.dicom_series import Series, all_files, dixon_study, linear, run_stage, write_folder
from tests.fusion.test_stacks import images_of, stacks_of


def tagged(**tags: Any) -> Any:
    """An edit that sets tags; a function as value gets the slice number."""

    def edit(dataset: Any, k: int) -> None:
        for keyword, value in tags.items():
            setattr(dataset, keyword, value(k) if callable(value) else value)

    return edit


def interleaved(tags: tuple[dict[str, Any], dict[str, Any]], shift: float = 1.5) -> list[Series]:
    """Two acquisitions in one series, the second `shift` mm higher and brighter by 500."""
    one = Series(uid="1.2.3", edit=tagged(**tags[0]))
    two = replace(one, names="two", edit=tagged(**tags[1]), origin=(-11.0, -9.0, shift))
    return [one, replace(two, field=lambda x, y, z: linear(x, y, z) + 500)]


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "TemporalPositionIdentifier"])
@pytest.mark.parametrize("other", [{}, {"SliceThickness": 3.0}])
def test_interleaved_acquisitions_of_one_series_are_told_apart(keyword: str, other: dict[str, Any]) -> None:
    stacks = stacks_of(*interleaved(({keyword: 1, **other}, {keyword: 2, **other})))
    assert [len(stack.images) for stack in stacks] == [8, 8]
    assert [stack.geometry.spacing_mm[2] for stack in stacks] == [3.0, 3.0]
    means = sorted(float(stack.station().data.mean()) for stack in stacks)
    assert means[1] - means[0] == pytest.approx(501.5, abs=1)


def test_a_number_that_varies_by_slice_does_not_hide_the_other(tmp_path: Path) -> None:
    tags = [{"TemporalPositionIdentifier": n, "AcquisitionNumber": lambda k: k + 1} for n in (1, 2)]
    assert [len(s.images) for s in stacks_of(*interleaved((tags[0], tags[1])))] == [8, 8]


def test_two_acquisitions_at_one_place_in_one_series_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", all_files(interleaved(({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}))))
    error = run_stage(tmp_path / "out", {"a": folder})["a"]["error"]
    assert "holds two acquisitions of t1 at one place" in error["what"]
    assert error["where"].startswith("series 1 (t1")


@pytest.mark.parametrize(
    "number",
    [lambda k: k + 1, lambda k: 1 + k // 4, lambda k: 1 + k % 2],
    ids=["by slice", "by slab", "by pass of interleaved slices"],
)
def test_numbers_within_one_acquisition_do_not_split_it(number: Any) -> None:
    (stack,) = stacks_of(Series(edit=tagged(AcquisitionNumber=number, SliceThickness=3.0)))
    assert len(stack.images) == 8
    assert not stack.warnings


def test_interleaved_acquisitions_without_any_tag_are_said() -> None:
    (stack,) = stacks_of(*interleaved(({}, {})))
    assert any("every instance number is used more than once" in line for line in stack.warnings)
    spacing = {"SpacingBetweenSlices": 3.0, "InstanceNumber": 1}
    (stack,) = stacks_of(*interleaved((spacing, spacing)))
    assert any("two acquisitions in one series" in line for line in stack.warnings)


@pytest.mark.parametrize("tags", [{"SpacingBetweenSlices": 3.0}, {"SliceThickness": 3.0}])
def test_every_second_slice_missing_is_a_fault(tags: dict[str, float]) -> None:
    images = images_of(Series(size=(12, 10, 16), edit=tagged(**tags)))
    assert not build_stack(images)[0].warnings
    with pytest.raises(ItemFault, match=r"6.00 mm apart where its header says 3.00 mm \(every second") as caught:
        build_stack(images[::2])
    assert caught.value.where.startswith("series 1 (t1")
    with pytest.raises(ItemFault, match=r"9.00 mm apart .* \(two of three slices are missing"):
        build_stack(images[::3])


@pytest.mark.parametrize("downwards", [False, True])
def test_true_gaps_between_thin_slices_are_said_and_not_refused(downwards: bool) -> None:
    """Slices of 5 mm every 20 mm, numbered without holes."""
    numbers = tagged(SliceThickness=5.0, InstanceNumber=lambda k: 8 - k if downwards else 1 + k)
    stack, _ = build_stack(images_of(Series(spacing=(2.0, 2.0, 20.0), edit=numbers)))
    assert stack.geometry.spacing_mm[2] == pytest.approx(20.0)
    assert any("20.00 mm apart and 5.00 mm thick" in line for line in stack.warnings)


def test_a_tilted_gantry_is_named_with_its_angle() -> None:
    def tilted(dataset: Any, k: int) -> None:
        dataset.ImagePositionPatient = [-11.0, -9.0 + 0.8 * k, 3.0 * k]

    with pytest.raises(ItemFault, match=r"is sheared: each slice lies 0.80 mm further .* 14.9 degrees"):
        build_stack(images_of(Series(edit=tilted)))

    def scattered(dataset: Any, k: int) -> None:
        dataset.ImagePositionPatient = [-11.0, -9.0 + 4.0 * (k % 2), 3.0 * k]

    with pytest.raises(ItemFault, match="off the line along the slice normal"):
        build_stack(images_of(Series(edit=scattered)))


@pytest.mark.parametrize(
    ("tags", "line"),
    [
        ({"LossyImageCompression": "01"}, "compressed with loss"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "shown inverted (MONOCHROME1)"),
    ],
)
def test_what_spoils_the_values_of_a_series_is_said(tags: dict[str, str], line: str) -> None:
    (stack,) = stacks_of(Series(edit=tagged(**tags)))
    assert len(stack.warnings) == 1 and line in stack.warnings[0]


def test_a_thickness_above_the_spacing_makes_it_a_warning() -> None:
    """Slices that overlap: the gap may be real only by SpacingBetweenSlices, which not all software fills rightly."""
    images = images_of(Series(size=(12, 10, 16), edit=tagged(SpacingBetweenSlices=3.0, SliceThickness=6.0)))
    assert not build_stack(images)[0].warnings
    (line,) = build_stack(images[::2])[0].warnings
    assert "6.00 mm apart where SpacingBetweenSlices says 3.00 mm (slices missing?)" in line


def test_echo_times_that_differ_by_a_microsecond_are_one_echo() -> None:
    (stack,) = stacks_of(Series(edit=tagged(EchoTime=lambda k: 2.391 if k % 3 == 0 else 2.39)))
    assert len(stack.images) == 8
    assert stack.header.echo_time_ms == 2.39
    assert len(stacks_of(Series(edit=tagged(EchoTime=lambda k: 2.39 if k % 2 else 2.49)))) == 2


def test_a_broken_series_of_another_contrast_is_only_said(tmp_path: Path) -> None:
    def matrix(dataset: Any, k: int) -> None:
        if k == 3:
            dataset.Rows, dataset.PixelData = 8, b"\0" * 8 * 12 * 2

    gap = Series(number=70, description="t2").files()
    del gap["s70e1_004.dcm"]
    broken = {**gap, **Series(number=71, description="t2b", edit=matrix).files()}
    files = {**all_files(dixon_study(stations=2)), **broken}
    folder = write_folder(tmp_path / "in", files)
    records = {
        name: run_stage(tmp_path / name, {"a": folder}, **parameters)["a"]
        for name, parameters in {"dixon": {}, "t2": {"contrasts": ["t2"]}, "t2b": {"contrasts": ["t2b"]}}.items()
    }
    assert records["dixon"]["status"] == "ok", records["dixon"]["error"]
    for what, series in (("missing slices", "series 70 (t2,"), ("inconsistent matrix", "series 71 (t2b,")):
        assert any(what in line and line.startswith(series) for line in records["dixon"]["warnings"])
    assert "missing slices" in records["t2"]["error"]["what"]
    assert "inconsistent matrix" in records["t2b"]["error"]["what"]
    assert (read_nrrd(tmp_path / "dixon" / "a" / "water.nrrd").data > 0).all()


def at(depths: list[float], aside: list[float] | None = None) -> Series:
    """Slices at these positions along z, and moved aside along x."""

    def edit(dataset: Any, k: int) -> None:
        x = -11.0 + (aside[k] if aside else 0.0)
        dataset.ImagePositionPatient = [f"{x:.6f}", "-9", f"{depths[k]:.6f}"]

    return Series(size=(12, 10, len(depths)), edit=edit)


def test_spacing_is_the_median_and_not_the_mean() -> None:
    (stack,) = stacks_of(at([0, 3, 6, 9, 12.6, 15.6, 18.6, 21.6]))
    assert stack.geometry.spacing_mm[2] == pytest.approx(3.0, abs=1e-9)


def test_one_slice_off_does_not_move_the_stack() -> None:
    """By least squares a first slice 0.4 mm off moves a stack of 8 by 0.4 / 8."""
    (stack,) = stacks_of(at([0.4, 3, 6, 9, 12, 15, 18, 21]))
    assert stack.geometry.origin_mm[2] == pytest.approx(0.05, abs=1e-9)
    (stack,) = stacks_of(at([3.0 * k for k in range(8)], aside=[0.16, 0, 0, 0, 0, 0, 0, 0]))
    assert stack.geometry.origin_mm[0] == pytest.approx(-10.98, abs=1e-9)
    assert not stack.warnings


@pytest.mark.parametrize(("spacing", "warned"), [(3.03, True), (3.0, False)])
def test_a_length_lost_to_rounded_positions_is_said(spacing: float, warned: bool) -> None:
    """Positions rounded to 0.1 mm: the median distance is 3.0, and 39 distances of 3.03 mm lose 1.2 mm."""
    (stack,) = stacks_of(at(np.round(np.arange(40) * spacing, 1).tolist()))
    assert stack.geometry.spacing_mm[2] == pytest.approx(3.0)
    assert bool(stack.warnings) == warned
    assert not warned or "3.000 mm makes it 1.20 mm shorter" in stack.warnings[0]


@pytest.mark.parametrize(("slope", "warned"), [(0.12, True), (0.02, False)])
def test_a_sheared_stack_that_is_straightened_is_said(slope: float, warned: bool, tmp_path: Path) -> None:
    sheared = at([3.0 * k for k in range(16)], aside=[slope * k for k in range(16)])
    record = run_stage(tmp_path / "out", {"a": write_folder(tmp_path / "in", sheared.files())})["a"]
    assert [line for line in record["warnings"] if "sideways" in line] == (
        ["series 1 (t1, TE 2.39 ms): slices were moved by up to 0.90 mm sideways onto one axis (sheared stack)"]
        if warned
        else []
    )
