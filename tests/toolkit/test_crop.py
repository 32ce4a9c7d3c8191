"""Cropped label maps: what is padded, and what is not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.toolkit.images.crop import OFFSET, offset_in, on_common_grid, padded
from containers.toolkit.images.volume import Geometry, Volume
from tests.toolkit.test_volume import OBLIQUE

DATA = (np.arange(120).reshape(OBLIQUE.shape) % 3).astype(np.uint8)


def box(low: tuple[int, int, int], high: tuple[int, int, int]) -> Volume:
    """A part (i, j, k) of OBLIQUE, as 3D Slicer would save it."""
    x, y, z = (float(v) for v in OBLIQUE.position_mm(low))
    size = (high[0] - low[0], high[1] - low[1], high[2] - low[2])
    part = DATA[low[2] : high[2], low[1] : high[1], low[0] : high[0]]
    return Volume(part, replace(OBLIQUE, size=size, origin_mm=(x, y, z)), {OFFSET: " ".join(map(str, low))})


@given(st.tuples(*(st.integers(0, n - 1) for n in OBLIQUE.size)))
def test_a_cropped_map_comes_back_to_its_place(low: tuple[int, int, int]) -> None:
    cropped = box(low, OBLIQUE.size)
    assert offset_in(cropped.geometry, OBLIQUE) == low
    back = padded(cropped, OBLIQUE)
    if low == (0, 0, 0):
        assert back is None  # it does not say that it was cropped
        return
    assert back is not None and back.geometry.same_as(OBLIQUE)
    assert np.array_equal(back.data[low[2] :, low[1] :, low[0] :], DATA[low[2] :, low[1] :, low[0] :])
    assert np.count_nonzero(back.data) == np.count_nonzero(cropped.data)


def test_two_cropped_maps_meet_on_the_box_of_both() -> None:
    pair = on_common_grid(box((1, 1, 1), (4, 4, 4)), box((0, 2, 1), (3, 5, 6)))
    assert pair is not None
    one, other = pair
    assert one.geometry.size == other.geometry.size == (4, 4, 5)
    assert one.geometry.same_as(other.geometry)
    assert one.geometry.origin_mm == pytest.approx(OBLIQUE.position_mm((0, 1, 1)))
    assert np.count_nonzero(one.data) == np.count_nonzero(DATA[1:4, 1:4, 1:4])


@pytest.mark.parametrize("low", [(2, 2, 2), (0, 0, 0)])
def test_a_grid_that_does_not_hold_all_of_a_map_takes_none_of_it(low: tuple[int, int, int]) -> None:
    smaller = box(low, (low[0] + 2, low[1] + 3, low[2] + 4)).geometry
    assert padded(box((1, 1, 1), OBLIQUE.size), smaller) is None


def test_only_what_says_that_it_was_cropped_is_padded() -> None:
    silent = replace(box((1, 1, 1), (4, 4, 4)), facts={})
    whole = Volume(DATA, OBLIQUE, {OFFSET: "0 0 0"})
    assert padded(silent, OBLIQUE) is None
    assert on_common_grid(silent, whole) is None


@pytest.mark.parametrize(
    "moved",
    [
        replace(OBLIQUE, origin_mm=(-9.25, 20.0, -30.0)),
        replace(OBLIQUE, spacing_mm=(1.501, 2.0, 3.0)),
        replace(OBLIQUE, directions=OBLIQUE.directions[::-1]),
    ],
)
def test_grids_that_are_not_moved_by_whole_voxels_stay_apart(moved: Geometry) -> None:
    assert offset_in(box((1, 1, 1), (4, 4, 4)).geometry, moved) is None


def test_the_difference_of_two_grids_has_its_number() -> None:
    near = replace(OBLIQUE, origin_mm=(-10.0, 20.016, -30.0))
    assert OBLIQUE.difference(near) == "it has another origin (up to 0.016 mm apart, more than 0.001 mm)"
    assert OBLIQUE.difference(OBLIQUE) == ""
    assert OBLIQUE.difference(replace(OBLIQUE, size=(4, 5, 7))) == "4 x 5 x 6 voxels against 4 x 5 x 7"
    longer = replace(OBLIQUE, spacing_mm=(1.5, 2.0, 3.004))
    assert "another size (up to 0.0191 mm apart" in OBLIQUE.difference(longer)
