"""The doors through which stages read volumes and label maps, whatever format their files have.

A file's format is known by its content; its name decides only what is said of a file that is of no format.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from containers.contract.errors import ItemFault
from containers.toolkit.images.check import check_finite
from containers.toolkit.images.formats import FORMATS
from containers.toolkit.images.formats.base import ImageFormat, LabelMap
from containers.toolkit.images.label_table import read_label_table
from containers.toolkit.images.volume import Volume

Warn = Callable[[str], None]
"""Takes a line that the reader of the result should know, such as a stage's `result.warn`."""
HEAD_BYTES = 4096
"""Bytes at a file's begin that a format is known by."""
_OTHERS = (
    (lambda head: head.startswith((b"ObjectType = Image", b"NDims =", b"ObjectType=Image")), "MetaImage"),
    (
        lambda head: len(head) >= 348 and head[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"),
        "Analyze 7.5, which does not say where left is",
    ),
    (lambda head: head.startswith(b"PK\x03\x04"), "a zip"),
    (lambda head: head.startswith(b"\x89HDF"), "HDF5 or MINC"),
    (lambda head: head.startswith((b"\x89PNG", b"\xff\xd8\xff")), "a picture"),
)
"""What is recognised to be refused by its name."""


def read_volume(path: Path, warn: Warn, *, finite: bool = False) -> Volume:
    """A scalar volume in LPS, data (k, j, i), from a file of any format in FORMATS. finite: refuse NaN and infinity.

    Raises ItemFault with the true cause for anything else.
    """
    volume = format_of(path).read_volume(path)
    if finite:
        check_finite(volume.data, path.name)
    for line in volume.warnings:
        warn(line)
    return volume


def read_labels(path: Path, warn: Warn, names: Path | Mapping[int, str] | None = None) -> LabelMap:
    """A label map in LPS, uint8 (k, j, i), with the names of its labels, from a file of any format in FORMATS.

    names: a table (see `label_table`) or a mapping of values in the file to names, which go before the file's own.
    Raises ItemFault with the true cause for anything else, labels without a name included.
    """
    given = read_label_table(names) if isinstance(names, Path) else names
    found = format_of(path).read_labels(path, given)
    for line in found.volume.warnings:
        warn(line)
    return found


def format_of(path: Path) -> ImageFormat:
    """The format of a file. Raises ItemFault for one of no format that is read here."""
    if path.is_dir():
        raise ItemFault("is a folder", where=path.name, fix="give one file; DICOM series go to the stage fusion first")
    head = _head(path)
    for one in FORMATS:
        if one.recognises(head):
            return one
    known = ", ".join(one.title for one in FORMATS)
    for is_it, what in _OTHERS:
        if is_it(head):
            raise ItemFault(f"is {what}", where=path.name, fix=f"convert it to one of {known}")
    for one in FORMATS:
        if one.named(path):
            return one  # its reader says what is wrong with it
    raise ItemFault(f"is of no known format ({known})", where=path.name, fix="convert it to one of them")


def _head(path: Path) -> bytes:
    """A file's first bytes, unpacked where it is gzipped."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            if not head.startswith(b"\x1f\x8b"):
                return head
            stream.seek(0)
            return gzip.GzipFile(fileobj=stream).read(HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return head
    except OSError as error:
        raise ItemFault(f"cannot be read ({error.strerror})", where=path.name, fix="check the path") from error
