"""The values of a NRRD file. What a header asks for is bounded by what its file can hold before anything is made."""

import bz2
import gzip
import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.images.nrrd_header import Header, read_header

MAX_BYTES = 8 << 30
"""Most bytes of values that are unpacked: a whole body at 0.5 mm in float32 takes 5 GiB."""
MAX_DEFLATE_RATIO = 1032
"""Deflate packs no more than this many bytes into one (zlib's documentation)."""
MAX_VALUES_ACROSS = 1 << 20
"""Longest axis."""
CHUNK = 1 << 22

TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
        "i8",
    ),
    **dict.fromkeys(
        ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
        "u8",
    ),
    "float": "f4",
    "double": "f8",
}
"""numpy's code of each type, by all its names in the definition."""
ENCODINGS = {
    "raw": "raw",
    **dict.fromkeys(("txt", "text", "ascii"), "text"),
    "hex": "hex",
    **dict.fromkeys(("gz", "gzip"), "gzip"),
    **dict.fromkeys(("bz2", "bzip2"), "bzip2"),
}
"""Encodings by all their names in the definition."""


@dataclass(frozen=True)
class NrrdFile:
    """A NRRD file as it is, without a frame."""

    data: npt.NDArray[np.generic]
    """Values in the machine's byte order, slowest axis first."""
    header: Header
    """What its header says."""


def read_nrrd_file(path: Path) -> NrrdFile:
    """Read a NRRD file. Raises ItemFault for one that is not whole, or that asks for more than it can hold."""
    try:
        with path.open("rb") as stream:
            header = read_header(stream, path.name)
            return NrrdFile(_values(stream, header, path.name), header)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ItemFault(f"is not a readable NRRD ({error})", where=path.name, fix="write it again") from error


def _values(stream: BinaryIO, header: Header, where: str) -> npt.NDArray[np.generic]:
    if "data file" in header.fields:
        raise ItemFault("keeps its data in another file", where=where, fix="save it as one .nrrd file")
    encoding = ENCODINGS.get(header.fields.get("encoding", "").lower())
    if encoding is None:
        known = ", ".join(sorted(set(ENCODINGS.values())))
        raise ItemFault(
            f"has the encoding {header.fields.get('encoding', '')[:40]!r}", where=where, fix=f"known: {known}"
        )
    dtype = _dtype(header, encoding, where)
    sizes = _sizes(header, where)
    count = 1
    for size in sizes:  # Python's integers do not overflow
        count *= size
    _skip_lines(stream, header.integer("line skip", 0, where), where)
    raw = _bytes(stream, encoding, count * dtype.itemsize, header.integer("byte skip", 0, where), where)
    if encoding == "text":
        values: npt.NDArray[Any] = np.array(raw.tobytes().split(), dtype=dtype)
        if values.size != count:
            raise _size_fault(values.size, count, "values", where)
    else:
        values = raw.view(dtype)
    return values.reshape(sizes[::-1]).astype(dtype.newbyteorder("="), copy=False)


def _dtype(header: Header, encoding: str, where: str) -> np.dtype[Any]:
    name = " ".join(header.fields.get("type", "").lower().split())
    if name not in TYPES:
        raise ItemFault(f"has values of type {name[:40]!r}", where=where, fix="save it as numbers, int or float")
    dtype = np.dtype(TYPES[name])
    if dtype.itemsize == 1 or encoding == "text":
        return dtype
    order = header.fields.get("endian", "").lower()
    if order not in ("little", "big"):
        fix = "write endian: little or big"
        raise ItemFault("does not say its byte order" if not order else f"has endian {order!r}", where=where, fix=fix)
    return dtype.newbyteorder("<" if order == "little" else ">")


def _sizes(header: Header, where: str) -> list[int]:
    words = header.words("sizes")
    dimension = header.integer("dimension", len(words), where)
    if not words or dimension != len(words) or not all(word.isascii() and word.isdigit() for word in words):
        shown = " ".join(words)[:40]
        raise ItemFault(f"has sizes {shown!r} for dimension {dimension}", where=where, fix="correct the NRRD header")
    sizes = [int(word) for word in words]
    if min(sizes) < 1 or max(sizes) > MAX_VALUES_ACROSS:
        bad = min(sizes) if min(sizes) < 1 else max(sizes)
        raise ItemFault(f"has an axis of {bad} values", where=where, fix="correct the NRRD header")
    return sizes


def _skip_lines(stream: BinaryIO, lines: int, where: str) -> None:
    """Skip lines of the data. One line needs one byte at least, so a file bounds what can be skipped."""
    left = os.fstat(stream.fileno()).st_size - stream.tell()
    if not 0 <= lines <= left:
        raise ItemFault(f"skips {lines} lines, of {left} bytes of data", where=where, fix="correct its line skip")
    for _ in range(lines):
        if not stream.readline():
            raise ItemFault(f"skips {lines} lines and has fewer", where=where, fix="correct its line skip")


def _size_fault(found: int, wanted: int, unit: str, where: str) -> ItemFault:
    """That the values do not fill the sizes of the header."""
    some = "more than " if found > wanted else ""
    shown = f"{some}{wanted if some else found}"
    return ItemFault(
        f"is not a readable NRRD (it has {shown} {unit} of data, its header asks for {wanted})",
        where=where,
        fix="write it again",
    )


def _bytes(stream: BinaryIO, encoding: str, wanted: int, skip: int, where: str) -> npt.NDArray[np.uint8]:
    """The unpacked bytes: of text all that there are, of other encodings as many as the header asks for.

    They can be written to. Memory that is asked for and not filled is not taken from the machine.
    """
    left = os.fstat(stream.fileno()).st_size - stream.tell()
    # `byte skip: -1` of raw data means the last bytes of the file.
    if skip == -1 and encoding == "raw":
        skip = max(left - wanted, 0)
    room = {"raw": left, "hex": left // 2, "gzip": left * MAX_DEFLATE_RATIO, "text": left, "bzip2": MAX_BYTES}[encoding]
    if not 0 <= skip <= room:
        raise ItemFault(f"skips {skip} bytes", where=where, fix="correct its byte skip")
    if wanted > MAX_BYTES:
        raise ItemFault(
            f"asks for {wanted / 2**30:.1f} GiB of values, more than {MAX_BYTES >> 30} GiB",
            where=where,
            fix="correct its sizes, or cut the volume",
        )
    if encoding == "text":
        return np.frombuffer(stream.read()[skip:], np.uint8)
    if wanted + skip > room:
        raise _size_fault(min(left, wanted - 1), wanted, "bytes", where)
    unpacked = _unpacked(stream, encoding)
    while skip and (passed := len(unpacked.read(min(CHUNK, skip)))):
        skip -= passed
    found = np.empty(wanted, np.uint8)
    place = 0
    while place < wanted and (part := unpacked.readinto(found[place : place + CHUNK].data)):
        place += part
    if place < wanted:
        raise _size_fault(place, wanted, "bytes", where)
    # The end of packed data has to be reached: its checksum stands there. Some writers end a raw file with a new line.
    rest = unpacked.read(3)
    if rest and not (encoding == "raw" and rest.isspace() and len(rest) < 3):
        raise _size_fault(wanted + 1, wanted, "bytes", where)
    return found


def _unpacked(stream: BinaryIO, encoding: str) -> Any:
    """The data as a file without its packing. gzip and bzip2 in several parts are read on."""
    if encoding == "gzip":
        return gzip.GzipFile(fileobj=stream)
    if encoding == "bzip2":
        return bz2.BZ2File(stream)
    return stream if encoding == "raw" else io.BytesIO(bytes.fromhex(stream.read().decode("ascii")))
