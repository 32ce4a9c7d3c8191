"""The grid of a NIfTI header in LPS: which of its two transforms counts, and in which unit.

Rules, in this order:
- sform where its code is above 0, else qform where its code is, else the file is refused: without a code nothing says
  which side is left, and the fallback of the format differs between readers.
- Where both have a code and differ, sform counts, as in nibabel and BIDS tools. Up to QFORM_TOLERANCE_MM that is
  rounding. Beyond, a warning names the distance: the transforms are two places of one image, as after a registration.
  Where voxel sizes or the axes' nearest directions differ, the file is refused: volumes, or left and right, would hang
  on which one a reader takes.
- Units: mm; metres and micrometres are converted, as ITK does; none is taken as mm. An image of the size of no body
  gets a warning.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.images.geometry import Geometry

QFORM_TOLERANCE_MM = 0.2
"""The scalar part of qform's quaternion is sqrt(1 - b2 - c2 - d2) of float32 numbers: near a half turn it is wrong by
up to sqrt(1.2e-7) = 3.5e-4, which moves a corner 0.5 m off by 0.2 mm."""
EDGE_TOLERANCE = 1e-3
"""Relative difference of voxel edges that counts as another size; headers round to 1e-6."""
BODY_MM = (10.0, 3000.0)
"""Extent of the longest axis of an image of a person's body part."""
_UNITS_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""Length of the unit of each code in mm; 0 says none."""
_UNIT_NAMES = {1: "metres", 3: "micrometres"}
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


def grid_of(header: Any, size: tuple[int, int, int], where: str, warnings: list[str]) -> Geometry:
    """The grid of `size` voxels along (i, j, k) that a header of nibabel describes. Raises ItemFault, see above."""
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform <= 0 and qform <= 0:
        raise ItemFault(
            "has no place in the patient (the codes of sform and qform are 0)",
            where=where,
            fix="copy the header of the image that it belongs to, or convert it again from DICOM",
        )
    code = int(header["xyzt_units"]) & 7
    if code not in _UNITS_MM:
        raise ItemFault(f"has the unknown unit of length {code}", where=where, fix="set xyzt_units to mm")
    scale = _UNITS_MM[code]
    grids = [
        _grid(header, name, size, scale, where) for name, there in (("sform", sform), ("qform", qform)) if there > 0
    ]
    if len(grids) == 2:
        _compare(grids[0], grids[1], where, warnings)
    if code in _UNIT_NAMES:
        warnings.append(f"{where}: its header counts in {_UNIT_NAMES[code]}: converted to mm")
    extent = max(n * edge for n, edge in zip(size, grids[0].spacing_mm, strict=True))
    if not BODY_MM[0] <= extent <= BODY_MM[1]:
        unit = "names no unit" if code == 0 else "says so"
        warnings.append(f"{where}: it spans {extent:.3g} mm, as no body does (its header {unit}); check its unit")
    return grids[0]


def _grid(header: Any, name: str, size: tuple[int, int, int], scale: float, where: str) -> Geometry:
    try:
        affine: npt.NDArray[np.float64] = np.asarray(getattr(header, f"get_{name}")(), dtype=float)
        steps, origin = affine[:3, :3].T * _RAS_TO_LPS * scale, affine[:3, 3] * _RAS_TO_LPS * scale
        return Geometry.of_steps(size, steps, origin)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise ItemFault(f"has no usable {name}: {error}", where=where, fix=f"correct its {name}") from error
    except Exception as error:  # nibabel's HeaderDataError is none of these
        raise ItemFault(f"has no usable {name}: {error}", where=where, fix=f"correct its {name}") from error


def _compare(sform: Geometry, qform: Geometry, where: str, warnings: list[str]) -> None:
    """What the two transforms of a header differ in."""
    gap = sform.gap_mm(qform)
    if gap <= QFORM_TOLERANCE_MM:
        return
    edges = [" x ".join(f"{edge:.4g}" for edge in one.spacing_mm) for one in (sform, qform)]
    if not np.allclose(sform.spacing_mm, qform.spacing_mm, rtol=EDGE_TOLERANCE):
        raise ItemFault(
            f"has voxels of {edges[0]} mm by sform and {edges[1]} mm by qform",
            where=where,
            fix="set the wrong one to the other, or its code to 0",
        )
    if nearest_axes(sform) != nearest_axes(qform):
        raise ItemFault(
            f"has axes to {nearest_axes(sform)} by sform and to {nearest_axes(qform)} by qform",
            where=where,
            fix="set the wrong one to the other, or its code to 0",
        )
    warnings.append(f"{where}: sform and qform lie up to {gap:.3g} mm apart; sform counts")


def nearest_axes(grid: Geometry) -> str:
    """Letters of the directions that the axes i, j, k run to most nearly, such as LPS."""
    letters = ""
    for direction in grid.directions:
        world = int(np.abs(direction).argmax())
        letters += ("LR", "PA", "SI")[world][0 if direction[world] > 0 else 1]
    return letters


def ras_affine(grid: Geometry) -> npt.NDArray[np.float64]:
    """The 4 x 4 transform of indices (i, j, k) to RAS in mm."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = grid.matrix(), grid.origin_mm
    turned: npt.NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    return turned


def is_orthogonal(grid: Geometry) -> bool:
    """Whether the axes are at right angles, as qform, DICOM and ITK need them."""
    axes = np.asarray(grid.directions)
    return bool(np.allclose(axes @ axes.T, np.eye(3), rtol=0, atol=1e-5))
