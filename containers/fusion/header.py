"""One DICOM file to one `Slice`: the tags that fusion needs, and its stored pixel values.

Stored values are kept as they are (int16 where they fit, else float32); rescale slope and intercept travel
with the slice. Identifiers of patient and study are kept only to be compared and leave this module's objects
in no record, file or message.
"""

import io
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SegmentationStorage,
)

from containers.contract.errors import ItemFault

PREAMBLE = 132
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_KEYWORDS = [
    "SOPClassUID",
    "ImageType",
    "Modality",
    "SeriesDate",
    "SeriesTime",
    "SeriesDescription",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "FrameOfReferenceUID",
    "EchoTime",
    "EchoNumbers",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "InstanceNumber",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
]
_TAGS = [Tag(word) for word in (*_KEYWORDS, *_PIXELS)]
_TAG_OF = dict(zip((*_KEYWORDS, *_PIXELS), _TAGS, strict=True))
_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"}
"""Uncompressed little-endian transfer syntaxes (implicit, explicit, deflated)."""

_APPLE = (b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")
"""AppleDouble and AppleSingle: what macOS packs next to each file, under the file's own name and ending."""

Pixels = npt.NDArray[np.int16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class Slice:
    """What one image says of itself. Positions and directions in LPS, lengths in mm."""

    file: str
    """Name of the file, without folders."""
    patient: str
    """PatientID, which is only compared and never shown; empty where missing."""
    study: str
    """StudyInstanceUID, which is only compared and never shown; empty where missing."""
    series: str
    """SeriesInstanceUID; empty where missing."""
    series_number: str
    """SeriesNumber as text; empty where missing."""
    description: str
    """SeriesDescription; empty where missing."""
    modality: str
    """Modality, such as `MR`; empty where missing."""
    image_type: tuple[str, ...]
    """Values of ImageType."""
    echo_time_ms: float | None
    """Echo time in ms; None where missing."""
    echo_number: str
    """EchoNumbers as text; empty where missing."""
    acquisition_number: str
    """AcquisitionNumber as text; empty where missing."""
    temporal_position: str
    """TemporalPositionIdentifier as text; empty where missing."""
    instance_number: str
    """InstanceNumber as text; empty where missing."""
    slice_thickness_mm: float | None
    """SliceThickness in mm as printed; None where missing."""
    slice_spacing_mm: float | None
    """SpacingBetweenSlices in mm as printed; None where missing: positions alone place a slice."""
    frame_of_reference: str
    """FrameOfReferenceUID; empty where missing."""
    acquired: datetime | None
    """Date and time of the series; None where the time is missing."""
    dated: bool
    """Whether the date is known; False where only the time of day of `acquired` holds."""
    rows: int
    """Number of rows."""
    columns: int
    """Number of columns."""
    spacing_mm: tuple[float, float]
    """Distance between columns and between rows, in mm."""
    position_mm: tuple[float, float, float]
    """Position of the centre of the first pixel, LPS in mm."""
    row_step: tuple[float, float, float]
    """Unit vector in which the column index grows."""
    column_step: tuple[float, float, float]
    """Unit vector in which the row index grows."""
    slope: float
    """Factor from stored to real values."""
    intercept: float
    """What is added after the factor."""


@dataclass(frozen=True)
class NotSlice:
    """A DICOM image that is not a slice of a volume, such as a screenshot."""

    file: str
    """Name of the file, without folders."""
    series: str
    """SeriesInstanceUID, which is only compared and never shown; empty where missing."""
    label: str
    """How messages name its series: by number and description."""
    what: str
    """What it is, in words that follow `is`."""
    fix: str
    """What the user can do, where the study has nothing else."""


def _raw(dataset: Dataset, keyword: str) -> Any:
    """A value as it is stored, mostly bytes: converting every element would take most of the reading time."""
    element = dataset.get_item(_TAG_OF[keyword])
    return None if element is None else element.value


def _text(dataset: Dataset, keyword: str) -> str:
    value = _raw(dataset, keyword)
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0")
    return "" if value is None else "\\".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _numbers(dataset: Dataset, keyword: str, count: int, file: str) -> tuple[float, ...]:
    text = _text(dataset, keyword)
    mend = "export the series anew from the scanner or archive"
    if not text:
        raise ItemFault(f"has no {keyword}", where=file, mend=mend)
    try:
        values = tuple(float(part) for part in text.split("\\"))
    except ValueError:
        values = ()
    if len(values) != count or not all(map(math.isfinite, values)):
        raise ItemFault(f"has an unusable {keyword} ({text[:40]!r})", where=file, mend=mend)
    return values


def _length(dataset: Dataset, keyword: str) -> float | None:
    """A length that only serves to check others: None where it is missing or unusable."""
    try:
        value = abs(float(_text(dataset, keyword)))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _unsigned(dataset: Dataset, keyword: str, default: int = 0) -> int:
    value = _raw(dataset, keyword)
    if isinstance(value, bytes):
        element = dataset.get_item(_TAG_OF[keyword])
        return int.from_bytes(value, "little" if getattr(element, "is_little_endian", True) else "big")
    return value if isinstance(value, int) else default


def _size(dataset: Dataset, keyword: str, file: str) -> int:
    value = _unsigned(dataset, keyword)
    if value < 2:
        raise ItemFault(f"has no usable {keyword} ({value})", where=file, mend="export the series anew")
    return value


def _acquired(date: str, time: str) -> tuple[datetime | None, bool]:
    """Moment of a DICOM date (YYYYMMDD) and time (HHMM, HHMMSS or with fraction), and whether the date is known."""
    found = re.fullmatch(r"(\d\d):?(\d\d):?(\d\d)?(?:\.(\d{1,6}))?", time)
    if found is None:
        return None, False
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    micro = int((found[4] or "0").ljust(6, "0"))
    dated = re.fullmatch(r"(\d{4})\.?(\d\d)\.?(\d\d)", date)
    day = (int(dated[1]), int(dated[2]), int(dated[3])) if dated else (2000, 1, 1)
    try:
        return datetime(*day, hour, minute, second, micro), dated is not None
    except ValueError:
        return None, False


def _open(data: bytes, file: str) -> Dataset | None:
    """The dataset, or None for a file that is not a DICOM image and does not claim to be one."""
    if data[128:PREAMBLE] != b"DICM":
        if data[:4] in _APPLE:
            return None
        dataset = _without_preamble(data)
        if dataset is None and file.lower().endswith((".dcm", ".ima", ".dicom")):
            raise ItemFault("is not a DICOM file", where=file, mend="remove it or export it again")
        return dataset
    truncated = ItemFault("is cut short (truncated DICOM)", where=file, mend="copy or export the file again")
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=_TAGS)
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged bytes; all mean the same to the user
        raise truncated from error
    if any(dataset.get_item(_TAG_OF[word]) is not None for word in _PIXELS):
        return dataset
    media = UID(str(dataset.file_meta.get("MediaStorageSOPClassUID", "")))
    if "Image Storage" in media.name or (media != MediaStorageDirectoryStorage and "SOPClassUID" not in dataset):
        raise truncated
    return None


def _without_preamble(data: bytes) -> Dataset | None:
    """The dataset of a file that begins with its first element, as some archives and old exports write; or None.

    The encoding is found by pydicom from the first elements, as every reader does it.
    """
    # Groups 2 and 8 come first in a file of any age; anything else is not DICOM, or nothing that a reader could know.
    if data[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return None
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=_TAGS, force=True)
    except MemoryError:
        raise
    except Exception:  # pydicom raises many kinds on bytes of other formats
        return None
    if "SOPClassUID" not in dataset or not any(dataset.get_item(_TAG_OF[word]) is not None for word in _PIXELS):
        return None
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = (
            ExplicitVRBigEndian if not little else ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        )
    return dataset


def _not_slice(dataset: Dataset, file: str) -> NotSlice | None:
    """What an image is that no volume is made of; None for a slice."""
    what, fix = "", "give the series of a volume"
    if _unsigned(dataset, "SamplesPerPixel", 1) != 1:
        what = "a colour image: screenshot or secondary capture"
    elif _text(dataset, "SOPClassUID") == SegmentationStorage:
        what = "a segmentation"
    elif _text(dataset, "NumberOfFrames") not in ("", "0", "1"):
        what = "a multi-frame image, which this stage does not read"
        fix = "convert it to single-frame DICOM (for example by dcm4che's emf2sf)"
    elif "MOSAIC" in _text(dataset, "ImageType").upper().split("\\"):
        what = "a Siemens mosaic: the slices of a volume as tiles of one image"
        fix = "convert it to one image a slice"
    elif not _text(dataset, "ImagePositionPatient") or not _text(dataset, "ImageOrientationPatient"):
        missing = "ImageOrientationPatient" if _text(dataset, "ImagePositionPatient") else "ImagePositionPatient"
        what, fix = f"an image without position: no {missing}", "export the series again from the scanner or archive"
    if not what:
        return None
    number, description = _text(dataset, "SeriesNumber") or "?", _text(dataset, "SeriesDescription")
    label = f"series {number} ({description or 'no description'})"
    return NotSlice(file, _text(dataset, "SeriesInstanceUID"), label, what, fix)


def read_slice(data: bytes, file: str) -> tuple[Slice, Pixels] | NotSlice | None:
    """Parse one file: its Slice and pixels (row, column), int16 when the stored values fit, else float32.

    NotSlice for an image that no volume is made of. None for a file that is not an image (a manifest, a DICOMDIR, a
    report). Raises ItemFault, naming `file`.
    """
    dataset = _open(data, file)
    if dataset is None:
        return None
    if (other := _not_slice(dataset, file)) is not None:
        return other
    rows, columns = _size(dataset, "Rows", file), _size(dataset, "Columns", file)
    pixels = _pixels(dataset, rows, columns, file)
    spacing = _numbers(dataset, "PixelSpacing", 2, file)
    if min(spacing) <= 0:
        raise ItemFault(
            f"has a PixelSpacing of {spacing[0]:g} x {spacing[1]:g} mm, it must be positive",
            where=file,
            mend="export the series anew with its true spacing",
        )
    position = _numbers(dataset, "ImagePositionPatient", 3, file)
    cosines = _numbers(dataset, "ImageOrientationPatient", 6, file)
    row, column = cosines[:3], cosines[3:]
    products = (math.hypot(*row) - 1, math.hypot(*column) - 1, sum(a * b for a, b in zip(row, column, strict=True)))
    if max(map(abs, products)) > 1e-3:
        raise ItemFault("has directions that are not perpendicular unit vectors", where=file, mend="export it anew")
    echo = _text(dataset, "EchoTime")
    acquired, dated = _acquired(_text(dataset, "SeriesDate"), _text(dataset, "SeriesTime"))
    described = Slice(
        file=file,
        patient=_text(dataset, "PatientID"),
        study=_text(dataset, "StudyInstanceUID"),
        series=_text(dataset, "SeriesInstanceUID"),
        series_number=_text(dataset, "SeriesNumber"),
        description=_text(dataset, "SeriesDescription"),
        modality=_text(dataset, "Modality"),
        image_type=tuple(_text(dataset, "ImageType").upper().split("\\")),
        echo_time_ms=_numbers(dataset, "EchoTime", 1, file)[0] if echo else None,
        echo_number=_text(dataset, "EchoNumbers"),
        acquisition_number=_text(dataset, "AcquisitionNumber"),
        temporal_position=_text(dataset, "TemporalPositionIdentifier"),
        instance_number=_text(dataset, "InstanceNumber"),
        slice_thickness_mm=_length(dataset, "SliceThickness"),
        slice_spacing_mm=_length(dataset, "SpacingBetweenSlices"),
        frame_of_reference=_text(dataset, "FrameOfReferenceUID"),
        acquired=acquired,
        dated=dated,
        rows=rows,
        columns=columns,
        spacing_mm=(spacing[1], spacing[0]),
        position_mm=(position[0], position[1], position[2]),
        row_step=(row[0], row[1], row[2]),
        column_step=(column[0], column[1], column[2]),
        # An attribute of no length says nothing: as if it were not there (PS3.5, 7.4).
        slope=_numbers(dataset, "RescaleSlope", 1, file)[0] if _text(dataset, "RescaleSlope") else 1.0,
        intercept=_numbers(dataset, "RescaleIntercept", 1, file)[0] if _text(dataset, "RescaleIntercept") else 0.0,
    )
    if described.slope == 0:
        raise ItemFault("has a RescaleSlope of zero", where=file, mend="export the series anew")
    return described, pixels


def _pixels(dataset: Dataset, rows: int, columns: int, file: str) -> Pixels:
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    if not UID(syntax).is_transfer_syntax:
        raise ItemFault(
            f"has an unknown transfer syntax ({syntax or 'none'})",
            where=file,
            mend="convert it to explicit VR little endian (for example by gdcmconv --raw)",
        )
    allocated = _unsigned(dataset, "BitsAllocated")
    bits = _unsigned(dataset, "BitsStored", allocated)
    high = _unsigned(dataset, "HighBit", bits - 1)
    native = syntax in _NATIVE and allocated == 16
    # pydicom masks and extends the sign where the standard's HighBit = BitsStored - 1 holds, and only there.
    if not 0 < bits <= high + 1 <= allocated or (high != bits - 1 and not native):
        raise ItemFault(
            f"has BitsStored {bits} and HighBit {high} of {allocated} bits, which cannot be read",
            where=file,
            mend="convert it to explicit VR little endian with HighBit one below BitsStored",
        )
    if native and (stored := _raw(dataset, "PixelData")):
        if len(stored) < rows * columns * 2:
            raise ItemFault(
                f"is cut short: {len(stored)} bytes of pixels where {rows} x {columns} of 2 bytes are needed "
                "(truncated DICOM or wrong matrix)",
                where=file,
                mend="copy or export the file again",
            )
        kind = "<i2" if _unsigned(dataset, "PixelRepresentation") == 1 else "<u2"
        values: npt.NDArray[np.generic] = _stored_bits(np.frombuffer(stored, kind, rows * columns), bits, high)
        values = values.reshape(rows, columns)
    else:
        try:
            values = dataset.pixel_array
        except MemoryError:
            raise
        except Exception as error:  # each decoder has its own exceptions
            line = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise ItemFault(
                f"its pixels cannot be decoded from {UID(syntax).name} ({line})",
                where=file,
                mend="copy the file again or convert it to explicit VR little endian",
            ) from error
    if np.issubdtype(values.dtype, np.floating):
        if not np.isfinite(values).all():
            raise ItemFault("has NaN or infinite pixel values", where=file, mend="export the magnitude image anew")
        return values.astype(np.float32)
    if values.dtype == np.dtype("<i2") or (values.max() <= 32767 and values.min() >= -32768):
        return values.astype(np.int16, copy=False)
    return values.astype(np.float32)


def _stored_bits(values: npt.NDArray[np.integer[Any]], bits: int, high: int) -> npt.NDArray[np.generic]:
    """The `bits` bits up to bit `high` of 16-bit words: what lies above (old overlays) goes, the sign is extended."""
    if bits == 16:
        return values
    shifted = values << values.dtype.type(15 - high)
    return np.asarray(shifted >> values.dtype.type(16 - bits))  # arithmetic for int16, logical for uint16
