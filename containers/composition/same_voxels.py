"""Whether two images have the same voxels: by where their headers put them, or by index where a user says so.

Files that belong together do not always say so. A header that was written with fewer digits moves the last voxel by a
few micrometres; a conversion that lost the position puts one image of a pair to the origin of the scanner. The first
is harmless and is said in a warning. The second cannot be distinguished from two scans of one format: a user who knows
better sets parameter `grids` to `by_index`, and the warning says how far apart the headers are.
"""

import numpy as np

from containers.contract.errors import ItemFault
from containers.contract.stage import Job, Result
from containers.toolkit.images.volume import Geometry

ROUNDING = 0.05
"""Part of the shortest voxel edge by which centres may differ in headers that were rounded: a twentieth moves a voxel
of a mask's rim less than any segmentation does, and seven digits of a float32 stay a thousand times below."""
SAME_AXES = 1e-3
"""Largest difference of the unit vectors of axes, and relative difference of voxel edges, that are taken as the same
voxels by index: a thousandth of 400 voxels is less than one."""


def same_voxels(given: Geometry, grid: Geometry, names: tuple[str, str], job: Job, result: Result) -> bool:
    """Whether the voxels of `given` are those of `grid`; with a warning where headers differ. names: the files."""
    if given.same_as(grid):
        return True
    apart = given.gap_mm(grid) if given.size == grid.size else None
    name, other = names
    if apart is not None and apart <= ROUNDING * min(grid.spacing_mm):
        result.warn(f"the headers of {name} and {other} differ by up to {apart:.2g} mm: taken as the same voxels")
        return True
    if _by_index(given, grid) and job.parameters["grids"] == "by_index":
        result.warn(
            f"the headers of {name} and {other} put the same voxels up to {apart:.1f} mm apart: "
            "paired by index, as parameter grids says"
        )
        return True
    return False


def differ(given: Geometry, grid: Geometry, where: str, what: str, fix: str) -> ItemFault:
    """The fault of two images that need the same voxels and have others. what: is completed by what differs first."""
    if _by_index(given, grid):
        fix += ", or set parameter grids to 'by_index' where the voxels are the same and a header lost their place"
    return ItemFault(f"{what}: {given.difference(grid)}", where=where, fix=fix)


def _by_index(given: Geometry, grid: Geometry) -> bool:
    """Whether the two grids differ in their origin only, but for rounding."""
    return (
        given.size == grid.size
        and np.allclose(given.directions, grid.directions, rtol=0, atol=SAME_AXES)
        and np.allclose(given.spacing_mm, grid.spacing_mm, rtol=SAME_AXES, atol=0)
    )
