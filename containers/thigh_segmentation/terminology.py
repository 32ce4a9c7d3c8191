"""Standard codes of the thigh's structures, for the tag by which 3D Slicer and DICOM segmentations know a segment.

The codes and their sources are in `toolkit.images.names.codes`. No laterality: both sides share a label.
"""

from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.names import codes

CODES = {name: codes.CODES[name] for name in THIGH_LABELS.values() if name in codes.CODES}


def tag(name: str) -> str:
    """Value of a segment's tag in 3D Slicer's form; empty (`|`) for a structure without a code."""
    return codes.tag_of(name) if name in CODES else "|"
