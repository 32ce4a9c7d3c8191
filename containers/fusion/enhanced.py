"""Enhanced multi-frame DICOM: each frame as a dataset with the attributes that a classic image of one slice has.

What frames share stands in the shared functional groups, what differs in those of each frame (PS3.3, C.7.6.16); of a
legacy converted image the rest of the classic attributes stands in groups of unassigned attributes.
"""

from collections.abc import Iterator

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage

from containers.contract.errors import ItemFault
from containers.fusion.tags import KEYWORDS, text_of

_CLASSES = (EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage)
_GROUPS = {
    "PixelMeasuresSequence": {name: name for name in ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices")},
    "PlanePositionSequence": {"ImagePositionPatient": "ImagePositionPatient"},
    "PlaneOrientationSequence": {"ImageOrientationPatient": "ImageOrientationPatient"},
    "PixelValueTransformationSequence": {name: name for name in ("RescaleSlope", "RescaleIntercept")},
    "MREchoSequence": {"EffectiveEchoTime": "EchoTime"},
    "FrameContentSequence": {
        "TemporalPositionIndex": "TemporalPositionIdentifier",
        "FrameAcquisitionNumber": "AcquisitionNumber",
    },
}
"""Functional group -> its attribute -> the classic attribute that says the same."""
_UNASSIGNED = ("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence")


def is_enhanced(dataset: Dataset) -> bool:
    """Whether an image is an enhanced MR image, converted ones included."""
    return text_of(dataset, "SOPClassUID") in _CLASSES


def frames(dataset: Dataset, file: str) -> list[Dataset]:
    """The frames in their stored order. Raises ItemFault where functional groups are missing."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    count = int(text_of(dataset, "NumberOfFrames") or 1)
    if len(per_frame) != count:
        raise ItemFault(
            f"has {count} frames and functional groups of {len(per_frame)}",
            where=file,
            fix="export it again from the scanner or archive",
        )
    shared = next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), Dataset())
    common = Dataset()
    for keyword in KEYWORDS:
        if keyword not in ("NumberOfFrames", "ImageType") and (element := dataset.get_item(keyword)) is not None:
            common[element.tag] = dataset[keyword]
    return [_frame(common, shared, groups, number) for number, groups in enumerate(per_frame, 1)]


def _frame(common: Dataset, shared: Dataset, groups: Dataset, number: int) -> Dataset:
    """One frame. number: its place in the file, from 1."""
    frame = Dataset()
    frame.update(common)
    _put(frame, "InstanceNumber", number)
    for sequence in _UNASSIGNED:
        for item in _items(sequence, shared, groups):
            frame.update({e.tag: e for e in item if e.keyword in KEYWORDS})
    for sequence, names in _GROUPS.items():
        for item in _items(sequence, shared, groups):
            for theirs, ours in names.items():
                if item.get(theirs) is not None:
                    _put(frame, ours, item[theirs].value)
    kind = next(iter(_items("MRImageFrameTypeSequence", shared, groups)), Dataset())
    words = [str(word) for word in kind.get("FrameType") or []]
    component = str(kind.get("ComplexImageComponent") or "")
    if words:
        _put(frame, "ImageType", words + ([component] if component not in ("", "MAGNITUDE", "MIXED") else []))
    for item in _items("MRDiffusionSequence", shared, groups):
        _put(frame, "DiffusionBValue", item.get("DiffusionBValue"))
    return frame


def _items(sequence: str, shared: Dataset, groups: Dataset) -> Iterator[Dataset]:
    """The item of a functional group, of the frame where it has one, else of all frames."""
    for place in (groups, shared):
        if found := place.get(sequence):
            yield found[0]
            return


def _put(frame: Dataset, keyword: str, value: object) -> None:
    frame.add_new(keyword, dictionary_VR(keyword), value)
