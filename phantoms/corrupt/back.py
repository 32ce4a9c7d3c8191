"""Inputs that the way from HASTE to lean muscle mass has to refuse or report, each made from a good one by one fault.

Three forms of the same faults: of a volume in memory (what segmentation and composition read), of a label map, and of a
DICOM zip (what fusion reads).
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import FileDataset

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import AUTOCHTHONOUS, SPINE_LABELS
from containers.toolkit.images.volume import Geometry, Volume
from phantoms.shared.ukb_zip import pack

Values = npt.NDArray[np.int16]

IMAGE_FAULTS: dict[str, str] = {
    "single_slice": "only the middle slice is there",
    "wrong_orientation": "the header says coronal: the slices' second and third axes are exchanged, the values are not",
    "constant": "every voxel has the value 200",
    "few_distinct": "two values only: 0 and 300, cut at 150; fewer than the mixture has components",
    "eight_bit": "values are cut to 0..255 by a factor, as a screenshot's are",
    "negative": "half of the values are negative: 300 is subtracted",
}
LABEL_FAULTS: dict[str, str] = {
    "left_empty": "the patient's Left has no labelled voxel",
    "right_empty": "the patient's Right has none",
    "all_empty": "no voxel is labelled",
    "multifidus_empty": "the multifidus of both sides is missing",
}
EIGHT_BIT_WHITE = 1000.0
"""The value that becomes 255."""


def _refuse(fault: str, known: dict[str, str]) -> None:
    if fault not in known:
        raise ItemFault(
            f"no fault is called {fault!r}", where="haste_bad_inputs", fix=f"use one of: {', '.join(known)}"
        )


def _changed(values: npt.NDArray[np.generic], fault: str) -> Values:
    """The values of an image under a fault that concerns values only."""
    number = np.asarray(values, dtype=np.float64)
    if fault == "constant":
        number = np.full_like(number, 200.0)
    elif fault == "few_distinct":
        number = np.where(number >= 150, 300.0, 0.0)
    elif fault == "eight_bit":
        number = np.minimum(number * (255.0 / EIGHT_BIT_WHITE), 255.0)
    elif fault == "negative":
        number = number - 300.0
    return np.asarray(np.rint(number), dtype=np.int16)


def _coronal(geometry: Geometry) -> Geometry:
    """The grid with the directions of its second and third axis exchanged: rows go down, slices to Posterior."""
    i, j, k = geometry.directions
    return replace(geometry, directions=(i, (-k[0], -k[1], -k[2]), j))


def spoil_image(volume: Volume, fault: str) -> Volume:
    """A copy of an image with one fault of IMAGE_FAULTS. Raises ItemFault for an unknown fault."""
    _refuse(fault, IMAGE_FAULTS)
    if fault == "single_slice":
        k = volume.geometry.size[2] // 2
        x, y, z = (float(v) for v in volume.geometry.position_mm([0, 0, k]))
        grid = replace(volume.geometry, size=(*volume.geometry.size[:2], 1), origin_mm=(x, y, z))
        return Volume(volume.data[k : k + 1].copy(), grid, dict(volume.facts))
    if fault == "wrong_orientation":
        return Volume(volume.data.copy(), _coronal(volume.geometry), dict(volume.facts))
    changed = _changed(volume.data, fault)
    data = changed.astype(np.uint8) if fault == "eight_bit" else changed
    return Volume(data, volume.geometry, dict(volume.facts))


def spoil_labels(labels: npt.NDArray[np.uint8], fault: str) -> npt.NDArray[np.uint8]:
    """A copy of a label map (any shape, SPINE_LABELS) with one fault of LABEL_FAULTS. Raises ItemFault for an unknown
    fault."""
    _refuse(fault, LABEL_FAULTS)
    lost: tuple[str, ...] = {
        "left_empty": AUTOCHTHONOUS["autochthon_left"],
        "right_empty": AUTOCHTHONOUS["autochthon_right"],
        "all_empty": tuple(SPINE_LABELS.values()),
        "multifidus_empty": ("multifidus_left", "multifidus_right"),
    }[fault]
    values = [value for value, name in SPINE_LABELS.items() if name in lost]
    return np.where(np.isin(labels, values), 0, labels).astype(np.uint8)


def _eight_bit(ds: FileDataset, values: Values) -> None:
    raw = values.astype(np.uint8).tobytes()
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB"


def _spoil_slice(ds: FileDataset, fault: str, tilt: Callable[[FileDataset], None]) -> None:
    """Change one slice in place."""
    if fault == "wrong_orientation":
        tilt(ds)
        return
    values = _changed(ds.pixel_array, fault)
    del ds.SmallestImagePixelValue, ds.LargestImagePixelValue
    if fault == "eight_bit":
        _eight_bit(ds, values)
        return
    if fault == "negative":
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 1, 16, 15
    ds.PixelData = values.astype("<i2").tobytes()


def _to_coronal(slices: list[FileDataset]) -> Callable[[FileDataset], None]:
    """A change that turns the stack of one series to coronal about its lowest slice's first voxel."""
    lowest = min(slices, key=lambda ds: float(ds.ImagePositionPatient[2]))
    origin = np.array(lowest.ImagePositionPatient, dtype=float)

    def turn(ds: FileDataset) -> None:
        row, column = np.reshape(np.array(ds.ImageOrientationPatient, dtype=float), (2, 3))
        normal = np.cross(row, column)
        depth = (np.array(ds.ImagePositionPatient, dtype=float) - origin) @ normal
        ds.ImageOrientationPatient = [f"{v:.6f}" for v in (*row, *-normal)]
        ds.ImagePositionPatient = [f"{v:.6f}" for v in origin + depth * column]

    return turn


def make(fault: str, good_zip: Path, target: Path) -> None:
    """Write to `target` the DICOM zip `good_zip` of a `nako_participant` with one fault of IMAGE_FAULTS.

    Raises ItemFault for an unknown fault.
    """
    _refuse(fault, IMAGE_FAULTS)
    with zipfile.ZipFile(good_zip) as archive:
        slices = {name: pydicom.dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()}
    if fault == "single_slice":
        heights = sorted(slices, key=lambda name: float(slices[name].ImagePositionPatient[2]))
        kept = heights[len(heights) // 2]
        slices = {kept: slices[kept]}
    else:
        turn = _to_coronal(list(slices.values()))
        for ds in slices.values():
            _spoil_slice(ds, fault, turn)
    entries = []
    for name, ds in slices.items():
        buffer = io.BytesIO()
        ds.save_as(buffer)
        entries.append((name, buffer.getvalue()))
    pack(target, entries)
