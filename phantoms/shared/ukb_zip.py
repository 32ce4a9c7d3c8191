"""DICOM series and the flat zip of UK Biobank field 20201: `<eid>_20201_2_0.zip`, one file per slice and a manifest.

Tags follow Siemens' magnitude images: no rescale, unsigned 12 bit in 16, one series per station and contrast.
Everything (UIDs, times, order, zip time stamps) derives from the seed: equal parameters give equal bytes.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, RLELossless, generate_uid

from containers.contract.files import replacing
from containers.toolkit.images.volume import Geometry
from phantoms.shared.protocol import STATIONS, Protocol

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
SUFFIX = {"in_phase": "in", "opposed_phase": "opp", "fat": "F", "water": "W"}
KIND = {"in_phase": "IN_PHASE", "opposed_phase": "OPP_PHASE", "fat": "FAT", "water": "WATER"}
BREATH_HOLD = (1, 2, 3)
"""Stations taken in a breath-hold; the others are named `noBH`."""
DAY_SECONDS = 86400
STUDY_START_S = 8 * 3600.0
ROOT = "1.2.826.0.1.3680043.8.498."


@dataclass(frozen=True)
class Participant:
    """Who is scanned."""

    eid: str
    """Pseudonymous identifier."""
    sex: str
    """`female` or `male`."""
    height_m: float
    """Body height in m."""
    weight_kg: float
    """Body weight in kg."""
    key: str
    """Seed of the UIDs: the same text gives the same ones."""


@dataclass(frozen=True)
class Series:
    """One series of a session."""

    station: int
    """Station, from 0 (chest) to 5 (knee)."""
    contrast: str
    """The contrast that it holds."""
    images: npt.NDArray[np.uint16]
    """Stored values, (k, j, i), k from inferior to superior."""
    geometry: Geometry
    """Grid of the values, in LPS."""
    start_s: float
    """Seconds after midnight of the first day; may exceed a day."""
    number: int
    """SeriesNumber."""
    uid_of: str
    """Key of the series' UID, so that two contrasts can be put into one series."""
    description: str
    """SeriesDescription."""
    dropped: tuple[int, ...] = ()
    """Slices k that are left out."""


@dataclass(frozen=True)
class Format:
    """How the slices are written."""

    rescale: bool = False
    """Whether stored values have a slope and an intercept."""
    compressed: bool = False
    """Whether pixel data are compressed."""
    feet_first: bool = False
    """Whether the person lies feet first."""
    random_order: bool = False
    """Whether the files in the zip are in random order."""
    misspelled_manifest: bool = False
    """Whether the manifest has the misspelled name that real zips have."""


def description(station: int, contrast: str) -> str:
    """Series description as in UK Biobank's zips."""
    return f"Dixon_{'BH_17s' if station in BREATH_HOLD else 'noBH'}_{SUFFIX[contrast]}"


def uid(*parts: object) -> UID:
    """A valid UID that depends on `parts` only."""
    return generate_uid(prefix=ROOT, entropy_srcs=[str(p) for p in parts])


def _time(seconds: float) -> tuple[str, str]:
    """DICOM date and time of seconds after midnight of the study's first day."""
    day, rest = divmod(seconds, DAY_SECONDS)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    return f"201906{11 + int(day):02d}", f"{int(hours):02d}{int(minutes):02d}{rest:09.6f}"


def _decimal(value: float) -> str:
    """A DICOM decimal string (at most 16 characters) with the value to 1e-6 or better."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _series_tags(series: Series, who: Participant, protocol: Protocol, form: Format) -> FileDataset:
    """The tags that all slices of a series share."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.TransferSyntaxUID = RLELossless if form.compressed else ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(ROOT + "1")
    meta.ImplementationVersionName = "MYOREPRO_PHANTOM"
    ds = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    date, time = _time(series.start_s)
    study_date, study_time = _time(STUDY_START_S)
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", KIND[series.contrast], "NORM"]
    if series.contrast in ("fat", "water"):
        ds.ImageType[0] = "DERIVED"
    ds.SOPClassUID = MRImageStorage
    ds.StudyDate, ds.SeriesDate, ds.AcquisitionDate = study_date, date, date
    ds.StudyTime, ds.SeriesTime, ds.AcquisitionTime = study_time, time, time
    ds.AccessionNumber = ""
    ds.Modality = "MR"
    ds.Manufacturer, ds.ManufacturerModelName = "SIEMENS", "Aera"
    ds.InstitutionName = "Phantom"
    ds.StudyDescription = "Phantom^Dixon neck to knee"
    ds.SeriesDescription = series.description
    ds.ReferringPhysicianName = ""
    ds.PatientName, ds.PatientID = who.eid, who.eid
    ds.PatientSex = "F" if who.sex == "female" else "M"
    ds.PatientBirthDate = ""
    ds.PatientSize, ds.PatientWeight = _decimal(who.height_m), _decimal(who.weight_kg)
    ds.BodyPartExamined = STATIONS[series.station].upper()
    ds.ScanningSequence, ds.SequenceVariant = "GR", ["SP", "OSP"]
    ds.ScanOptions, ds.MRAcquisitionType = "DIXF" if series.contrast == "fat" else "DIXW", "3D"
    ds.SequenceName = "*fl3d2"
    ds.SliceThickness = _decimal(series.geometry.spacing_mm[2])
    ds.RepetitionTime = _decimal(protocol.tr_ms)
    ds.EchoTime = _decimal(protocol.te_in_ms if series.contrast == "in_phase" else protocol.te_opposed_ms)
    ds.NumberOfAverages, ds.ImagedNucleus = "1", "1H"
    ds.EchoNumbers = "2" if series.contrast == "in_phase" else "1"
    ds.MagneticFieldStrength, ds.FlipAngle = _decimal(protocol.field_tesla), _decimal(protocol.flip_deg)
    ds.PixelBandwidth = "960"
    ds.ProtocolName = series.description.rsplit("_", 1)[0]
    ds.PatientPosition = "FFS" if form.feet_first else "HFS"
    ds.StudyInstanceUID = uid(who.key, "study")
    ds.SeriesInstanceUID = uid(who.key, series.uid_of)
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber = "1", str(series.number), "1"
    ds.FrameOfReferenceUID = uid(who.key, "frame")
    ds.PositionReferenceIndicator = ""
    rows, columns = series.images.shape[1:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = rows, columns
    ds.PixelSpacing = [_decimal(series.geometry.spacing_mm[1]), _decimal(series.geometry.spacing_mm[0])]
    directions = series.geometry.directions
    ds.ImageOrientationPatient = [_decimal(v) for v in (*directions[0], *directions[1])]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth = "265", "370"
    if form.rescale:
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-10", "0.5", "US"
        # Twice the value no longer fits into 12 bits.
        ds.BitsStored, ds.HighBit = 16, 15
    return ds


def _stored(image: npt.NDArray[np.uint16], form: Format) -> npt.NDArray[np.uint16]:
    """With rescale (slope 0.5, intercept -10) the stored values change so that real values stay what they were."""
    return np.asarray((image + 10) * 2 if form.rescale else image, dtype="<u2")


def instances(series: Series, who: Participant, protocol: Protocol, form: Format) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of each slice. Instance numbers rise to Superior, with feet-first to Inferior."""
    ds = _series_tags(series, who, protocol, form)
    count = series.geometry.size[2]
    stored = _stored(series.images, form)
    normal = np.asarray(series.geometry.directions[2])
    for k in range(count):
        if k in series.dropped:
            continue
        name = uid(who.key, series.uid_of, series.contrast, k)
        position = series.geometry.position_mm([0, 0, k])
        ds.SOPInstanceUID = name
        ds.file_meta.MediaStorageSOPInstanceUID = name
        ds.InstanceNumber = str(count - k if form.feet_first else k + 1)
        ds.ImagePositionPatient = [_decimal(float(v)) for v in position]
        ds.SliceLocation = _decimal(float(position @ normal))
        ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(stored[k].min()), int(stored[k].max())
        raw = stored[k].tobytes()
        if form.compressed:
            ds.PixelData = encapsulate([RLELosslessEncoder.encode(stored[k], encoding_plugin="gdcm",
                rows=ds.Rows, columns=ds.Columns, samples_per_pixel=1, bits_allocated=16, bits_stored=ds.BitsStored,
                pixel_representation=0, number_of_frames=1, photometric_interpretation="MONOCHROME2")])  # fmt: skip
            ds["PixelData"].is_undefined_length = True
        else:
            ds.PixelData = raw
        ds["PixelData"].VR = "OB" if form.compressed else "OW"
        buffer = io.BytesIO()
        ds.save_as(buffer, enforce_file_format=True)
        yield f"{name}.dcm", buffer.getvalue()


def write_zip(
    path: Path,
    all_series: Sequence[Series],
    who: Participant,
    protocol: Protocol,
    form: Format,
    rng: np.random.Generator,
) -> None:
    """Write the flat zip, atomically. Files come in series order, or shuffled; the manifest comes last."""
    entries: list[tuple[str, bytes]] = []
    lines = ["filename,patientid,patientname,date,modality,seriesid,series discription"]
    for series in all_series:
        date, _ = _time(series.start_s)
        shown = f"{date[:4]}-{date[4:6]}-{date[6:]}"
        for name, content in instances(series, who, protocol, form):
            entries.append((name, content))
            lines.append(f"{name},{who.eid},{who.eid},{shown},MR,{uid(who.key, series.uid_of)},{series.description}")
    if form.random_order:
        entries = [entries[n] for n in rng.permutation(len(entries))]
    entries.append(("manifest.cvs" if form.misspelled_manifest else "manifest.csv", ("\n".join(lines) + "\n").encode()))
    pack(path, entries)


def pack(path: Path, entries: Sequence[tuple[str, bytes]]) -> None:
    """Write (name, bytes) entries as a zip, atomically, with one fixed time stamp: equal entries give equal bytes."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            # Noise hardly shrinks, and level 1 is fast. An entry described by ZipInfo takes no level of its archive.
            archive.writestr(info, content, compresslevel=1)
