"""A pair of volume and mask as a network sees it: turned, and of a kind that the stage would take."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.turn import Turn, turn_of
from containers.toolkit.images.volume import Volume
from containers.toolkit.networks.training_set import Pair, read_pair

Check = Callable[[Volume, Turn, str], None]
"""What a stage refuses: called with a volume, its turn and the file's name, it raises ItemFault."""


@dataclass(frozen=True)
class Case:
    """A turned volume and its mask, on the volume's own grid."""

    image: npt.NDArray[np.generic]
    """Intensities as stored, (z, y, x)."""
    mask: npt.NDArray[np.uint8]
    """Labels, (z, y, x)."""
    spacing_mm: tuple[float, float, float]
    """Voxel edges along (z, y, x), in mm."""


def read_case(pair: Pair, labels: dict[int, str], check: Check) -> Case:
    """A pair, turned, its mask in the label map's values.

    Raises ItemFault where image and mask do not fit each other, and as `check` does.
    """
    image, mask = read_pair(pair, labels)
    turn = turn_of(image.geometry)
    check(image, turn, pair.image.name)
    return Case(turn.apply(image.data), np.asarray(turn.apply(mask), dtype=np.uint8), turn.spacing_mm)
