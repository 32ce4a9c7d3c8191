"""The short way to a fused volume against the long one: DICOM export and the fusion stage."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import phantoms
from containers.contract.stage import main
from containers.fusion import __main__ as fusion
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import read_nrrd
from phantoms.shared.protocol import SMALL
from phantoms.shared.subjects import draw_subject
from phantoms.thigh import training_set
from phantoms.thigh.anatomy import fit


def test_fused_water_is_what_the_fusion_stage_gives(tmp_path: Path) -> None:
    """Without noise both differ by the rounding of stored values only, and lie at the same places."""
    folder = tmp_path / "phantom"
    folder.mkdir()
    phantoms.make("ukb_participant", {"seed": 31, "noise": 0.0, "station_gain": 0.0, "shading": 0.2}, folder)
    (name,) = (p.name for p in folder.glob("*.zip"))
    request = {
        "stage": "fusion",
        "items": [{"id": "a", "inputs": {"dicom": str(folder / name)}}],
        "output": str(tmp_path / "out"),
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    stage_toml = Path(fusion.__file__).with_name("stage.toml")
    assert main(stage_toml, fusion.process, fusion.setup, argv=["run", str(tmp_path / "request.json")]) == 0
    fused = read_nrrd(tmp_path / "out" / "a" / "water.nrrd")
    anatomy = fit(draw_subject(31), 31)
    short = training_set.fused_water(
        anatomy, SMALL, np.random.default_rng(0), texture=0.0, shading=0.2, noise=0.0, motion=0.0, station_gain=0.0
    )
    assert training_set.fused_geometry(SMALL).same_as(fused.geometry)
    difference = np.abs(short - np.asarray(fused.data, dtype=float))
    assert float(difference.max()) <= 1.0
    assert float(np.asarray(fused.data).max()) > 100


def test_sets_share_no_seed_and_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_set, "protocol", lambda preset, variant: SMALL)
    sizes = {"train": 1, "validation": 1, "test": 0, "held_out": 1}
    training_set.write_training_set(tmp_path, sizes)
    split = json.loads((tmp_path / "split.json").read_text())
    assert {name: len(members) for name, members in split["sets"].items()} == sizes
    assert len(set(split["subjects"].values())) == 3
    for members in split["sets"].values():
        for identifier in members:
            image = read_nrrd(tmp_path / "images" / f"{identifier}.nrrd")
            mask, _ = read_segmentation(tmp_path / "masks" / f"{identifier}.seg.nrrd")
            assert image.geometry.same_as(mask.geometry)
            muscle, air = (np.asarray(image.data)[np.asarray(mask.data) == value] for value in (6, 0))
            assert np.median(muscle) > 2 * np.median(air)
    ranges = [range(first, first + 10_000) for first in training_set.FIRST_SEED.values()]
    assert all(a.stop <= b.start for a, b in pairwise(ranges))
    assert max(training_set.SIZES.values()) <= 10_000
