"""Tags of segments in 3D Slicer's form."""

import pytest

from containers.spine_segmentation.terminology import tag
from containers.toolkit.images.labels import SPINE_LABELS


@pytest.mark.parametrize("name", SPINE_LABELS.values())
def test_every_muscle_has_a_tag_of_seven_parts_with_type_and_side(name: str) -> None:
    key, _, entry = tag(name).partition(":")
    parts = entry.removesuffix("|").split("~")
    assert key == "TerminologyEntry" and entry.endswith("|") and len(parts) == 7
    assert parts[1] == "SCT^123037004^Anatomical Structure"
    assert parts[2].split("^")[2].lower().startswith(name.split("_")[0])
    assert parts[3] == {"left": "SCT^7771000^Left", "right": "SCT^24028007^Right"}[name.rpartition("_")[2]]


@pytest.mark.parametrize("name", ["femur", "multifidus", "left", "multifidus_both"])
def test_a_name_without_code_has_an_empty_tag(name: str) -> None:
    assert tag(name) == "|"
