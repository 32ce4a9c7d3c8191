"""A pair of volume and mask as the network sees it: turned, and of a kind that the stage would take."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.spine_segmentation.check import check_image
from containers.spine_segmentation.turn import turn_of
from containers.toolkit.networks.training_set import Pair, read_pair


@dataclass(frozen=True)
class Case:
    """A turned volume and its mask."""

    image: npt.NDArray[np.generic]
    """Intensities, (z, y, x)."""
    mask: npt.NDArray[np.uint8]
    """Labels, (z, y, x)."""
    spacing_mm: tuple[float, float, float]
    """Voxel edges along (z, y, x), in mm."""


def read_case(pair: Pair, labels: dict[int, str]) -> Case:
    """A pair, turned, its mask in the label map's values. Raises ItemFault where they do not fit each other."""
    image, mask = read_pair(pair, labels)
    turn = turn_of(image.geometry)
    check_image(image, turn, pair.image.name)
    return Case(turn.apply(image.data), np.asarray(turn.apply(mask), dtype=np.uint8), turn.spacing_mm)
