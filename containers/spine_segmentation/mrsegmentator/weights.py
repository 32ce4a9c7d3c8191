"""MRSegmentator's model folder: what must be there, and that it is what its checksums say.

nnU-Net reads checkpoints as pickles, which can run code: only files that SHA256SUMS lists are read, and the list is the
mounting person's word for them. No weights are shipped and none are downloaded. MRSegmentator's release v1.2.0 holds
its model as `weights.zip` (SHA-256 dd26c1b511908a1f2a752b7fe8f5ca9c5603fc3e69fa52f57bf3ccdd52ceb286).
"""

import json
from pathlib import Path

from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file
from containers.toolkit.images.labels import AUTOCHTHONOUS

SUMS = "SHA256SUMS"
CHECKPOINT = "checkpoint_final.pth"
LABELS = dict(zip((31, 32), AUTOCHTHONOUS, strict=True))
"""MRSegmentator's label values of the two muscles (its README, table of classes), by the names that are used here."""
MEND = "mount MRSegmentator's model folder as input weights; see this stage's README"


def folds_of(fast: bool) -> tuple[int, ...]:
    """The folds that MRSegmentator reads: the first in fast mode, else all five."""
    return (0,) if fast else (0, 1, 2, 3, 4)


def files_of(fast: bool) -> list[str]:
    """Places of the files that are needed."""
    return ["plans.json", "dataset.json", *(f"fold_{fold}/{CHECKPOINT}" for fold in folds_of(fast))]


def check_folder(folder: Path, fast: bool) -> str:
    """Check a model folder; returns the SHA-256 of its first checkpoint. Raises EnvironmentFault naming the file."""
    for place in files_of(fast):
        if not (folder / place).is_file():
            raise EnvironmentFault("is missing", where=f"weights/{place}", fix=MEND)
    if not (folder / SUMS).is_file():
        raise EnvironmentFault(
            "is missing",
            where=f"weights/{SUMS}",
            fix=f"if you trust them: sha256sum {' '.join(files_of(fast))} > {SUMS}",
        )
    lines = [line.split() for line in (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()]
    listed = {line[1].removeprefix("*").removeprefix("./"): line[0].lower() for line in lines if len(line) == 2}
    for place in files_of(fast):
        if listed.get(place) != sha256_file(folder / place):
            raise EnvironmentFault(
                "is corrupted: its checksum differs" if place in listed else f"is not listed in {SUMS}",
                where=f"weights/{place}",
                fix="copy the folder again",
            )
    try:
        known = {int(value) for value in json.loads((folder / "dataset.json").read_text("utf-8"))["labels"].values()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFault("lists no labels", where="weights/dataset.json", fix="copy the folder again") from error
    if not set(LABELS) <= known:
        raise EnvironmentFault("has no labels 31 and 32", where="weights/dataset.json", fix=MEND)
    return sha256_file(folder / f"fold_0/{CHECKPOINT}")
