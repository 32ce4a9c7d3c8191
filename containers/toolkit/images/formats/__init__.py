"""The file formats of volumes and label maps, one module each; `images.reading` and `images.writing` are the doors.

To add one: a module here with a class made from `base.ImageFormat`, and one instance in FORMATS. The instances are
listed by name, not looked up, so that a stage's digest holds the modules that it can reach.
"""

from containers.toolkit.images.formats.base import ImageFormat
from containers.toolkit.images.formats.dicom_seg import DicomSeg
from containers.toolkit.images.formats.nifti import Nifti
from containers.toolkit.images.formats.nrrd import Nrrd

FORMATS: tuple[ImageFormat, ...] = (Nrrd(), Nifti(), DicomSeg())
"""All formats, in the order in which they are asked."""


def by_name(name: str) -> ImageFormat:
    """The format of a name. Raises KeyError for another one."""
    return {one.name: one for one in FORMATS}[name]
