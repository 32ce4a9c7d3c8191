"""Zips that a stage has to refuse (or report), each made from a good one by a single fault."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import UID, generate_uid

from containers.contract.errors import ItemFault
from containers.contract.files import replacing
from phantoms.shared.ukb_zip import ZIP_TIME, pack

Entries = list[tuple[str, bytes]]
BOMB_BYTES = 1 << 30
"""Unpacked size of the zip bomb; about a thousandth of it on disk."""


def _read(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def _dataset(content: bytes) -> FileDataset:
    return pydicom.dcmread(io.BytesIO(content))


def _bytes(ds: FileDataset) -> bytes:
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def _is_slice(name: str) -> bool:
    return name.endswith(".dcm")


def _heights(entries: Entries) -> dict[str, float]:
    """z of each slice's ImagePositionPatient, by file name."""
    return {
        name: float(pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).ImagePositionPatient[2])
        for name, content in entries
        if _is_slice(name)
    }


def _middle_file(entries: Entries) -> int:
    """Index of a slice near the hip: one that every selection of stations uses."""
    heights = _heights(entries)
    wanted = min(heights, key=lambda name: (abs(heights[name]), name))
    return next(n for n, (name, _) in enumerate(entries) if name == wanted)


def _change_one(entries: Entries, change: Callable[[FileDataset], None]) -> Entries:
    n = _middle_file(entries)
    ds = _dataset(entries[n][1])
    change(ds)
    return [*entries[:n], (entries[n][0], _bytes(ds)), *entries[n + 1 :]]


def _change_all(entries: Entries, change: Callable[[FileDataset], None]) -> Entries:
    changed: Entries = []
    for name, content in entries:
        if _is_slice(name):
            ds = _dataset(content)
            change(ds)
            content = _bytes(ds)
        changed.append((name, content))
    return changed


def _series_of(content: bytes) -> str:
    return str(pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).SeriesInstanceUID)


def _truncated_dicom(entries: Entries) -> Entries:
    n = _middle_file(entries)
    name, content = entries[n]
    return [*entries[:n], (name, content[: len(content) * 2 // 3]), *entries[n + 1 :]]


def _not_dicom(entries: Entries) -> Entries:
    return [(name, b"This is a text file, no image.\n" if _is_slice(name) else content) for name, content in entries]


def _empty_zip(entries: Entries) -> Entries:
    return []


def _zip_slip(entries: Entries) -> Entries:
    return [*entries, ("../../outside.dcm", entries[0][1])]


def _missing_slices(entries: Entries) -> Entries:
    """Three neighbouring slices of the series with the hip's middle slice are gone."""
    n = _middle_file(entries)
    series = _series_of(entries[n][1])
    heights = _heights(entries)
    mine = sorted(
        (name for name, content in entries if _is_slice(name) and _series_of(content) == series),
        key=heights.__getitem__,
    )
    middle = len(mine) // 2
    gone = set(mine[middle - 1 : middle + 2])
    return [entry for entry in entries if entry[0] not in gone]


def _missing_station(entries: Entries) -> Entries:
    """All series of the station that holds the hip's middle slice are gone."""
    n = _middle_file(entries)
    uid_time = pydicom.dcmread(io.BytesIO(entries[n][1]), stop_before_pixels=True).SeriesTime

    def keep(content: bytes) -> bool:
        return bool(pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).SeriesTime != uid_time)

    return [(name, content) for name, content in entries if not _is_slice(name) or keep(content)]


def _mixed_participants(entries: Entries) -> Entries:
    """One series in the middle belongs to somebody else's study."""
    series = _series_of(entries[_middle_file(entries)][1])

    def other(ds: FileDataset) -> None:
        if ds.SeriesInstanceUID == series:
            ds.PatientID = ds.PatientName = "9999999"
            ds.StudyInstanceUID = generate_uid(entropy_srcs=["myorepro", "another study"])

    return _change_all(entries, other)


def _inconsistent_matrix(entries: Entries) -> Entries:
    def crop(ds: FileDataset) -> None:
        pixels = ds.pixel_array[:-2, :-2]
        ds.Rows, ds.Columns = pixels.shape
        ds.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()

    return _change_one(entries, crop)


def _spacing(values: list[str]) -> Callable[[Entries], Entries]:
    def change(ds: FileDataset) -> None:
        ds.PixelSpacing = values

    return lambda entries: _change_all(entries, change)


def _nan_pixels(entries: Entries) -> Entries:
    """One slice carries Float Pixel Data with a NaN."""

    def to_float(ds: FileDataset) -> None:
        pixels = ds.pixel_array.astype("<f4")
        pixels[pixels.shape[0] // 2, pixels.shape[1] // 2] = np.nan
        del ds.PixelData, ds.PixelRepresentation, ds.BitsStored, ds.HighBit
        ds.BitsAllocated = 32
        ds.FloatPixelData = pixels.tobytes()

    return _change_one(entries, to_float)


def _unknown_transfer_syntax(entries: Entries) -> Entries:
    def rename(ds: FileDataset) -> None:
        ds.file_meta.TransferSyntaxUID = UID("1.2.826.0.1.3680043.8.498.999")

    n = _middle_file(entries)
    ds = _dataset(entries[n][1])
    rename(ds)
    buffer = io.BytesIO()
    # The writer cannot know the encoding of a syntax nobody defined: say that it is explicit little endian.
    ds.save_as(buffer, implicit_vr=False, little_endian=True)
    return [*entries[:n], (entries[n][0], buffer.getvalue()), *entries[n + 1 :]]


def _wrong_contrast_names(entries: Entries) -> Entries:
    """No series says by description or image type which contrast it is."""

    def rename(ds: FileDataset) -> None:
        ds.SeriesDescription = ds.ProtocolName = "localizer"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]

    renamed = _change_all(entries, rename)
    manifests = [n for n, (name, _) in enumerate(renamed) if not _is_slice(name)]
    for n in manifests:
        name, content = renamed[n]
        lines = content.decode().splitlines()
        plain = [lines[0], *(",".join([*line.split(",")[:-1], "localizer"]) for line in lines[1:])]
        renamed[n] = (name, ("\n".join(plain) + "\n").encode())
    return renamed


FAULTS: dict[str, str] = {
    "truncated_dicom": "one DICOM file ends in the middle of its pixel data",
    "not_dicom": "the .dcm files are text",
    "empty_zip": "the zip has no entries",
    "zip_slip": "an entry's name leads out of the folder (../../outside.dcm)",
    "zip_bomb": "an entry of a megabyte unpacks to a gigabyte of zeros",
    "missing_slices": "three neighbouring slices of one series are missing",
    "missing_station": "all series of the hip station are missing",
    "mixed_participants": "one series belongs to another participant's study",
    "inconsistent_matrix": "one slice of a series has fewer rows and columns than the others",
    "zero_spacing": "PixelSpacing is 0",
    "negative_spacing": "PixelSpacing is negative",
    "nan_pixels": "one slice has float pixel data with a NaN",
    "unknown_transfer_syntax": "one file has a transfer syntax that nobody defines",
    "wrong_contrast_names": "no series description or image type names a contrast",
}

_CHANGES: dict[str, Callable[[Entries], Entries]] = {
    "truncated_dicom": _truncated_dicom,
    "not_dicom": _not_dicom,
    "empty_zip": _empty_zip,
    "zip_slip": _zip_slip,
    "missing_slices": _missing_slices,
    "missing_station": _missing_station,
    "mixed_participants": _mixed_participants,
    "inconsistent_matrix": _inconsistent_matrix,
    "zero_spacing": _spacing(["0", "0"]),
    "negative_spacing": _spacing(["-2", "2"]),
    "nan_pixels": _nan_pixels,
    "unknown_transfer_syntax": _unknown_transfer_syntax,
    "wrong_contrast_names": _wrong_contrast_names,
}


def _zip_bomb(good_zip: Path, target: Path) -> None:
    """The good entries plus one that unpacks to BOMB_BYTES, written in pieces."""
    entries = _read(good_zip)
    with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content)
        info = zipfile.ZipInfo("9.9.9.dcm", ZIP_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        block = bytes(1 << 22)
        with archive.open(info, "w", force_zip64=True) as stream:
            for _ in range(BOMB_BYTES // len(block)):
                stream.write(block)


def make(fault: str, good_zip: Path, target: Path) -> None:
    """Write to `target` the zip `good_zip` with one fault of FAULTS. Raises ItemFault for an unknown fault."""
    if fault not in FAULTS:
        raise ItemFault(f"no fault is called {fault!r}", where="bad_inputs", fix=f"use one of: {', '.join(FAULTS)}")
    if fault == "zip_bomb":
        _zip_bomb(good_zip, target)
    else:
        pack(target, _CHANGES[fault](_read(good_zip)))
