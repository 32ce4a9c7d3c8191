"""What one image says of itself, as fusion needs it.

Identifiers of patient and study are kept only to be compared and leave this module's objects
in no record, file or message.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset

from containers.contract.errors import ItemFault
from containers.fusion.tags import TAG_OF, length, numbers, size, text_of

PREAMBLE = 132


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
    diffusion: str
    """DiffusionBValue as text, with the direction where one is given; empty where missing."""
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
    acquisition_time: str
    """AcquisitionTime of the image as text, which is only compared; empty where missing."""
    lossy: bool
    """Whether the pixels were compressed with loss, at any time (LossyImageCompression)."""
    inverted: bool
    """Whether small values are meant to be shown bright (MONOCHROME1)."""
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


def described(dataset: Dataset, file: str) -> Slice:
    """What one image says of itself. Raises ItemFault, naming `file`, for attributes that are missing or unusable."""
    rows, columns = size(dataset, "Rows", file), size(dataset, "Columns", file)
    spacing = numbers(dataset, "PixelSpacing", 2, file)
    if min(spacing) <= 0:
        raise ItemFault(
            f"has a PixelSpacing of {spacing[0]:g} x {spacing[1]:g} mm, it must be positive",
            where=file,
            fix="export the series again with its true spacing",
        )
    position = numbers(dataset, "ImagePositionPatient", 3, file)
    cosines = numbers(dataset, "ImageOrientationPatient", 6, file)
    row, column = cosines[:3], cosines[3:]
    products = (math.hypot(*row) - 1, math.hypot(*column) - 1, sum(a * b for a, b in zip(row, column, strict=True)))
    if max(map(abs, products)) > 1e-3:
        raise ItemFault("has directions that are not perpendicular unit vectors", where=file, fix="export it again")
    # Values of a table need not grow with the signal, and no factor undoes it: such pixels are no measurement.
    if dataset.get_item(TAG_OF["ModalityLUTSequence"]) is not None and not text_of(dataset, "RescaleSlope"):
        raise ItemFault(
            "has a modality look-up table: its pixels are not proportional to signal",
            where=file,
            fix="export the series with rescale slope and intercept",
        )
    echo = text_of(dataset, "EchoTime")
    acquired, dated = _acquired(text_of(dataset, "SeriesDate"), text_of(dataset, "SeriesTime"))
    found = Slice(
        file=file,
        patient=text_of(dataset, "PatientID"),
        study=text_of(dataset, "StudyInstanceUID"),
        series=text_of(dataset, "SeriesInstanceUID"),
        series_number=text_of(dataset, "SeriesNumber"),
        description=text_of(dataset, "SeriesDescription"),
        modality=text_of(dataset, "Modality"),
        image_type=tuple(text_of(dataset, "ImageType").upper().split("\\")),
        echo_time_ms=numbers(dataset, "EchoTime", 1, file)[0] if echo else None,
        echo_number=text_of(dataset, "EchoNumbers"),
        acquisition_number=text_of(dataset, "AcquisitionNumber"),
        diffusion=text_of(dataset, "DiffusionBValue"),
        temporal_position=text_of(dataset, "TemporalPositionIdentifier"),
        instance_number=text_of(dataset, "InstanceNumber"),
        slice_thickness_mm=length(dataset, "SliceThickness"),
        slice_spacing_mm=length(dataset, "SpacingBetweenSlices"),
        frame_of_reference=text_of(dataset, "FrameOfReferenceUID"),
        acquired=acquired,
        dated=dated,
        acquisition_time=text_of(dataset, "AcquisitionTime"),
        lossy=text_of(dataset, "LossyImageCompression") == "01",
        inverted=text_of(dataset, "PhotometricInterpretation") == "MONOCHROME1",
        rows=rows,
        columns=columns,
        spacing_mm=(spacing[1], spacing[0]),
        position_mm=(position[0], position[1], position[2]),
        row_step=(row[0], row[1], row[2]),
        column_step=(column[0], column[1], column[2]),
        # An attribute of no length says nothing: as if it were not there (PS3.5, 7.4).
        slope=numbers(dataset, "RescaleSlope", 1, file)[0] if text_of(dataset, "RescaleSlope") else 1.0,
        intercept=numbers(dataset, "RescaleIntercept", 1, file)[0] if text_of(dataset, "RescaleIntercept") else 0.0,
    )
    if found.slope == 0:
        raise ItemFault("has a RescaleSlope of zero", where=file, fix="export the series again")
    return found
