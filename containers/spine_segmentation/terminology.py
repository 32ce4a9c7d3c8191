"""Standard codes of the back muscles, for the tag by which 3D Slicer and DICOM segmentations know a segment.

The codes and their sources are in `toolkit.images.names.codes`. A name is MUSCLE_SIDE: the muscle is the type, the side
its modifier, as in TotalSegmentator's mapping.
"""

from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.names import codes
from containers.toolkit.images.names.spelling import parted


def tag(name: str) -> str:
    """Value of a segment's tag in 3D Slicer's form; empty (`|`) for a name that has no code."""
    muscle, side = parted(name)
    return codes.tag_of(muscle, side) if name in SPINE_LABELS.values() else "|"
