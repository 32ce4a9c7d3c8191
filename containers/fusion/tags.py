"""The DICOM attributes that fusion reads, and their values as text and numbers.

Values are taken as they are stored: converting every element would take most of the time of reading.
"""

import math
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from containers.contract.errors import ItemFault

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
KEYWORDS = [
    "SOPClassUID",
    "ImageType",
    "Modality",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionTime",
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
    "ModalityLUTSequence",
    "LossyImageCompression",
    "DiffusionBValue",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
TAGS = [Tag(word) for word in (*KEYWORDS, *PIXELS)]
TAG_OF = dict(zip((*KEYWORDS, *PIXELS), TAGS, strict=True))


def raw(dataset: Dataset, keyword: str) -> Any:
    """A value as it is stored, mostly bytes: converting every element would take most of the reading time."""
    element = dataset.get_item(TAG_OF[keyword])
    return None if element is None else element.value


def text_of(dataset: Dataset, keyword: str) -> str:
    value = raw(dataset, keyword)
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0")
    several = isinstance(value, (list, tuple, MultiValue))
    return "" if value is None else "\\".join(map(str, value)) if several else str(value)


def numbers(dataset: Dataset, keyword: str, count: int, file: str) -> tuple[float, ...]:
    text = text_of(dataset, keyword)
    fix = "export the series again from the scanner or archive"
    if not text:
        raise ItemFault(f"has no {keyword}", where=file, fix=fix)
    try:
        values = tuple(float(part) for part in text.split("\\"))
    except ValueError:
        values = ()
    if len(values) != count or not all(map(math.isfinite, values)):
        raise ItemFault(f"has an unusable {keyword} ({text[:40]!r})", where=file, fix=fix)
    return values


def length(dataset: Dataset, keyword: str) -> float | None:
    """A length that only serves to check others: None where it is missing or unusable."""
    try:
        value = abs(float(text_of(dataset, keyword)))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def unsigned(dataset: Dataset, keyword: str, default: int = 0) -> int:
    value = raw(dataset, keyword)
    if isinstance(value, bytes):
        element = dataset.get_item(TAG_OF[keyword])
        return int.from_bytes(value, "little" if getattr(element, "is_little_endian", True) else "big")
    return value if isinstance(value, int) else default


def size(dataset: Dataset, keyword: str, file: str) -> int:
    value = unsigned(dataset, keyword)
    if value < 2:
        raise ItemFault(f"has no usable {keyword} ({value})", where=file, fix="export the series again")
    return value
