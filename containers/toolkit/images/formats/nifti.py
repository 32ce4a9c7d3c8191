"""NIfTI-1 and NIfTI-2 in one file, gzipped or not, by nibabel. Grids: `images.nifti_grid`."""

import gzip
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import replacing
from containers.toolkit.images.formats.base import ImageFormat, LabelMap
from containers.toolkit.images.nifti_grid import grid_of, is_orthogonal, ras_affine
from containers.toolkit.images.nrrd_data import MAX_BYTES, MAX_DEFLATE_RATIO
from containers.toolkit.images.segments import no_names, of_values
from containers.toolkit.images.volume import Volume

MAX_EXTENSIONS_BYTES = 64 << 20
"""Most bytes between a header and its values: extensions hold text."""
SCANNER = 1
"""Code of a transform to the scanner's frame."""
_TABLE = b"<LabelTable>"
"""In an extension that has an XML table of labels (GIFTI's), whatever its code: Caret's is 30, and TotalSegmentator
writes the same under 0 (`nifti_ext_header.py`)."""
_LABEL = re.compile(r'<Label\b[^>]*\bKey="(\d{1,5})"[^>]*>\s*(?:<!\[CDATA\[)?([^<\]]*)')


class Nifti(ImageFormat):
    """Values as nibabel scales them (scl_slope, scl_inter); in the file's type where none is given."""

    name, title, endings = "nifti", "NIfTI", (".nii.gz", ".nii")

    def recognises(self, head: bytes) -> bool:
        return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")

    def read_volume(self, path: Path) -> Volume:
        return self._read(path)[0]

    def read_labels(self, path: Path, names: Mapping[int, str] | None) -> LabelMap:
        volume, own = self._read(path)
        found = {**own, **(names or {})}
        if not found:
            raise no_names(path.name)
        merged = of_values(volume.data, found, path.name)
        return LabelMap(Volume(merged.data, volume.geometry, {}, (*volume.warnings, *merged.warnings)), merged.names)

    def _read(self, path: Path) -> tuple[Volume, dict[int, str]]:
        """The volume, and the names of labels that an extension holds."""
        import nibabel
        from nibabel.filebasedimages import ImageFileError
        from nibabel.spatialimages import HeaderDataError
        from nibabel.wrapstruct import WrapStructError

        where, warnings = path.name, list[str]()
        try:
            cls = nibabel.Nifti2Image if _head(path)[4:7] in (b"n+2", b"ni2") else nibabel.Nifti1Image
            with path.open("rb") as raw:
                stream = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
                _check_head(path, cls, where)
                image: Any = cls.from_stream(stream)
                size = _size(image.shape, where)
                data: npt.NDArray[Any] = np.asanyarray(image.dataobj).reshape(size)
        except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
            raise ItemFault(f"is not a readable NIfTI file ({error})", where=where, fix="write it again") from error
        except (ImageFileError, HeaderDataError, WrapStructError) as error:
            raise ItemFault(f"is not a readable NIfTI file ({error})", where=where, fix="write it again") from error
        grid = grid_of(image.header, size, where, warnings)
        data = np.ascontiguousarray(data.transpose(2, 1, 0)).astype(data.dtype.newbyteorder("="), copy=False)
        return Volume(data, grid, {}, tuple(warnings)), _names(image.header.extensions)

    def write(self, path: Path, volume: Volume, *, labels: bool = False) -> None:
        """Write a volume, gzipped, atomically; equal volumes give equal bytes. labels: its values are labels.

        qform is set where it can hold the grid: a sheared one has sform alone.
        """
        import nibabel

        data = np.ascontiguousarray(volume.data)
        image = nibabel.Nifti1Image(data.transpose(2, 1, 0), ras_affine(volume.geometry), dtype=data.dtype)
        image.header.set_xyzt_units("mm", "sec")
        image.set_sform(image.affine, code=SCANNER)
        image.set_qform(
            image.affine if is_orthogonal(volume.geometry) else None, SCANNER * is_orthogonal(volume.geometry)
        )
        if labels:
            image.header.set_intent("label")
        with (
            replacing(path) as temporary,
            temporary.open("wb") as stream,
            gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=stream, mtime=0) as packed,
        ):
            image.to_stream(packed)


def _head(path: Path) -> bytes:
    """The first 4096 bytes, unpacked."""
    with path.open("rb") as raw:
        stream = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        return stream.read(4096)


def _check_head(path: Path, cls: Any, where: str) -> None:
    """Refuse what is not a scalar volume in one file, or asks for more than the file can hold, before it is read."""
    head = _head(path)
    if head[344:347] == b"ni1" or head[4:7] == b"ni2":
        raise ItemFault("keeps its data in another file (.img)", where=where, fix="save it as one .nii or .nii.gz file")
    header = cls.header_class(head[: cls.header_class.template_dtype.itemsize], check=False)
    dtype = header.get_data_dtype()
    if dtype.fields is not None or dtype.kind == "V":
        raise ItemFault("has colours (RGB)", where=where, fix="give one scalar volume")
    if dtype.kind == "c":
        raise ItemFault("has complex values", where=where, fix="give magnitudes")
    count = 1
    for number in header.get_data_shape():
        count *= int(number)
    wanted, begin = count * dtype.itemsize, float(header["vox_offset"])
    room = path.stat().st_size * (MAX_DEFLATE_RATIO if path.open("rb").read(2) == b"\x1f\x8b" else 1)
    if count < 1 or not 0 <= begin <= MAX_EXTENSIONS_BYTES or wanted > MAX_BYTES or begin + wanted > room:
        raise ItemFault(
            f"is not a readable NIfTI file (its header asks for {wanted} bytes from byte {begin:g} on, it has up to"
            f" {room})",
            where=where,
            fix="write it again",
        )


def _size(shape: tuple[int, ...], where: str) -> tuple[int, int, int]:
    """The size (i, j, k). Axes beyond the third are let go where they have one entry."""
    names = {3: "points in time", 4: "values a voxel"}
    for axis, number in enumerate(shape[3:], start=3):
        if number != 1:
            raise ItemFault(
                f"has {len(shape)} axes, 3 are needed ({number} {names.get(axis, f'entries along axis {axis + 1}')})",
                where=where,
                fix="give one scalar volume a file",
            )
    if len(shape) < 3:
        raise ItemFault(f"has {len(shape)} axes, 3 are needed", where=where, fix="give one scalar volume a file")
    return shape[0], shape[1], shape[2]


def _names(extensions: Any) -> dict[int, str]:
    """Names of labels in an extension; empty without one. 0 is background."""
    found: dict[int, str] = {}
    for extension in extensions:
        if _TABLE in extension.content:
            text = extension.content.decode("utf-8", "replace")
            found |= {int(key): name.strip() for key, name in _LABEL.findall(text)}
    return {value: name for value, name in found.items() if value and name}
