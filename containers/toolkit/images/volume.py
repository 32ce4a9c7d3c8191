"""Volumes in memory and as NRRD. One convention everywhere:

- `data` has axis order (k, j, i), C-contiguous: i runs fastest, as columns do in a DICOM image;
- coordinates are LPS in mm: x to the patient's Left, y to Posterior, z to Superior;
- `origin_mm` is the centre of voxel (0, 0, 0).
"""

import gzip
import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import nrrd
import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import replacing

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

    def same_as(self, other: "Geometry") -> bool:
        """Whether both grids have equal size and all voxel centres agree within GEOMETRY_TOLERANCE_MM."""
        if self.size != other.size:
            return False
        corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(self.size) - 1)
        gap = np.abs(self.position_mm(corners) - other.position_mm(corners)).max()
        return bool(gap <= GEOMETRY_TOLERANCE_MM)


@dataclass(frozen=True)
class Volume:
    """A scalar volume."""

    data: npt.NDArray[np.generic]
    """Values, (k, j, i)."""
    geometry: Geometry
    """Grid of the values, in LPS."""
    facts: dict[str, str] = field(default_factory=dict)
    """Key/value facts of the NRRD file: contrast, units, names of segments."""

    def __post_init__(self) -> None:
        if self.data.shape != self.geometry.shape:
            raise ValueError(f"data has shape {self.data.shape}, its grid {self.geometry.shape} (k, j, i)")


_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "LPS": (1, 1, 1),
    "RAS": (-1, -1, 1),
    "LAS": (1, -1, 1),
}
"""Signs that turn a header's frame into LPS."""

_RESERVED = frozenset(
    {
        "block size",
        "byte skip",
        "axis maxs",
        "axis mins",
        "centerings",
        "centers",
        "data file",
        "dimension",
        "encoding",
        "endian",
        "kinds",
        "labels",
        "line skip",
        "max",
        "measurement frame",
        "min",
        "number",
        "old max",
        "old min",
        "sizes",
        "space",
        "space dimension",
        "space directions",
        "space origin",
        "space units",
        "spacings",
        "thicknesses",
        "type",
        "units",
    }
)
"""Fields of the NRRD format that a fact may not pose as (`units` is per axis; `sample units` is that of the values)."""


class _Undated(io.RawIOBase):
    """Passes pynrrd's output on without its comment lines, which carry the time of writing.

    pynrrd writes each header line by one call and ends the header with an empty line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._in_header = True

    def write(self, block: bytes) -> int:  # type: ignore[override]
        if self._in_header and block.startswith(b"#"):
            return len(block)
        self._in_header = self._in_header and block != b"\n"
        return self._stream.write(block)


def write_nrrd(path: Path, volume: Volume, *, compress: bool = False) -> None:
    """Write a volume as NRRD in space left-posterior-superior, atomically and without a time stamp.

    compress: gzip level 1 for label maps, which shrink a hundredfold; images of noise hardly shrink and stay raw.
    """
    if taken := _RESERVED & set(volume.facts):
        raise ValueError(f"fact {min(taken)!r} is a field of the NRRD format; name it otherwise")
    columns = volume.geometry.matrix().T
    header = {
        "space": "left-posterior-superior",
        "space directions": columns,
        "space origin": np.asarray(volume.geometry.origin_mm, dtype=float),
        "space units": ["mm", "mm", "mm"],
        "kinds": ["domain", "domain", "domain"],
        "encoding": "gzip" if compress else "raw",
        **volume.facts,
    }
    data = np.ascontiguousarray(volume.data)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        nrrd.write(_Undated(stream), data, header, index_order="C", compression_level=1)


def read_nrrd(path: Path) -> Volume:
    """Read a three-dimensional NRRD into LPS. RAS and LAS headers are converted by their signs.

    Raises ItemFault when the file is no NRRD (NIfTI is named as such), keeps its data in another file (which no content
    hash would cover), is not 3-D, carries no usable geometry, or counts in another unit than mm.
    """
    try:
        if {"data file", "datafile"} & set(nrrd.read_header(str(path))):
            raise ItemFault("keeps its data in another file", where=path.name, fix="save it as one .nrrd file")
        data, header = nrrd.read(str(path), index_order="C")
    except (OSError, ValueError, KeyError, EOFError, zlib.error, nrrd.NRRDError) as error:
        if _is_nifti(path):
            fix = "convert it to NRRD, for example with SimpleITK or 3D Slicer"
            raise ItemFault("is NIfTI, where NRRD is needed", where=path.name, fix=fix) from error
        raise ItemFault(f"is not a readable NRRD ({error})", where=path.name, fix="write it again") from error
    if data.ndim != 3:
        raise ItemFault(f"has {data.ndim} axes, 3 are needed", where=path.name, fix="give one scalar volume a file")
    space = header.get("space", "")
    if space not in _TO_LPS or "space directions" not in header or "space origin" not in header:
        raise ItemFault(
            "has no anatomical geometry", where=path.name, fix="give space, space directions and space origin"
        )
    if units := {str(unit) for unit in header.get("space units", [])} - {"mm"}:
        raise ItemFault(f"counts in {min(units)!r}, not in mm", where=path.name, fix="save it in mm")
    steps = np.asarray(header["space directions"], dtype=float) * np.array(_TO_LPS[space])
    origin = np.asarray(header["space origin"], dtype=float) * np.array(_TO_LPS[space])
    try:
        geometry = Geometry.of_steps((data.shape[2], data.shape[1], data.shape[0]), steps, origin)
    except ValueError as error:
        raise ItemFault(str(error), where=path.name, fix="correct the NRRD header") from error
    facts = {k: str(v) for k, v in header.items() if k not in _RESERVED and isinstance(v, (str, int, float))}
    return Volume(data, geometry, facts)


def _is_nifti(path: Path) -> bool:
    """Whether a file that is no NRRD is NIfTI, by its name or by the magic of NIfTI-1 or -2, gzipped or not."""
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(348)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as stream:
                head = stream.read(348)
    except (OSError, EOFError, zlib.error):
        return False
    return head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2")


def read_finite(path: Path) -> Volume:
    """Read a scalar image (see `read_nrrd`). Raises ItemFault also when it is not numeric or has NaN or infinity."""
    volume = read_nrrd(path)
    if not np.issubdtype(volume.data.dtype, np.number):
        raise ItemFault("is not a numeric image", where=path.name, fix="export it as a scalar volume")
    bad = sum(int(np.count_nonzero(~np.isfinite(page))) for page in volume.data)
    if bad:
        raise ItemFault(f"has {bad} voxels that are NaN or infinite", where=path.name, fix="export the image again")
    return volume
