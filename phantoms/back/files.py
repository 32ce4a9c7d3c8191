"""HASTE images as files: a zip of Siemens DICOM, one file per slice, and NIfTI.

Everything (UIDs, times, order, zip time stamps) derives from the key: equal arguments give equal bytes.
"""

import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from containers.contract.files import replacing
from containers.toolkit.images.volume import Geometry
from phantoms.back.haste import HasteProtocol
from phantoms.shared.ukb_zip import ROOT, Participant, pack, uid

DESCRIPTION = "T2_HASTE_TRA"
"""Series description of every station; a reader that names volumes by it gives `t2_haste_tra`."""
DATE = "20170522"
START_S = 9 * 3600
STATION_S = 60
"""Time from one table position to the next: moving, breathing in, and about 40 slices of 1.5 s at most."""


@dataclass(frozen=True)
class Station:
    """The images at one table position."""

    images: npt.NDArray[np.uint16]
    """Stored values, (k, j, i), k from inferior to superior."""
    geometry: Geometry
    """Grid of the values, in LPS."""


def _ds(value: float) -> str:
    """A DICOM decimal string of at most 16 characters, to 1e-6."""
    return str(format_number_as_ds(round(value, 6) + 0.0))


def _tags(number: int, station: Station, who: Participant, scan: HasteProtocol) -> FileDataset:
    """The tags that all slices of a station share; number: of the station, from 1, the most superior first."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(ROOT + "1")
    meta.ImplementationVersionName = "MYOREPRO_PHANTOM"
    ds = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    seconds = START_S + number * STATION_S
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"]
    ds.SOPClassUID = MRImageStorage
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = DATE
    ds.StudyTime = "085500.000000"
    ds.SeriesTime = ds.AcquisitionTime = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.000000"
    ds.AccessionNumber = ""
    ds.Modality = "MR"
    ds.Manufacturer, ds.ManufacturerModelName = "SIEMENS", "Skyra"
    ds.InstitutionName = "Phantom"
    ds.StudyDescription = "Phantom^Whole body"
    ds.SeriesDescription = ds.ProtocolName = DESCRIPTION
    ds.ReferringPhysicianName = ""
    ds.PatientName = ds.PatientID = who.eid
    ds.PatientSex = "F" if who.sex == "female" else "M"
    ds.PatientBirthDate = ""
    ds.PatientSize, ds.PatientWeight = _ds(who.height_m), _ds(who.weight_kg)
    ds.BodyPartExamined = "WHOLEBODY"
    ds.ScanningSequence, ds.SequenceVariant = "SE", ["SK", "SP", "OSP"]
    ds.ScanOptions, ds.MRAcquisitionType = "PFP", "2D"
    ds.SequenceName = f"*h2d1_{scan.matrix[1]}"
    ds.SliceThickness = ds.SpacingBetweenSlices = _ds(station.geometry.spacing_mm[2])
    ds.RepetitionTime, ds.EchoTime = "1500", _ds(scan.te_ms)
    ds.EchoTrainLength = (scan.early + scan.matrix[1] // 2) // scan.acceleration
    ds.NumberOfAverages, ds.ImagedNucleus, ds.EchoNumbers = "1", "1H", "1"
    ds.MagneticFieldStrength, ds.FlipAngle = _ds(scan.field_tesla), "160"
    ds.PixelBandwidth = "710"
    ds.InPlanePhaseEncodingDirection = "COL"
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID = uid(who.key, "study")
    ds.SeriesInstanceUID = uid(who.key, "series", number)
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber = "1", str(10 + number), "1"
    ds.FrameOfReferenceUID = uid(who.key, "frame")
    ds.PositionReferenceIndicator = ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = station.images.shape[1:]
    ds.PixelSpacing = [_ds(station.geometry.spacing_mm[1]), _ds(station.geometry.spacing_mm[0])]
    directions = station.geometry.directions
    ds.ImageOrientationPatient = [_ds(v) for v in (*directions[0], *directions[1])]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth = "300", "650"
    return ds


def _slices(number: int, station: Station, who: Participant, scan: HasteProtocol) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of each slice. Instance numbers rise from superior to inferior."""
    ds = _tags(number, station, who, scan)
    normal = np.asarray(station.geometry.directions[2])
    count = station.geometry.size[2]
    for k in reversed(range(count)):
        name = uid(who.key, number, k)
        position = station.geometry.position_mm([0, 0, k])
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = name
        ds.InstanceNumber = str(count - k)
        ds.ImagePositionPatient = [_ds(float(v)) for v in position]
        ds.SliceLocation = _ds(float(position @ normal))
        image = station.images[k].astype("<u2")
        ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(image.min()), int(image.max())
        ds.PixelData = image.tobytes()
        ds["PixelData"].VR = "OW"
        buffer = io.BytesIO()
        ds.save_as(buffer, enforce_file_format=True)
        yield f"{name}.dcm", buffer.getvalue()


def write_dicom_zip(
    path: Path, stations: Sequence[Station], who: Participant, scan: HasteProtocol, order: np.random.Generator | None
) -> None:
    """Write all stations (the most superior first), atomically. order: shuffles the files; None keeps them in order."""
    entries = [entry for n, station in enumerate(stations, 1) for entry in _slices(n, station, who, scan)]
    if order is not None:
        entries = [entries[n] for n in order.permutation(len(entries))]
    pack(path, entries)


def write_nifti(path: Path, image: npt.NDArray[np.uint16], geometry: Geometry) -> None:
    """Write an image (k, j, i) as .nii.gz of int16 with the affine in RAS mm, atomically and without a time stamp."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = geometry.matrix(), geometry.origin_mm
    nifti = nibabel.Nifti1Image(image.astype(np.int16).transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)
    nifti.header.set_xyzt_units("mm", "sec")
    nifti.set_qform(nifti.affine, code=1)
    nifti.set_sform(nifti.affine, code=1)
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(nifti.to_bytes(), compresslevel=1, mtime=0))
