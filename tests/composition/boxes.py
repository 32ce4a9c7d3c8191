"""A thigh made of boxes, whose volumes are counted by hand."""

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.volume import Geometry

GRID = Geometry(size=(80, 24, 45), spacing_mm=(4.0, 5.0, 6.0), origin_mm=(-158.0, -60.0, -900.0))
"""320 x 120 x 270 mm; the middle of the grid, x = 0, lies between two voxels."""

VOXEL_CM3 = 0.12
BOX_J, BOX_K = 8, 5
FIRST_I = 10
"""Boxes start 10 voxels (40 mm) from the midline and are 8 x 5 voxels in (j, k)."""


def box_labels(left: dict[int, int], right: dict[int, int]) -> npt.NDArray[np.uint8]:
    """Labels (k, j, i) on GRID: one box per label and side, `left[label]` (or `right`) voxels wide, 40 voxels a width.

    Label n has its box at row (n - 1) % 3 in j and (n - 1) // 3 in k.
    """
    labels = np.zeros(GRID.shape, np.uint8)
    middle = GRID.size[0] // 2
    for widths, sign in ((left, 1), (right, -1)):
        for label, width in widths.items():
            j, k = BOX_J * ((label - 1) % 3), BOX_K * ((label - 1) // 3)
            first = middle + FIRST_I if sign > 0 else middle - FIRST_I - width
            labels[k : k + BOX_K, j : j + BOX_J, first : first + width] = label
    return labels


def even_widths(width: int = 10) -> dict[int, int]:
    """All 27 structures with one width."""
    return dict.fromkeys(THIGH_LABELS, width)


def cut_boxes() -> list[str]:
    """Names of the boxes that reach the first or last plane of GRID along j or k."""
    return [name for n, name in THIGH_LABELS.items() if (n - 1) % 3 != 1 or (n - 1) // 3 in (0, 8)]


def cut_warning() -> str:
    """The warning that all 27 boxes on GRID give."""
    cut = cut_boxes()
    return (
        "end at the edge of the field of view, so that their volumes may lack a part:"
        f" {', '.join(cut[:8])} and {len(cut) - 8} more"
    )
