"""The seam report: shifts and gains that were put in must come out."""

import numpy as np
import pytest

from containers.fusion.seams import compare
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry

UPPER = Geometry((40, 36, 20), (2.0, 2.0, 3.0), (-40.0, -36.0, 0.0))
LOWER = Geometry((40, 36, 20), (2.0, 2.0, 3.0), (-39.4, -35.3, -29.0))
COS, SIN = float(np.cos(0.05)), float(np.sin(0.05))
TILTED = Geometry((40, 36, 20), (2.0, 2.0, 3.0), (-39.4, -35.3, -29.0), ((1, 0, 0), (0, COS, SIN), (0, -SIN, COS)))


def body(geometry: Geometry, shift: tuple[float, float, float] = (0.0, 0.0, 0.0), gain: float = 1.0) -> Station:
    """A smooth body with structure along every axis, displaced by `shift` mm."""
    k, j, i = np.indices(geometry.shape)
    x, y, z = np.moveaxis(geometry.position_mm(np.stack([i, j, k], axis=-1)) - np.array(shift), -1, 0)
    wave = np.sin(x / 7) * np.cos(y / 6) + np.sin((x + z) / 5) + np.cos((y - z) / 6)
    values = (500 + 120 * wave) * np.exp(-(((x / 30) ** 2 + (y / 26) ** 2) ** 3)) * gain
    return Station(values.astype(np.float32), geometry)


@pytest.mark.parametrize("lower", [LOWER, TILTED], ids=["parallel", "oblique"])
def test_agreeing_stations(lower: Geometry) -> None:
    seam = compare(body(UPPER), body(lower))
    assert seam.correlation is not None and seam.correlation > 0.99
    assert seam.gain == pytest.approx(1.0, abs=0.01)
    assert set(seam.best_shift_voxels.values()) == {0}
    assert all(abs(v or 0) < 0.2 for v in seam.shift_mm.values())


@pytest.mark.parametrize("shift", [(4.0, 0.0, 0.0), (0.0, -2.6, 0.0), (0.0, 0.0, 3.9), (-1.4, 0.0, 0.0)])
def test_a_shift_is_found_with_its_sign(shift: tuple[float, float, float]) -> None:
    seam = compare(body(UPPER, shift), body(LOWER))
    axis = int(np.argmax(np.abs(shift)))
    name = ("left", "posterior", "superior")[axis]
    assert seam.shift_mm[name] == pytest.approx(shift[axis], abs=0.6)
    assert seam.best_shift_voxels[name] == round(shift[axis] / UPPER.spacing_mm[axis])


@pytest.mark.parametrize("gain", [0.8, 1.25])
def test_a_gain_is_found_and_leaves_the_correlation(gain: float) -> None:
    seam = compare(body(UPPER, gain=gain), body(LOWER))
    assert seam.gain == pytest.approx(gain, abs=0.01)
    assert seam.correlation == pytest.approx(compare(body(UPPER), body(LOWER)).correlation, abs=1e-5)


def test_correlation_equals_numpys(seed: int = 3) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 20, 36, 40)).astype(np.float32)
    b += a
    seam = compare(Station(a, UPPER), Station(b, UPPER))
    assert seam.correlation == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-5)


def test_no_overlap_and_constants_are_undefined() -> None:
    apart = Geometry(UPPER.size, UPPER.spacing_mm, (-40.0, -36.0, -100.0))
    assert compare(body(UPPER), body(apart)).voxels == 0
    flat = Station(np.zeros(LOWER.shape, np.int16), LOWER)
    assert compare(flat, flat).correlation is None
    assert compare(flat, flat).gain is None
