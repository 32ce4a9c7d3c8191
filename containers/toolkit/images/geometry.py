"""Grids of voxels in the patient's frame: LPS in mm, `origin_mm` the centre of voxel (0, 0, 0)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GEOMETRY_TOLERANCE_MM = 1e-3
"""Two grids are the same when no voxel centre differs by more than this (DICOM prints 1e-3 mm or better)."""


@dataclass(frozen=True)
class Geometry:
    """A voxel grid in LPS."""

    size: tuple[int, int, int]
    """Number of voxels along (i, j, k)."""
    spacing_mm: tuple[float, float, float]
    """Distance of neighbouring voxel centres along (i, j, k), in mm."""
    origin_mm: tuple[float, float, float]
    """Position (x, y, z) of the centre of voxel (0, 0, 0), LPS in mm."""
    directions: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    """Three unit vectors (rows) of the axes i, j, k in LPS."""

    @classmethod
    def of_steps(cls, size: tuple[int, int, int], steps: npt.ArrayLike, origin_mm: npt.ArrayLike) -> "Geometry":
        """The grid whose axes i, j, k step by the rows of `steps` (LPS, mm). Raises ValueError if flat."""
        rows, origin = np.asarray(steps, dtype=float), np.asarray(origin_mm, dtype=float)
        if not np.all(np.isfinite(rows)) or not np.all(np.isfinite(origin)) or abs(np.linalg.det(rows)) < 1e-9:
            raise ValueError("has zero or non-finite voxel spacing")
        spacing = np.linalg.norm(rows, axis=1)
        axes = rows / spacing[:, None]
        return cls(
            size=size,
            spacing_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
            directions=tuple((float(axis[0]), float(axis[1]), float(axis[2])) for axis in axes),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Array shape (k, j, i)."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def voxel_cm3(self) -> float:
        """Volume of one voxel in cm3 (the determinant, so that oblique axes count rightly)."""
        return float(abs(np.linalg.det(self.matrix()))) / 1000.0

    def matrix(self) -> npt.NDArray[np.float64]:
        """3x3 matrix whose columns are the steps in mm of one voxel along i, j, k."""
        steps: npt.NDArray[np.float64] = np.asarray(self.directions) * np.asarray(self.spacing_mm)[:, None]
        return steps.T

    def position_mm(self, ijk: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS position(s) in mm of (fractional) voxel indices (..., 3) in the order (i, j, k)."""
        position: npt.NDArray[np.float64] = np.asarray(ijk, dtype=float) @ self.matrix().T + np.asarray(self.origin_mm)
        return position

    def index(self, lps_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional indices (i, j, k) of LPS position(s) (..., 3) in mm."""
        offset = np.asarray(lps_mm, dtype=float) - np.asarray(self.origin_mm)
        index: npt.NDArray[np.float64] = offset @ np.linalg.inv(self.matrix()).T
        return index

    def gap_mm(self, other: "Geometry") -> float:
        """Largest difference of a coordinate between voxel centres of equal index, in mm, over the voxels of `self`.

        Both positions are linear in the index, so the corners have it.
        """
        corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(self.size) - 1)
        return float(np.abs(self.position_mm(corners) - other.position_mm(corners)).max())

    def same_as(self, other: "Geometry") -> bool:
        """Whether both grids have equal size and all voxel centres agree within GEOMETRY_TOLERANCE_MM."""
        return self.size == other.size and self.gap_mm(other) <= GEOMETRY_TOLERANCE_MM

    def difference(self, other: "Geometry") -> str:
        """What this grid has that the other one has not, in words, with the distance; empty for the same grid."""
        if self.size != other.size:
            mine, others = (" x ".join(map(str, one.size)) for one in (self, other))
            return f"{mine} voxels against {others}"
        if (gap := self.gap_mm(other)) <= GEOMETRY_TOLERANCE_MM:
            return ""
        apart = f"up to {gap:.3g} mm apart, more than {GEOMETRY_TOLERANCE_MM:g} mm"
        if not np.allclose(self.directions, other.directions, atol=1e-4):
            return f"its axes have other directions ({apart})"
        if not np.allclose(self.spacing_mm, other.spacing_mm, rtol=1e-4):
            return f"its voxels have another size ({apart})"
        if np.allclose(self.matrix(), other.matrix(), rtol=0, atol=1e-9):
            return f"it has another origin ({apart})"
        return f"its voxels lie elsewhere ({apart})"
