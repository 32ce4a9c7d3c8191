"""Small DICOM series for tests, written by pydicom alone: one `Series` is one stack of slices of a field.

A field is a function of LPS position in mm (arrays x, y, z) that returns values; stored pixels are its rounded
values, so truth at any point is known without the code under test.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from containers.contract.request import Item, Request, Resources
from containers.contract.spec import load_spec
from containers.contract.stage import run
from containers.fusion import __main__ as stage
from containers.fusion.dicom_file import read_file
from containers.fusion.header import NotSlice, Slice
from containers.fusion.pixels import Pixels

Field = Callable[..., npt.NDArray[np.float64]]
DIXON = {"in": "in_phase", "opp": "opposed_phase", "F": "fat", "W": "water"}
TYPES = {"in": "IN_PHASE", "opp": "OPP_PHASE", "F": "FAT", "W": "WATER"}


def linear(x: Any, y: Any, z: Any) -> Any:
    """A field that trilinear interpolation reproduces exactly; integer on integer positions."""
    return 1000 + 3 * x + 2 * y + z


def lopsided(x: Any, y: Any, z: Any) -> Any:
    """One bright ball left, posterior and superior of the centre, a dimmer one right and anterior: no symmetry."""
    ball = 900 * np.exp(-((x - 8) ** 2 + (y - 5) ** 2 + (z - 6) ** 2) / 60)
    other = 500 * np.exp(-((x + 9) ** 2 + (y + 6) ** 2 + (z + 20) ** 2) / 90)
    return 50 + ball + other


@dataclass(frozen=True)
class Series:
    """One series on a grid: shape (columns, rows, slices), spacing in the same order, first slice's position."""

    field: Field = linear
    size: tuple[int, int, int] = (12, 10, 8)
    spacing: tuple[float, float, float] = (2.0, 2.0, 3.0)
    origin: tuple[float, float, float] = (-11.0, -9.0, 0.0)
    row_step: tuple[float, float, float] = (1.0, 0.0, 0.0)
    column_step: tuple[float, float, float] = (0.0, 1.0, 0.0)
    number: int = 1
    description: str = "t1"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "ND")
    echo_time: float = 2.39
    echo_number: int = 1
    date: str = "20240102"
    time: str = "101500.000000"
    patient: str = "PATIENT-SECRET"
    study: str = "1.2.826.0.1.3680043.8.498.1"
    uid: str = ""
    frame: str = "1.2.826.0.1.3680043.8.498.2"
    slope: float | None = None
    intercept: float | None = None
    unsigned: bool = False
    edit: Callable[[FileDataset, int], None] | None = None
    names: str = ""

    def positions(self) -> list[npt.NDArray[np.float64]]:
        normal = np.cross(self.row_step, self.column_step)
        return [np.array(self.origin) + k * self.spacing[2] * normal for k in range(self.size[2])]

    def values(self, k: int) -> npt.NDArray[np.float64]:
        """Field values of slice k, (rows, columns)."""
        i, j = np.meshgrid(np.arange(self.size[0]), np.arange(self.size[1]))
        points = (
            self.positions()[k]
            + i[..., None] * self.spacing[0] * np.array(self.row_step)
            + j[..., None] * self.spacing[1] * np.array(self.column_step)
        )
        return np.asarray(self.field(points[..., 0], points[..., 1], points[..., 2]), dtype=float)

    def dataset(self, k: int) -> FileDataset:
        stored = (self.values(k) - (self.intercept or 0)) / (self.slope or 1)
        pixels = np.rint(stored).astype(np.uint16 if self.unsigned else np.int16)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        uid = self.uid or f"1.2.826.0.1.3680043.8.498.3.{self.number}"
        meta.MediaStorageSOPInstanceUID = f"{uid}.{self.echo_number}.{k + 1}"
        d = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        d.SOPClassUID, d.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        d.PatientID = d.PatientName = self.patient
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = self.study, uid, self.frame
        d.Modality, d.ImageType = "MR", list(self.image_type)
        d.SeriesDescription, d.SeriesNumber, d.InstanceNumber = self.description, self.number, k + 1
        d.SeriesDate, d.SeriesTime = self.date, self.time
        d.EchoTime, d.EchoNumbers = self.echo_time, self.echo_number
        d.ImagePositionPatient = [f"{v:.6f}"[:16] for v in self.positions()[k]]
        d.ImageOrientationPatient = [f"{v:.9f}" for v in (*self.row_step, *self.column_step)]
        d.PixelSpacing = [self.spacing[1], self.spacing[0]]
        d.Rows, d.Columns, d.SamplesPerPixel = self.size[1], self.size[0], 1
        d.PhotometricInterpretation = "MONOCHROME2"
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation = 15, 0 if self.unsigned else 1
        if self.slope is not None:
            d.RescaleSlope, d.RescaleIntercept = self.slope, self.intercept or 0
        d.PixelData = pixels.tobytes()
        if self.edit is not None:
            self.edit(d, k)
        return d

    def files(self) -> dict[str, bytes]:
        """File name -> bytes, one a slice."""
        stem = self.names or f"s{self.number:02d}e{self.echo_number}"
        return {f"{stem}_{k:03d}.dcm": encoded(self.dataset(k)) for k in range(self.size[2])}


def encoded(dataset: FileDataset) -> bytes:
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def dixon_study(field: Field = linear, stations: int = 6, step: float = 18.0, **changes: Any) -> list[Series]:
    """`stations` stations of four contrasts, 8 slices of 3 mm each (21 mm between centres), `step` mm apart.

    Station 1 is the most superior and is numbered first, as scanned.
    """
    return [
        Series(
            field=field,
            origin=(-11.0, -9.0, -step * station),
            number=1 + 4 * station + place,
            description=f"Dixon_BH_17s_{suffix}",
            image_type=("DERIVED", "PRIMARY", "DIXON", TYPES[suffix]),
            time=f"1015{station:02d}.000000",
            **changes,
        )
        for station in range(stations)
        for place, suffix in enumerate(DIXON)
    ]


def all_files(series: Iterable[Series]) -> dict[str, bytes]:
    return {name: data for one in series for name, data in one.files().items()}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def run_stage(output: Path, items: dict[str, Path], threads: int = 1, **parameters: Any) -> dict[str, dict[str, Any]]:
    """Run the stage in this process; returns the records by item."""
    request = Request(
        stage="fusion",
        items=[Item(id=name, inputs={"dicom": path}) for name, path in items.items()],
        parameters=parameters,
        resources=Resources(threads=threads),
        output=output,
    )
    spec = load_spec(Path(stage.__file__).with_name("stage.toml"))
    assert run(spec, request, stage.setup, stage.process) == 0
    return {name: json.loads((output / name / "record.json").read_text()) for name in items}


def read_slice(data: bytes, file: str) -> tuple[Slice, Pixels] | NotSlice | None:
    """The only slice of a file, and its pixels (row, column)."""
    found = read_file(data, file)
    if not isinstance(found, tuple):
        return found
    [header], [pixels] = found
    return header, pixels
