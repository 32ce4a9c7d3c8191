"""Slices to stacks to stations: order, spacing, orientation, repeats, selection. Truth is the field as written."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.contract.errors import ItemFault
from containers.fusion.contrasts import choose, name_stacks
from containers.fusion.dicom_source import Image
from containers.fusion.groups import group_images
from containers.fusion.repeats import Place
from containers.fusion.stack import Stack, build_stack
from containers.fusion.stations import arrange, select
from tests.fusion.dicom_series import Series, dixon_study, lopsided, read_slice

COS, SIN = float(np.cos(0.2)), float(np.sin(0.2))
ORIENTATIONS = {
    "axial, head first": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "axial, feet first": ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "axial, prone": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    "oblique": ((1.0, 0.0, 0.0), (0.0, COS, SIN)),
}


def images_of(*series: Series) -> list[Image]:
    found = [read_slice(data, name) for one in series for name, data in one.files().items()]
    return [Image(*one) for one in found if one is not None]


def stacks_of(*series: Series) -> list[Stack]:
    return [build_stack(group.images)[0] for group in group_images(images_of(*series))]


def arranged(*series: Series, wanted: list[str] | None = None) -> list[Place]:
    named = name_stacks(stacks_of(*series))
    return arrange(named, choose(named, wanted or []))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_voxel_holds_the_field_at_its_position(orientation: str, reverse: bool) -> None:
    row, column = ORIENTATIONS[orientation]
    series = Series(field=lopsided, size=(9, 7, 6), spacing=(2.0, 2.5, 3.0), row_step=row, column_step=column)
    images = images_of(series)
    stack, dropped = build_stack(images[::-1] if reverse else images)
    station = stack.station()
    k, j, i = np.indices(stack.geometry.shape)
    points = stack.geometry.position_mm(np.stack([i, j, k], axis=-1))
    truth = lopsided(points[..., 0], points[..., 1], points[..., 2])
    assert dropped == 0
    assert np.abs(station.data - truth).max() <= 0.51  # stored values are rounded
    for axis, direction in enumerate(stack.geometry.directions):
        assert direction[axis] > 0.9, "axes run nearest to left, posterior, superior"


def test_spacing_is_the_median_slice_distance_not_the_thickness_tag() -> None:
    def thick(dataset: Any, k: int) -> None:
        dataset.SliceThickness = 9.0
        dataset.SpacingBetweenSlices = 7.0
        dataset.ImagePositionPatient[2] += [0, 0.2, -0.2, 0, 0.1, 0, 0, 0][k]

    (stack,) = stacks_of(Series(edit=thick))
    assert stack.geometry.spacing_mm == pytest.approx((2.0, 2.0, 3.0), abs=0.05)


def test_rescale_of_each_slice_is_applied_before_anything_is_interpolated() -> None:
    def per_slice(dataset: Any, k: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = 1 + k, -10 * k

    (plain,) = stacks_of(Series())
    (scaled,) = stacks_of(Series(edit=per_slice))
    station = scaled.station()
    k = np.arange(8, dtype=np.float32)[:, None, None]
    assert (station.slope, station.intercept) == (1.0, 0.0)
    np.testing.assert_allclose(station.data, plain.station().data * (1 + k) - 10 * k, rtol=1e-6)


def test_unsigned_values_above_int16_survive() -> None:
    (stack,) = stacks_of(Series(field=lambda x, y, z: 60000 + x, unsigned=True))
    assert stack.station().data.max() == 60011


def test_identical_repeated_slices_are_dropped_and_different_ones_refused() -> None:
    once = images_of(Series())
    stack, dropped = build_stack([*once, once[3]])
    assert (dropped, len(stack.images)) == (1, 8)
    other = Image(once[3].header, once[3].pixels + np.int16(1))
    with pytest.raises(ItemFault, match="two different slices at one position"):
        build_stack([*once, other])


@pytest.mark.parametrize("lost", [1, 4, 6])
def test_a_missing_slice_is_named_with_its_gap(lost: int) -> None:
    images = images_of(Series())
    with pytest.raises(ItemFault, match=rf"gap of 6.00 mm between s01e1_00{lost - 1}.dcm and s01e1_00{lost + 1}.dcm"):
        build_stack(images[:lost] + images[lost + 1 :])


def test_echoes_and_image_types_of_one_series_are_not_mixed() -> None:
    parts = [
        Series(
            uid="1.2.3", echo_time=te, echo_number=n, image_type=("ORIGINAL", "PRIMARY", kind, "ND"), names=f"{kind}{n}"
        )
        for n, te in ((1, 2.46), (2, 4.92))
        for kind in ("M", "P")
    ]
    named = name_stacks(stacks_of(*parts))
    assert {name: len(stacks) for name, stacks in named.items()} == {
        "contrast.echo_1": 1,
        "contrast.echo_2": 1,
        "contrast.echo_1_phase": 1,
        "contrast.echo_2_phase": 1,
    }
    assert named["contrast.echo_2"][0].header.echo_time_ms == 4.92
    assert all(len(stack.images) == 8 for stacks in named.values() for stack in stacks)


def test_two_dixon_echoes_in_one_series_are_told_apart_by_image_type() -> None:
    parts = [
        Series(
            uid="1.2.3", description="Dixon_in", echo_time=te, image_type=("ORIGINAL", "PRIMARY", "M", kind), names=kind
        )
        for te, kind in ((2.39, "OPP_PHASE"), (4.77, "IN_PHASE"))
    ]
    named = name_stacks(stacks_of(*parts))
    assert {name: stacks[0].header.echo_time_ms for name, stacks in named.items()} == {
        "in_phase": 4.77,
        "opposed_phase": 2.39,
    }


def test_localizer_planes_in_one_series_are_split() -> None:
    planes = [
        Series(uid="1.2.3", row_step=row, column_step=column, names=name.replace(", ", "_"), number=1)
        for name, (row, column) in ORIENTATIONS.items()
        if name in ("axial, head first", "coronal", "sagittal")
    ]
    assert set(name_stacks(stacks_of(*planes))) == {"contrast.t1_axial", "contrast.t1_coronal", "contrast.t1_sagittal"}


@pytest.mark.parametrize(
    ("description", "words", "name"),
    [
        ("Dixon_noBH_F", (), "fat"),
        ("Dixon_BH_17s_W", (), "water"),
        ("Dixon_BH_17s_in", (), "in_phase"),
        ("Dixon_BH_17s_opp", (), "opposed_phase"),
        ("vibe", ("DIXON", "WATER"), "water"),
        ("vibe", ("OUT_PHASE",), "opposed_phase"),
        ("mDIXON-All", ("W",), "water"),
        ("mDIXON-All", ("IP",), "in_phase"),
        ("mDIXON-All", ("OP",), "opposed_phase"),
        ("mDIXON-Quant", ("FF",), "contrast.fat_fraction"),
        ("mDIXON-Quant", ("DIXON", "FAT_FRACTION"), "contrast.fat_fraction"),
        ("WATER: Ax LAVA-Flex", (), "water"),
        ("FAT: Ax LAVA-Flex", (), "fat"),
        ("InPhase: Ax LAVA-Flex", (), "in_phase"),
        ("OutPhase: Ax LAVA-Flex", (), "opposed_phase"),
        ("FatFrac: 3D Ax IDEAL IQ", (), "contrast.fat_fraction"),
        ("R2*: 3D Ax IDEAL IQ", (), "contrast.r2_star"),
        ("qDixon_abdomen_FF", (), "contrast.fat_fraction"),
        ("qDixon_abdomen_R2star", (), "contrast.r2_star"),
        ("dixon_out_of_phase_OP", (), "opposed_phase"),
        ("S: sagittal", (), "contrast.s_sagittal"),
        ("W: of one letter nothing is told", (), "contrast.w_of_one_letter_nothing_is_told"),
        ("t2_tse_W", (), "contrast.t2_tse_w"),
        ("T1 vibe (fs)", (), "contrast.t1_vibe_fs"),
    ],
)
def test_names_of_contrasts(description: str, words: tuple[str, ...], name: str) -> None:
    series = Series(description=description, image_type=("ORIGINAL", "PRIMARY", "M", *words))
    assert list(name_stacks(stacks_of(series))) == [name]


def repeat(series: list[Series], number: int, **changes: Any) -> list[Series]:
    """The series with a second acquisition of the station `number` (from 0), jittered by 0.4 mm."""
    again = [
        replace(s, number=s.number + 100, origin=(s.origin[0] + 0.4, s.origin[1], s.origin[2] - 0.4), **changes)
        for s in series[4 * number : 4 * number + 4]
    ]
    return [*series, *again]


@pytest.mark.parametrize(
    ("date", "time", "new_date", "new_time", "repeat_wins"),
    [
        ("20240102", "101500", "20240102", "103000.5", True),
        ("20240102", "103000.5", "20240102", "101500", False),
        ("20240102", "235950", "20240103", "000010", True),
        ("", "235950", "", "000010", True),
        ("", "000010", "", "235950", False),
        ("20240103", "000010", "20240102", "235950", False),
    ],
)
def test_the_latest_repeat_is_kept(date: str, time: str, new_date: str, new_time: str, repeat_wins: bool) -> None:
    study = [replace(s, date=date, time=time) for s in dixon_study(stations=2)]
    places = arranged(*repeat(study, 1, date=new_date, time=new_time))
    assert len(places) == 2
    assert all((int(s.header.series_number) > 100) == repeat_wins for s in places[1].kept.values())
    assert len(places[1].dropped()) == 4


def test_a_repeat_without_all_contrasts_is_not_mixed_with_the_older_one() -> None:
    study = repeat(dixon_study(stations=2), 0, time="120000")[:-1]
    places = arranged(*study)
    assert all(int(s.header.series_number) < 100 for s in places[0].kept.values())


def test_a_table_step_is_no_repeat() -> None:
    study = [replace(s, origin=(-11.0, -9.0, -6.0 * n)) for n, s in enumerate(dixon_study(stations=1))]
    named = name_stacks(stacks_of(*[replace(s, description="t1", image_type=("O", "P", "M")) for s in study]))
    assert len(arrange(named, list(named))) == 4


def numbers(places: list[Place], chosen: list[Place]) -> list[int]:
    return [places.index(place) + 1 for place in chosen]


def test_stations_are_ordered_and_chosen_from_superior_to_inferior() -> None:
    places = arranged(*reversed(dixon_study(stations=6)))
    heights = [place.first.z_range_mm()[0] for place in places]
    assert heights == sorted(heights, reverse=True)
    for stations, expected in {
        "auto": [3, 4, 5, 6],
        "pelvis_to_knee": [3, 4, 5, 6],
        "all": [1, 2, 3, 4, 5, 6],
        "2,3": [2, 3],
    }.items():
        chosen, warnings = select(places, stations, dixon=True)
        assert numbers(places, chosen) == expected
        assert not warnings


@pytest.mark.parametrize("lost", range(6))
def test_five_of_six_is_a_fault_unless_asked_for(lost: int) -> None:
    study = dixon_study(stations=6)
    places = arranged(*study[: 4 * lost], *study[4 * lost + 4 :])
    for stations in ("auto", "pelvis_to_knee"):
        with pytest.raises(ItemFault, match="5 stations found where neck to knee has 6"):
            select(places, stations, dixon=True)
    chosen, warnings = select(places, "1,2,3,4,5", dixon=True)
    assert len(chosen) == 5
    assert bool(warnings) == (0 < lost < 5), "an inner gap is said, though it was asked for"


def test_a_gap_among_fewer_stations_is_a_fault() -> None:
    study = dixon_study(stations=3)
    places = arranged(*study[:4], *study[8:])
    with pytest.raises(ItemFault, match="a station is missing: gap of 15 mm from z 0 to -15 mm"):
        select(places, "all", dixon=True)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(24)))
def test_file_order_does_not_matter(order: list[int]) -> None:
    images = [image for s in dixon_study(stations=3)[::4] for image in CACHED[s.number]]
    shuffled = [images[n] for n in order]
    named = name_stacks([build_stack(group.images)[0] for group in group_images(shuffled)])
    places = arrange(named, ["in_phase"])
    assert [int(p.first.header.series_number) for p in places] == [1, 5, 9]
    assert [[i.header.file for i in p.first.images] for p in places] == [
        [f"s{n:02d}e1_{k:03d}.dcm" for k in range(8)] for n in (1, 5, 9)
    ]


CACHED = {s.number: images_of(s) for s in dixon_study(stations=3)[::4]}


@pytest.mark.parametrize("step", [0.0, 24.0])
def test_series_of_equal_echoes_are_two_things_at_one_place_and_stations_elsewhere(step: float) -> None:
    series = [
        Series(number=number, description=name, echo_time=time, echo_number=n, uid=f"1.2.{number}", origin=(0, 0, z))
        for number, name, z in ((1, "gre_before", 0.0), (2, "gre_after", step))
        for n, time in ((1, 2.46), (2, 4.92))
    ]
    found = set(name_stacks(stacks_of(*series)))
    both = {f"contrast.gre_{when}_echo_{n}" for when in ("before", "after") for n in (1, 2)}
    assert found == ({"contrast.echo_1", "contrast.echo_2"} if step else both)


def test_maps_beside_the_contrasts_are_not_taken_for_them() -> None:
    """NAKO's qDixon: water, fat, both phases, and the scanner's own fat fraction and R2* with the same description."""
    study = [
        Series(number=n, description=f"qDixon_{end}") for n, end in enumerate(("W", "F", "in", "opp", "FF", "R2s"), 1)
    ]
    named = name_stacks(stacks_of(*study))
    assert set(named) == {"water", "fat", "in_phase", "opposed_phase", "contrast.fat_fraction", "contrast.r2_star"}
    assert all(len(stacks) == 1 for stacks in named.values())
    assert choose(named, []) == ["water", "fat", "in_phase", "opposed_phase"]
    assert choose(named, ["all"]) == list(named)
    assert choose({"water": []}, ["all"]) == ["water"]
