"""Volumes in memory and as NRRD. One convention everywhere:

- `data` has axis order (k, j, i), C-contiguous: i runs fastest, as columns do in a DICOM image;
- coordinates are LPS in mm: x to the patient's Left, y to Posterior, z to Superior;
- `origin_mm` is the centre of voxel (0, 0, 0).
"""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import nrrd
import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import replacing
from containers.toolkit.images.geometry import Geometry as Geometry
from containers.toolkit.images.nrrd_data import read_nrrd_file
from containers.toolkit.images.nrrd_grid import placed
from containers.toolkit.images.nrrd_header import Header


@dataclass(frozen=True)
class Volume:
    """A scalar volume."""

    data: npt.NDArray[np.generic]
    """Values, (k, j, i)."""
    geometry: Geometry
    """Grid of the values, in LPS."""
    facts: dict[str, str] = field(default_factory=dict)
    """Key/value facts of the file: contrast, units, names of segments."""
    warnings: tuple[str, ...] = ()
    """What the reader of the file had to decide, one line each: whoever reports on the volume repeats them."""

    def __post_init__(self) -> None:
        if self.data.shape != self.geometry.shape:
            raise ValueError(f"data has shape {self.data.shape}, its grid {self.geometry.shape} (k, j, i)")


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
    """Passes pynrrd's output on without its comment lines, which carry the time of writing, and with text in UTF-8.

    pynrrd writes each header line by one call and ends the header with an empty line. It takes ASCII only: `_ascii`
    hides what is not, and here it comes back.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._in_header = True

    def write(self, block: bytes) -> int:  # type: ignore[override]
        if self._in_header and block.startswith(b"#"):
            return len(block)
        self._in_header = self._in_header and block != b"\n"
        if self._in_header:
            self._stream.write(_HIDDEN.sub(lambda found: bytes.fromhex(found.group(1).decode()), block))
        else:
            self._stream.write(block)
        return len(block)


_HIDDEN = re.compile(rb"\x01([0-9a-f]+)\x02")


def _ascii(text: str) -> str:
    """Text as the value of a NRRD pair: new lines and backslashes escaped, letters beyond ASCII as hidden UTF-8."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return re.sub(r"[^\x20-\x7e\t]+", lambda found: f"\x01{found.group().encode().hex()}\x02", text)


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
        **{name: _ascii(value) for name, value in volume.facts.items()},
    }
    data = np.ascontiguousarray(volume.data)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        nrrd.write(_Undated(stream), data, header, index_order="C", compression_level=1)


def read_nrrd(path: Path) -> Volume:
    """Read a three-dimensional NRRD into LPS. RAS and LAS headers are converted by their signs.

    Raises ItemFault when the file is not a NRRD, keeps its data in another file (which no content hash would cover), is
    not 3-D, carries no usable geometry, or counts in another unit than mm.
    """
    file = read_nrrd_file(path)
    data, geometry = placed(file, path.name)
    if data.shape[0] != 1:
        axes = len(file.data.shape)
        raise ItemFault(f"has {axes} axes, 3 are needed", where=path.name, fix="give one scalar volume a file")
    return Volume(data[0], geometry, facts_of(file.header), tuple(file.header.warnings))


def facts_of(header: Header) -> dict[str, str]:
    """The facts of a header: its pairs, and the fields that say nothing of the array."""
    return {name: text for name, text in header.fields.items() if name not in _RESERVED} | header.pairs
