"""Doubts go into a file and come out of it as they were."""

from pathlib import Path

import numpy as np

from containers.toolkit.images.doubts import Doubt, doubts_fact, of_findings, read_doubts
from containers.toolkit.images.segmentation import read_segmentation, write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd

GRID = Geometry((3, 4, 5), (2.0, 2.0, 4.0), (0.0, 0.0, 0.0))
DOUBTS = [
    Doubt("seam: gain outside 0.8 to 1.25 (2/3 in_phase 1.41)", of="signal"),
    Doubt('segmentation: 3.4 % lies "outside" its largest part; \\ a:=b', ("multifidus_left", "gracilis")),
]


def test_a_volume_and_a_label_map_carry_doubts(tmp_path: Path) -> None:
    write_nrrd(tmp_path / "v.nrrd", Volume(np.zeros(GRID.shape, np.float32), GRID, doubts_fact(DOUBTS)))
    assert read_doubts(read_nrrd(tmp_path / "v.nrrd").facts) == DOUBTS
    labels = np.ones(GRID.shape, np.uint8)
    write_segmentation(tmp_path / "l.seg.nrrd", labels, GRID, {1: "femur"}, more=doubts_fact(DOUBTS))
    assert read_doubts(read_segmentation(tmp_path / "l.seg.nrrd")[0].facts) == DOUBTS


def test_without_doubts_there_is_no_fact() -> None:
    assert doubts_fact([]) == {}
    assert read_doubts({}) == []


def test_findings_of_a_segmentation_are_of_their_structure() -> None:
    assert of_findings(["multifidus: 0.40 times as large"]) == [
        Doubt("segmentation: 0.40 times as large", ("multifidus",))
    ]


def test_what_cannot_be_read_is_a_doubt_by_itself() -> None:
    for text in ("{", "[1]", '[{"text": "x"}]'):
        (doubt,) = read_doubts({"doubts": text})
        assert "cannot be read" in doubt.text and doubt.structures == ()
