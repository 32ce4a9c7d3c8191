"""The door through which stages write volumes and label maps, in the format that the parameter `format` names.

NRRD is what the stages give each other; its files are called as the stages call them. Other formats are for tools
outside, and their files are called as in BIDS and Muscle-BIDS: `sub-01_ses-2_SUFFIX.nii.gz`, with a JSON sidecar of
the same name, and for label maps the table of labels that BIDS asks for (`_dseg.tsv`).
Sources: muscle-bids.github.io/specs (one NIfTI and one JSON of equal name); the suffixes of Dixon images of
QMRITools' Muscle-BIDS pages; `ff` of the package muscle-bids; BIDS derivatives, "Discrete segmentations".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import write_json, write_text
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.formats import by_name
from containers.toolkit.images.formats.dicom_seg import DicomSeg, Source
from containers.toolkit.images.formats.nifti import Nifti
from containers.toolkit.images.labels import colour_of
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd

SUFFIXES = {
    "water": "megre_wat",
    "fat": "megre_fat",
    "in_phase": "megre_inph",
    "opposed_phase": "megre_outph",
    "fat_fraction": "ff",
    "labels": "dseg",
}
"""Suffix of a file's name by the output's; any other output goes by its own name, without what BIDS has no room for."""


@dataclass(frozen=True)
class ImageWriter:
    """Writes the volumes and label maps of one item."""

    result: Result
    """Where files and outputs are declared."""
    item: str
    """Identifier of the item, which names become made of."""
    form: str
    """Value of the parameter `format`."""
    series: Path | None = None
    """The DICOM series that a DICOM segmentation belongs to."""

    @classmethod
    def of(cls, item: Item, job: Job, result: Result) -> "ImageWriter":
        """The writer of an item in the format that the job asks for. Raises ItemFault where that needs a series."""
        form, series = job.parameters["format"], item.inputs.get("series")
        if form == DicomSeg.name and series is None:
            raise ItemFault(
                "is missing: a DICOM segmentation belongs to a series",
                where="input series",
                fix="give the folder of the DICOM series that the volume was made from: -i series=FOLDER",
            )
        return cls(result, item.id, form, series)

    def volume(self, output: str, volume: Volume, *, compress: bool = False) -> None:
        """Write a volume as the declared output `output`. compress: gzip NRRD, which pays for maps full of zeros."""
        name = output.rpartition(".")[2]
        if self.form == "nrrd":
            write_nrrd(self.result.file(output, f"{name}.nrrd"), volume, compress=compress)
            return
        stem = self._stem(name)
        _nifti(self.form).write(self.result.file(output, f"{stem}.nii.gz"), volume)
        self._sidecar(output, stem, volume.facts, {})

    def labels(
        self,
        output: str,
        labels: npt.NDArray[np.uint8],
        geometry: Geometry,
        names: dict[int, str],
        tags: Mapping[int, str] | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Write labels (k, j, i) with their names and 3D Slicer's tags (label -> text) as the output `output`.

        facts: further facts of the file; NIfTI has them in the sidecar, a DICOM segmentation has no place for them.
        """
        name = output.rpartition(".")[2]
        if self.form == "nrrd":
            path = self.result.file(output, f"{name}.seg.nrrd")
            write_segmentation(path, labels, geometry, names, dict(tags or {}), dict(facts or {}))
            return
        stem = self._stem(name)
        if self.form == DicomSeg.name and self.series is not None:
            source = Source(self.series, self.result.spec.name, self.result.spec.version)
            path = self.result.file(output, f"{stem}.dcm")
            DicomSeg().write(path, np.asarray(labels, np.uint8), geometry, names, tags or {}, source)
            return
        path = self.result.file(output, f"{stem}.nii.gz")
        _nifti(self.form).write(path, Volume(np.asarray(labels, np.uint8), geometry), labels=True)
        rows = [f"{value}\t{text}\t{_hex(value)}\n" for value, text in sorted(names.items())]
        write_text(self.result.file(f"sidecar.{output}_table", f"{stem}.tsv"), "index\tname\tcolor\n" + "".join(rows))
        self._sidecar(output, stem, facts or {}, {"LabelMap": {str(value): names[value] for value in sorted(names)}})

    def _stem(self, name: str) -> str:
        return f"{bids_prefix(self.item)}_{bids_suffix(name)}"

    def _sidecar(self, output: str, stem: str, facts: Mapping[str, str], more: Mapping[str, Any]) -> None:
        """The JSON sidecar: what the output is, its unit, our facts and the stage that made it."""
        spec = self.result.spec
        port = spec.outputs.get(output) or spec.outputs[f"{output.partition('.')[0]}.*"]
        content: dict[str, Any] = {
            "Description": port.description,
            "GeneratedBy": [{"Name": spec.name, "Version": spec.version, "Description": spec.title}],
            **more,
        }
        if "sample units" in facts:
            content["Units"] = facts["sample units"]
        if facts:
            content["Facts"] = dict(facts)
        write_json(self.result.file(f"sidecar.{output}", f"{stem}.json"), content)


def _nifti(form: str) -> Nifti:
    found = by_name(form)
    if not isinstance(found, Nifti):
        raise KeyError(f"format {form!r} is declared by the stage and written by nothing")
    return found


def bids_prefix(item: str) -> str:
    """The entities of a file's name from an item's: `sub-01_ses-2` stays, `person 1` becomes `sub-person1`."""
    entities = [part for part in item.split("_") if re.fullmatch(r"[a-z]+-[A-Za-z0-9]+", part)]
    if entities and entities[0].startswith("sub-"):
        return "_".join(entities)
    return f"sub-{re.sub('[^A-Za-z0-9]', '', item) or 'item'}"


def bids_suffix(name: str) -> str:
    """The end of a file's name from an output's: as SUFFIXES has it, `echo_1` as `echo-1_megre`, others without `_`."""
    if echo := re.fullmatch(r"echo_(\d+)", name):
        return f"echo-{echo.group(1)}_megre"
    return SUFFIXES.get(name) or re.sub("[^A-Za-z0-9]", "", name)


def _hex(label: int) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour_of(label))
