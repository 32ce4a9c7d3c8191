"""Stations whose files hold no table position, as DICOM with the positions that the table had, and their plain mean.

Software that cuts a whole-leg scan into stations may write each with the same affine. The positions then come from the
protocol: a step of so many slices. Values are stored as 16-bit whole numbers with a slope, one a station.
"""

import io
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.files import replacing
from containers.toolkit.images.reading import Warn, read_volume
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Reference, Step
from harness.run.steps.task import Made, Task

LEVELS = 32767
"""Largest stored whole number: the slope follows from it, so that rounding is 1/65534 of a station's largest value."""
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
ROOT = "1.2.826.0.1.3680043.8.498."


class TableStations(Step):
    """Place stations by the table's step. Gives `dicom_zip`, and `mean` (NRRD): the plain mean of all that overlap.

    Stations are given from the uppermost to the lowest; all have one grid.
    """

    kind: Literal["table_stations"]
    """Marks the step that places stations by the table's step."""
    stations: dict[Name, Reference] = Field(min_length=2)
    """The stations' volumes (NIfTI); in the order of their names they run from superior to inferior."""
    step_slices: int = Field(gt=0)
    """Slices by which each station lies lower than the one before it."""
    description: str = "stations"
    """SeriesDescription of all series: names the contrast."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        import nibabel

        last = {"kind": "table_stations", "stations": {"a": "files.one", "b": "files.two"}, "step_slices": 3}
        data = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
        nibabel.save(nibabel.Nifti1Image(data, np.diag([2.0, 2.0, 3.0, 1.0])), folder / "v.nii")
        parameters = {"stations": ["a", "b"], "step_slices": 3, "description": "stations"}
        good, bad = (
            Task("table_stations", "a", {"a": folder / "v.nii", "b": path}, {}, parameters)
            for path in (folder / "v.nii", examples.broken(folder))
        )
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return dict(self.stations)

    def references(self) -> list[str]:
        return list(self.stations.values())

    def settings(self) -> dict[str, Any]:
        return {
            "stations": sorted(self.stations),
            "step_slices": self.step_slices,
            "description": self.description,
        }

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Raises ItemFault where the stations' grids differ."""
        made = Made()
        volumes = [_read(task.inputs[name], made.warnings.append) for name in task.parameters["stations"]]
        first, step = volumes[0].geometry, task.parameters["step_slices"]
        if any(volume.geometry.shape != first.shape for volume in volumes):
            raise ItemFault("are not of one size", where="stations", fix="give the stations of one scan")
        lowest = step * (len(volumes) - 1)
        mean = _mean([_stored(volume.data) for volume in volumes], step)
        spacing = first.spacing_mm
        grid = Geometry((first.size[0], first.size[1], mean.shape[0]), spacing, (0.0, 0.0, -lowest * spacing[2]))
        write_nrrd(folder / "mean.nrrd", Volume(mean.astype(np.float32), grid))
        with replacing(folder / "stations.zip") as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for number, volume in enumerate(volumes):
                bottom = -number * step * spacing[2]
                for name, content in _files(volume, number + 1, bottom, task.parameters["description"]):
                    archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED, 1)
        made.files |= {"dicom_zip": "stations.zip", "mean": "mean.nrrd"}
        return made


def _read(path: Path, warn: Warn) -> Volume:
    volume = read_volume(path, warn)
    return Volume(np.asarray(volume.data, np.float64), volume.geometry)


def _slope(data: npt.NDArray[np.generic]) -> float:
    """What a stored whole number counts for, as DICOM prints it."""
    return float(f"{float(np.abs(data).max()) / LEVELS or 1.0:.9e}")


def _stored(data: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """The values as they are stored, times the slope: the mean is that of what fusion is given."""
    slope = _slope(data)
    return np.asarray(np.rint(np.asarray(data, np.float64) / slope) * slope)


def _mean(stations: list[npt.NDArray[np.float64]], step: int) -> npt.NDArray[np.float64]:
    """Mean of stations (k, j, i), each `step` slices lower than the one before, over all that hold a slice."""
    depth, rows, columns = stations[0].shape
    height = depth + step * (len(stations) - 1)
    total, count = np.zeros((height, rows, columns)), np.zeros((height, 1, 1))
    for number, data in enumerate(stations):
        bottom = step * (len(stations) - 1 - number)
        total[bottom : bottom + depth] += data
        count[bottom : bottom + depth] += 1
    return np.asarray(total / np.maximum(count, 1))


def _files(volume: Volume, number: int, bottom_mm: float, description: str) -> list[tuple[str, bytes]]:
    """Name and bytes of a station's images. bottom_mm: height of its lowest slice, in mm (LPS)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

    slope, spacing = _slope(volume.data), volume.geometry.spacing_mm
    files = []
    for k, plane in enumerate(volume.data):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}{number}.{k + 1}")
        image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        image.PatientID, image.Modality, image.ImageType = "stations", "MR", ["DERIVED", "SECONDARY"]
        image.StudyInstanceUID, image.FrameOfReferenceUID = UID(f"{ROOT}1"), UID(f"{ROOT}2")
        image.SeriesInstanceUID = UID(f"{ROOT}3.{number}")
        image.SeriesNumber, image.SeriesDescription, image.InstanceNumber = number, description, k + 1
        image.SeriesDate, image.SeriesTime = "20000101", f"10{number:02d}00"
        image.PixelSpacing, image.SliceThickness = [spacing[1], spacing[0]], spacing[2]
        image.ImagePositionPatient = ["0", "0", f"{bottom_mm + k * spacing[2]:.6f}"]
        image.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        image.Rows, image.Columns = plane.shape
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
        image.RescaleSlope, image.RescaleIntercept = f"{slope:.9e}", "0"
        image.PixelData = np.rint(np.asarray(plane, np.float64) / slope).astype("<i2").tobytes()
        stream = io.BytesIO()
        image.save_as(stream, enforce_file_format=True)
        files.append((f"{number:02d}_{k:03d}.dcm", stream.getvalue()))
    return files
