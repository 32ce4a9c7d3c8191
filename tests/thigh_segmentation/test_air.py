"""The box of the body: it holds all of it, and it gives up where the corners show no air."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.thigh_segmentation.air import MARGIN, air_level, body_box
from containers.thigh_segmentation.grid import Array

SIZE = (48, 64, 80)
LEAST = (16, 16, 16)
WHOLE = tuple(slice(0, size) for size in SIZE)
NOISE = 0.01


def air(seed: int = 0) -> Array:
    """The magnitude of complex noise, of SD NOISE in each part, cut at 4 SD: above, one in 3000 voxels would lie."""
    rng = np.random.default_rng(seed)
    return np.minimum(np.hypot(*rng.normal(0, NOISE, (2, *SIZE))), 4 * NOISE).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    first=st.tuples(*[st.integers(8, 20)] * 3),
    extent=st.tuples(*[st.integers(1, 20)] * 3),
    least=st.sampled_from([8, 32, 60]),
)
def test_the_box_holds_the_body_and_a_margin(
    seed: int, first: tuple[int, int, int], extent: tuple[int, int, int], least: int
) -> None:
    """At the volume's ends the margin is cut; where a patch is larger, the box is a patch's size, within the volume."""
    image = air(seed)
    body = tuple(slice(a, a + n) for a, n in zip(first, extent, strict=True))
    image[body] = 0.5
    for span, inside, size in zip(body_box(image, (least, least, least)), body, SIZE, strict=True):
        low, high = max(0, inside.start - MARGIN), min(size, inside.stop + MARGIN)
        assert 0 <= span.start <= low
        assert high <= span.stop <= size
        # Such noise stays below the level, so that the box is no larger than it must be.
        assert span.stop - span.start == max(high - low, min(least, size))


def test_one_bright_voxel_counts() -> None:
    image = air()
    image[30, 40, 50] = 0.2
    box = body_box(image, LEAST)
    assert all(span.start <= place < span.stop for span, place in zip(box, (30, 40, 50), strict=True))


@pytest.mark.parametrize("corners", [3, 4])
def test_arms_in_three_corners_are_borne_in_four_the_volume_is_computed_whole(corners: int) -> None:
    image = air()
    image[20:30, 30:40, 35:45] = 0.5
    places = [(z, y, x) for z in (0, -1) for y in (0, -1) for x in (0, -1)][:corners]
    for place in places:
        image[place] = 0.9
    level = air_level(image)
    if corners == 3:
        assert level is not None
        assert 3 * NOISE < level < 10 * NOISE
    else:
        assert level is None
        assert body_box(image, LEAST) == WHOLE


def test_where_all_is_air_or_none_is_the_whole_volume_is_computed() -> None:
    assert body_box(air(), LEAST) == WHOLE
    assert body_box(np.full(SIZE, 0.5, np.float32), LEAST) == WHOLE
    assert body_box(np.zeros(SIZE, np.float32), LEAST) == WHOLE
