"""The table of bad input: what is refused, in which words."""

from typing import Any

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.spine_segmentation.check import check_image
from containers.toolkit.images.turn import turn_of
from containers.toolkit.images.volume import Geometry, Volume

LPS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
CORONAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
TILTED = ((1.0, 0.0, 0.0), (0.0, np.cos(0.77), np.sin(0.77)), (0.0, -np.sin(0.77), np.cos(0.77)))


def made(
    size: tuple[int, int, int] = (40, 36, 12),
    spacing: tuple[float, float, float] = (4.0, 4.0, 8.0),
    directions: Any = LPS,
    kind: Any = np.uint16,
) -> Volume:
    """A noise volume that passes, unless another is asked for."""
    grid = Geometry(size, spacing, (0.0, 0.0, 0.0), directions)
    data = np.random.default_rng(0).integers(1, 120, grid.shape).astype(kind)
    return Volume(data, grid)


def changed(value: float) -> Volume:
    """A float volume of which one voxel has this value."""
    volume = made(kind=np.float32)
    volume.data[3, 4, 5] = value
    return volume


BAD = {
    "single slice": (made((40, 36, 1)), "has 1 slice, at least 4 are needed"),
    "two slices": (made((40, 36, 2)), "has 2 slices"),
    "coronal": (made(directions=CORONAL), "is not axial"),
    "slices across x": (made((12, 36, 40), (8.0, 4.0, 4.0)), "is not axial"),
    "tilted": (made(directions=TILTED), "is not axial"),
    "constant": (Volume(np.full((12, 36, 40), 7, np.int16), made().geometry), "is constant"),
    "NaN": (changed(np.nan), "has NaN or infinite voxels"),
    "infinite": (changed(np.inf), "has NaN or infinite voxels"),
    "negative": (changed(-3.5), "has negative values (the lowest is -3.5)"),
    "8-bit": (made(kind=np.uint8), "has 8-bit values"),
    "signed 8-bit": (made(kind=np.int8), "has 8-bit values"),
    "complex": (made(kind=np.complex64), "has values of type complex64"),
    "metres": (made(spacing=(0.0014, 0.0014, 0.005)), "has 0.0014 mm between voxels along i"),
    "huge voxels": (made(spacing=(4.0, 4.0, 50.0)), "has 50 mm between voxels along k"),
    "too small": (made((8, 8, 8), (1.0, 1.0, 1.0)), "spans 8 mm along i"),
    "too large": (made((400, 36, 12), (6.0, 4.0, 8.0)), "spans 2400 mm along i"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_one_line(name: str) -> None:
    volume, words = BAD[name]
    with pytest.raises(ItemFault) as caught:
        check_image(volume, turn_of(volume.geometry), "scan.nrrd")
    line = str(caught.value)
    assert line.startswith(f"scan.nrrd: {words}") and "\n" not in line
    assert caught.value.fix


@pytest.mark.parametrize("volume", [made(), made(kind=np.float32), made(spacing=(4.0, 4.0, 4.0)), changed(0.0)])
def test_good_input_passes(volume: Volume) -> None:
    check_image(volume, turn_of(volume.geometry), "scan.nrrd")
