"""A full-protocol phantom participant, against deflating the same bytes: the floor that its zip sets."""

import sys
import tempfile
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.suite import Asked, Method, Prepared, Work, main, no_check


def make(preset: str, folder: Path) -> Path:
    """The participant's zip."""
    import phantoms

    phantoms.make("ukb_participant", {"preset": preset, "seed": 1}, folder)
    return next(folder.glob("*.zip"))


def ours(preset: str) -> Prepared:
    """Anatomy, signals, DICOM and zip. What is compiled, compiled on the small preset."""
    with tempfile.TemporaryDirectory() as name:
        make("small", Path(name))

    def call() -> int:
        with tempfile.TemporaryDirectory() as name:
            return make(preset, Path(name)).stat().st_size

    return Prepared(call, lambda size: {"bytes": np.array(size)})


def deflate(preset: str) -> Prepared:
    """zlib at the zip's own level."""
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(make(preset, Path(name))) as archive:
        content = [archive.read(member) for member in archive.namelist()]

    def call() -> Any:
        return sum(len(zlib.compress(block, 1)) for block in content)

    return Prepared(call, lambda size: {"bytes": np.array(size)})


def rows(asked: Asked) -> list[Work]:
    """One row, only by name: it is not a stage."""
    if asked.device == "cuda":
        return []
    preset = "small" if asked.quick else "full"
    methods = [Method("ours", partial(ours, preset)), Method("zlib alone", partial(deflate, preset))]
    title = "a phantom participant's zip"
    return [Work("phantoms.participant", title, "participant", methods, no_check, {"preset": preset}, slow=True)]


if __name__ == "__main__":
    sys.exit(main(rows))
