"""NRRD and `.seg.nrrd`, the format inside of the pipeline."""

from collections.abc import Mapping
from pathlib import Path

from containers.toolkit.images.formats.base import ImageFormat, LabelMap
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Volume, read_nrrd


class Nrrd(ImageFormat):
    """See `images.volume` and `images.segmentation`."""

    name, title, endings = "nrrd", "NRRD", (".nrrd", ".seg.nrrd", ".nhdr")

    def recognises(self, head: bytes) -> bool:
        return head.startswith(b"NRRD000")

    def read_volume(self, path: Path) -> Volume:
        return read_nrrd(path)

    def read_labels(self, path: Path, names: Mapping[int, str] | None) -> LabelMap:
        return LabelMap(*read_segmentation(path, names))
