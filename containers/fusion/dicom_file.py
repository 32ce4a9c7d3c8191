"""One DICOM file to its slices: one of a classic image, as many as it has frames of an enhanced one."""

import io

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SegmentationStorage,
)

from containers.contract.errors import ItemFault
from containers.fusion import enhanced
from containers.fusion.header import NotSlice, Slice, described
from containers.fusion.pixels import Pixels, read_pixels
from containers.fusion.tags import PIXELS, TAG_OF, TAGS, size, text_of, unsigned

PREAMBLE = 132
_APPLE = (b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")
"""AppleDouble and AppleSingle: what macOS packs next to each file, under the file's own name and ending."""


def _open(data: bytes, file: str) -> Dataset | None:
    """The dataset, or None for a file that is not a DICOM image and does not claim to be one."""
    if data[128:PREAMBLE] != b"DICM":
        if data[:4] in _APPLE:
            return None
        dataset = _without_preamble(data)
        if dataset is None and file.lower().endswith((".dcm", ".ima", ".dicom")):
            raise ItemFault("is not a DICOM file", where=file, fix="remove it or export it again")
        return dataset
    truncated = ItemFault("is cut short (truncated DICOM)", where=file, fix="copy or export the file again")
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=TAGS)
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged bytes; all mean the same to the user
        raise truncated from error
    if any(dataset.get_item(TAG_OF[word]) is not None for word in PIXELS):
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
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=TAGS, force=True)
    except MemoryError:
        raise
    except Exception:  # pydicom raises many kinds on bytes of other formats
        return None
    if "SOPClassUID" not in dataset or not any(dataset.get_item(TAG_OF[word]) is not None for word in PIXELS):
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
    if unsigned(dataset, "SamplesPerPixel", 1) != 1:
        what = "a colour image: screenshot or secondary capture"
    elif text_of(dataset, "SOPClassUID") == SegmentationStorage:
        what = "a segmentation"
    elif enhanced.is_enhanced(dataset):
        return None
    elif text_of(dataset, "NumberOfFrames") not in ("", "0", "1"):
        what = "a multi-frame image without functional groups, whose frames have no position"
        fix = "convert it to single-frame or enhanced DICOM"
    elif "MOSAIC" in text_of(dataset, "ImageType").upper().split("\\"):
        what = "a Siemens mosaic: the slices of a volume as tiles of one image"
        fix = "convert it to one image a slice"
    elif not text_of(dataset, "ImagePositionPatient") or not text_of(dataset, "ImageOrientationPatient"):
        missing = "ImageOrientationPatient" if text_of(dataset, "ImagePositionPatient") else "ImagePositionPatient"
        what, fix = f"an image without position: no {missing}", "export the series again from the scanner or archive"
    if not what:
        return None
    number, description = text_of(dataset, "SeriesNumber") or "?", text_of(dataset, "SeriesDescription")
    label = f"series {number} ({description or 'no description'})"
    return NotSlice(file, text_of(dataset, "SeriesInstanceUID"), label, what, fix)


def read_file(data: bytes, file: str) -> tuple[list[Slice], Pixels] | NotSlice | None:
    """Parse one file: its slices, and their pixels (slice, row, column), int16 when all values fit, else float32.

    NotSlice for an image that no volume is made of. None for a file that is not an image (a manifest, a DICOMDIR, a
    report). Raises ItemFault, naming `file`.
    """
    dataset = _open(data, file)
    if dataset is None:
        return None
    if (other := _not_slice(dataset, file)) is not None:
        return other
    parts = enhanced.frames(dataset, file) if enhanced.is_enhanced(dataset) else [dataset]
    rows, columns = size(dataset, "Rows", file), size(dataset, "Columns", file)
    pixels = read_pixels(dataset, (len(parts), rows, columns), file)
    return [described(part, file) for part in parts], pixels
