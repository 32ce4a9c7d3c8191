"""Repeats of a station: one acquisition is kept whole, the latest that is complete; moved repeats are not stations."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.fusion.contrasts import choose, name_stacks
from containers.fusion.groups import group_images
from containers.fusion.repeats import Place
from containers.fusion.stack import build_stack
from containers.fusion.stations import arrange, select
from containers.toolkit.images.volume import read_nrrd
from tests.fusion.dicom_series import DIXON, TYPES, Series, all_files, dixon_study, run_stage, write_folder
from tests.fusion.test_stacks import images_of


def acquisition(number: int, suffixes: str, time: str, level: int = 0, **changes: Any) -> list[Series]:
    """One acquisition of a station: the Dixon contrasts named in `suffixes`, all of the constant value `level`."""
    return [
        Series(
            field=lambda x, y, z: level + 0 * x,
            number=10 * number + place,
            description=f"Dixon_{suffix}",
            image_type=("DERIVED", "PRIMARY", "DIXON", TYPES[suffix]),
            time=time,
            **changes,
        )
        for place, suffix in enumerate(DIXON)
        if suffix in suffixes.split()
    ]


def arranged(series: list[Series], contrasts: list[str] | None = None) -> list[Place]:
    named = name_stacks([build_stack(group.images)[0] for group in group_images(images_of(*series))])
    return arrange(named, choose(named, contrasts or []))


def kept_acquisitions(place: Place) -> set[int]:
    return {int(stack.header.series_number) // 10 for stack in place.kept.values()}


ALL = "in opp F W"


@pytest.mark.parametrize(
    ("second", "third", "kept", "newer_incomplete"),
    [
        ("in opp W", "in opp F", 1, 2),
        (ALL, "in opp F", 2, 1),
        ("in opp F", ALL, 3, 0),
        (ALL, ALL, 3, 0),
        ("W", "F", 1, 2),
        ("in opp", "F W", 1, 2),
    ],
)
def test_all_contrasts_come_from_the_latest_complete_acquisition(
    second: str, third: str, kept: int, newer_incomplete: int
) -> None:
    series = acquisition(1, ALL, "101500") + acquisition(2, second, "102000") + acquisition(3, third, "103000")
    for order in (series, series[::-1]):
        (place,) = arranged(order)
        assert kept_acquisitions(place) == {kept}
        assert set(place.kept) == set(DIXON.values())
        assert len(place.warnings) == newer_incomplete
        assert all("a later repeat is incomplete and was dropped: series" in line for line in place.warnings)
        assert place.newer_dropped() == 0
        assert len(place.dropped()) == len(series) - 4


def test_series_of_one_acquisition_may_start_seconds_apart() -> None:
    first = [replace(s, time=f"10150{n}.5") for n, s in enumerate(acquisition(1, ALL, ""))]
    second = [replace(s, time=f"10153{n}.5") for n, s in enumerate(acquisition(2, ALL, ""))]
    (place,) = arranged(second + first)
    assert kept_acquisitions(place) == {2}
    assert [repeat.complete for repeat in place.repeats] == [True, True]


def test_repeats_of_which_none_is_complete_are_refused() -> None:
    series = acquisition(1, "in opp F", "101500") + acquisition(2, "in opp W", "102000")
    with pytest.raises(ItemFault) as caught:
        arranged(series)
    assert "none of the 2 repeats of its station has every contrast" in caught.value.what
    assert "series 10, 11, 12 without water; series 20, 21, 23 without fat" in caught.value.what
    assert caught.value.where.startswith("series 20 (Dixon_in") and caught.value.fix


def test_halves_of_two_acquisitions_are_said_though_nothing_is_repeated() -> None:
    (place,) = arranged(acquisition(1, "in opp", "101500") + acquisition(2, "F W", "102000"))
    assert len(place.warnings) == 1 and "comes from 2 acquisitions" in place.warnings[0]
    (place,) = arranged(acquisition(1, ALL, "101500"))
    assert not place.warnings


def test_the_count_of_dropped_newer_repeats_tells_a_wrong_choice() -> None:
    series = acquisition(1, ALL, "101500") + acquisition(2, ALL, "102000") + acquisition(3, ALL, "103000")
    (place,) = arranged(series)
    assert place.newer_dropped() == 0
    place.kept = dict(place.repeats[0].stacks)
    assert place.newer_dropped() == 2


def test_unrelated_contrasts_are_resolved_each_by_its_own_repeats() -> None:
    t1, t2 = Series(number=1, description="t1"), Series(number=2, description="t2", time="110000")
    (place,) = arranged([t1, t2, replace(t1, number=3, time="103000")])
    assert {name: stack.header.series_number for name, stack in place.kept.items()} == {
        "contrast.t1": "3",
        "contrast.t2": "2",
    }


def test_echoes_of_one_series_are_one_acquisition() -> None:
    def series(number: int, time: str, echoes: tuple[int, ...]) -> list[Series]:
        return [
            Series(number=number, time=time, echo_number=n, echo_time=2.46 * n, description="gre", names=f"{number}{n}")
            for n in echoes
        ]

    (place,) = arranged([*series(1, "101500", (1, 2)), *series(2, "102000", (1, 2))])
    assert [stack.header.series_number for stack in place.kept.values()] == ["2", "2"]


def test_the_record_shows_which_repeat_was_kept(tmp_path: Path) -> None:
    series = (
        acquisition(1, ALL, "235900", 100)
        + acquisition(2, ALL, "000100", 200, date="20240103")
        + acquisition(3, "in opp F", "000400", 300, date="20240103")
    )
    record = run_stage(tmp_path / "out", {"a": write_folder(tmp_path / "in", all_files(series))})["a"]
    (station,) = record["details"]["stations"]
    assert [(r["seconds_after_first"], r["complete"], r["kept"]) for r in station["repeats"]] == [
        (0.0, True, False),
        (120.0, True, True),
        (300.0, False, False),
    ]
    numbers = {"in_phase": "20", "opposed_phase": "21", "fat": "22", "water": "23"}
    assert station["repeats"][1]["series_numbers"] == numbers
    assert record["metrics"]["duplicates_resolved"]["value"] == 7
    assert record["metrics"]["duplicates_newer_dropped"]["value"] == 0
    assert "a later repeat is incomplete and was dropped: series 30, 31, 32 without water" in record["warnings"]
    for name in DIXON.values():
        assert (read_nrrd(tmp_path / "out" / "a" / f"{name}.nrrd").data == 200).all(), name


def moved(series: list[Series], mm: float) -> list[Series]:
    again = [replace(s, number=s.number + 100, time="120000") for s in series]
    return [replace(s, origin=(s.origin[0], s.origin[1], s.origin[2] + mm)) for s in again]


def test_a_moved_repeat_is_no_sixth_station() -> None:
    study = dixon_study(stations=6)[4:]
    places = arranged(study + moved(study[-4:], 6.5))
    assert len(places) == 6
    for stations in ("auto", "pelvis_to_knee"):
        with pytest.raises(ItemFault, match=r"overlaps series 12. .* by 14.5 of 21.0 mm") as caught:
            select(places, stations, dixon=True)
        assert caught.value.where.startswith("series 2")
    chosen, warnings = select(places, "all", dixon=True)
    assert len(chosen) == 6
    assert len(warnings) == 1 and "both are fused" in warnings[0]


@pytest.mark.parametrize(("step", "refused"), [(11.0, False), (10.0, True)])
def test_half_a_station_is_the_limit_of_overlap(step: float, refused: bool) -> None:
    """Stations of 21 mm: steps of 11 mm overlap by 10, of 10 mm by 11."""
    places = arranged(dixon_study(stations=6, step=step))
    if refused:
        with pytest.raises(ItemFault, match="overlaps"):
            select(places, "auto", dixon=True)
    else:
        assert len(select(places, "auto", dixon=True)[0]) == 4
    chosen, warnings = select(places[:3], "auto", dixon=False)
    assert len(chosen) == 3
    assert len(warnings) == (2 if refused else 0)


@pytest.mark.parametrize(("aside", "refused"), [(0.5, False), (3.0, True)])
def test_contrasts_of_a_station_share_their_grid(aside: float, refused: bool) -> None:
    series = dixon_study(stations=1)
    series[2] = replace(series[2], origin=(-11.0 + aside, -9.0, 0.0))
    if refused:
        with pytest.raises(ItemFault, match="lies on another grid than"):
            arranged(series)
    else:
        (place,) = arranged(series)
        np.testing.assert_allclose(place.kept["fat"].geometry.origin_mm, (-11.0 + aside, -9.0, 0.0))


def reconstruction(number: int, suffixes: str, *added: str, time: str = "101500", level: int = 0) -> list[Series]:
    """One reconstruction: Dixon series whose ImageType has further words."""
    made = acquisition(number, suffixes, time, level)
    return [replace(series, image_type=(*series.image_type, *added)) for series in made]


def interleaved(*sets: list[Series]) -> list[Series]:
    """As scanners write them: each contrast by all reconstructions in turn, milliseconds apart."""
    ordered = [series for together in zip(*sets, strict=True) for series in together]
    return [replace(series, time=f"{series.time}.{n:03d}") for n, series in enumerate(ordered)]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (("ND",), ("DIS2D",), 2),
        (("DIS3D",), ("DIS2D",), 1),
        (("ND",), ("ND", "NORM"), 2),
        (("ND", "FIL"), ("ND",), 2),
        ((), ("UNHEARD_OF",), 2),
    ],
)
def test_of_several_reconstructions_one_is_used_whole(first: Any, second: Any, kept: int) -> None:
    series = interleaved(reconstruction(1, ALL, *first), reconstruction(2, ALL, *second))
    for order in (series, series[::-1]):
        (place,) = arranged(order)
        assert kept_acquisitions(place) == {kept}
        (line,) = place.warnings
        assert line.startswith("2 reconstructions of one acquisition (") and line.endswith(" is used")
        assert "series 10, 11, 12, 13" in line and "series 20, 21, 22, 23" in line


def test_a_reconstruction_that_lacks_a_contrast_is_not_used() -> None:
    (place,) = arranged(reconstruction(1, ALL, "ND") + reconstruction(2, "F W", "DIS2D", time="101500.02"))
    assert kept_acquisitions(place) == {1}


def test_a_later_acquisition_wins_over_a_better_reconstruction() -> None:
    old = interleaved(reconstruction(1, ALL, "ND"), reconstruction(2, ALL, "DIS3D"))
    new = reconstruction(3, ALL, "ND", time="104500")
    (place,) = arranged(old + new)
    assert kept_acquisitions(place) == {3}


def test_stations_use_the_reconstruction_that_all_have() -> None:
    upper = interleaved(reconstruction(1, ALL, "ND"), reconstruction(2, ALL, "DIS2D"))
    lower = [replace(s, origin=(-11.0, -9.0, -24.0)) for s in reconstruction(3, ALL, "ND", time="101600")]
    places = arranged(upper + lower)
    assert [kept_acquisitions(place) for place in places] == [{1}, {3}]
    other = [replace(s, image_type=(*s.image_type[:-1], "DIS3D")) for s in lower]
    places = arranged(upper + other)
    assert [kept_acquisitions(place) for place in places] == [{2}, {3}]
    assert "stations are of different reconstructions by their ImageType (DIS2D; DIS3D)" in places[0].warnings[-1]


@pytest.mark.parametrize(
    ("suffixes", "what"),
    [
        ("F W", "nothing tells which of series 12, 13, 22 belong together"),
        (ALL, "none of the 5 repeats of its station has every contrast"),
    ],
)
def test_series_that_nothing_tells_apart_are_refused_and_not_mixed(suffixes: str, what: str) -> None:
    series = interleaved(acquisition(1, suffixes, "101500"), acquisition(2, suffixes, "101500", level=100))
    with pytest.raises(ItemFault, match=what):
        arranged(series, [DIXON[suffix] for suffix in suffixes.split()])


def timed(series: list[Series], acquired: str, number: int = 1) -> list[Series]:
    """The series with the time and the number of the acquisition that they were computed from."""

    def edit(dataset: Any, k: int) -> None:
        dataset.AcquisitionTime, dataset.AcquisitionNumber = acquired, number

    return [replace(one, edit=edit) for one in series]


@pytest.mark.parametrize("suffixes", ["F W", ALL])
def test_acquisition_times_tell_what_the_times_of_series_do_not(suffixes: str) -> None:
    """Computed by turns after both acquisitions: by SeriesTime nothing would tell which water goes with which fat."""
    first = timed(acquisition(1, suffixes, "101500"), "101400.5")
    second = timed(acquisition(2, suffixes, "101500", level=100), "101430.5")
    wanted = [DIXON[suffix] for suffix in suffixes.split()]
    for order in (interleaved(first, second), interleaved(second, first)):
        (place,) = arranged(order, wanted)
        kept = kept_acquisitions(place)
        assert len(kept) == 1, "never water of one with fat of the other"
    numbered = [timed(acquisition(n, suffixes, "101500", 100 * n), "101400.5", n) for n in (1, 2)]
    (place,) = arranged(interleaved(*numbered), wanted)
    assert kept_acquisitions(place) == {2}


def test_acquisition_times_of_single_slices_split_nothing() -> None:
    """Two-dimensional scans have a time a slice; each contrast of one acquisition begins with the same."""

    def edit(dataset: Any, k: int) -> None:
        dataset.AcquisitionTime = f"1014{k:02d}.0"

    series = [replace(one, edit=edit) for one in acquisition(1, ALL, "101500") + acquisition(2, ALL, "102000")]
    (place,) = arranged(series)
    assert kept_acquisitions(place) == {2}


def test_a_time_series_of_dixon_is_named() -> None:
    def series(point: int) -> list[Series]:
        def edit(dataset: Any, k: int) -> None:
            dataset.TemporalPositionIdentifier = point
            dataset.InstanceNumber = 8 * point + k

        made = acquisition(1, ALL, "101500", level=100 * point)
        return [replace(one, edit=edit, names=f"{one.number}_{point}", echo_number=point) for one in made]

    with pytest.raises(ItemFault, match=r"is a time series: it shows .* \(temporal positions 1 and 2\)"):
        arranged(series(1) + series(2))
