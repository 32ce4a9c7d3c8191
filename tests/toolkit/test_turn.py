"""Turning volumes to Left, Posterior, Superior and back."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from containers.toolkit.images.turn import turn_of
from containers.toolkit.images.volume import Geometry

ORIENTATIONS = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1.0, -1.0), repeat=3)
]


@pytest.mark.parametrize("size", [(4, 5, 6), (6, 2, 3)])
@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_the_turned_axes_run_left_posterior_superior_and_turn_back(
    order: tuple[int, int, int], signs: tuple[float, ...], size: tuple[int, int, int]
) -> None:
    """Each voxel holds its own world coordinate: turned, z must rise along axis 0, y along 1, x along 2."""
    directions = np.zeros((3, 3))
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        directions[axis, world] = sign
    grid = Geometry(size, (1.0, 2.0, 3.0), (7.0, -8.0, 9.0), tuple(map(tuple, directions)))
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    place = grid.position_mm(np.stack([i, j, k], axis=-1))
    turn = turn_of(grid)
    for axis, world in enumerate((2, 1, 0)):
        steps = np.diff(turn.apply(place[..., world]), axis=axis)
        assert np.allclose(steps, turn.spacing_mm[axis])
    codes = np.arange(k.size, dtype=np.uint8).reshape(k.shape)
    assert np.array_equal(turn.undo(np.asarray(turn.apply(codes))), codes)
    assert turn.axial_degrees == pytest.approx(0.0)


def test_the_tilt_of_slices_against_the_axial_plane() -> None:
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    tilted = Geometry((4, 4, 4), (1.0, 1.0, 5.0), (0.0, 0.0, 0.0), ((1.0, 0.0, 0.0), (0.0, c, s), (0.0, -s, c)))
    assert turn_of(tilted).axial_degrees == pytest.approx(30.0)


def test_oblique_axes_go_to_the_nearest() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    geometry = Geometry((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), ((c, s, 0.0), (0.0, 0.0, -1.0), (-s, c, 0.0)))
    turn = turn_of(geometry)
    assert turn.apply(np.zeros(geometry.shape)).shape == (4, 5, 3)
    assert turn.mirrored == (0,)


def test_the_origin_plays_no_part() -> None:
    geometry = Geometry((3, 4, 5), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    assert turn_of(geometry) == turn_of(replace(geometry, origin_mm=(5.0, 5.0, 5.0)))
