"""A folder of T2 HASTE volumes and label maps of phantom persons, to train and to test a segmenter of the back with.

`python -m phantoms.back.training_set FOLDER` writes `images/ID.nrrd`, `masks/ID.seg.nrrd` and `split.json`, in the
layout of `phantoms.thigh.training_set`. Volumes are what the composed DICOM of `nako_participant` holds, made without
the way over DICOM.

Invariants: the sets draw their persons from seed ranges that have no seed in common, and that hold no seed of a case or
a test of this project (those are below the first of FIRST_SEED); the held-out anatomy is in the set `held_out` only,
which is not a training set. Equal arguments give equal bytes.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Volume, write_nrrd
from phantoms.back import haste
from phantoms.back.anatomy import Variant, fit
from phantoms.back.haste import Preset
from phantoms.back.subjects import draw_spine_subject
from phantoms.shared.dixon import stored
from phantoms.thigh import training_set

SIZES = {"train": 18, "validation": 2, "test": 4, "held_out": 2}


def write_person(folder: Path, name: str, seed: int, variant: Variant = "standard", preset: Preset = "full") -> None:
    """Write one pair. Noise, coil shading, texture and gain vary from person to person, drawn by the seed."""
    anatomy = fit(draw_spine_subject(seed), seed, variant)
    scan = haste.protocol(preset, variant)
    rng = np.random.default_rng([seed, 26])
    geometry = scan.geometry()
    image = haste.acquire(
        anatomy, geometry, scan, rng,
        texture=float(rng.uniform(0, 0.08)),
        shading=float(rng.uniform(0, 0.3)),
        noise=float(rng.uniform(0.6, 1.8)) if variant == "standard" else 1.0,
    )  # fmt: skip
    gain = np.float32(rng.uniform(0.8, 1.25))
    facts = {"contrast": "t2_haste_tra", "sample units": "arbitrary"}
    write_nrrd(folder / "images" / f"{name}.nrrd", Volume(stored(image * gain), geometry, facts))
    write_segmentation(folder / "masks" / f"{name}.seg.nrrd", anatomy.labels(geometry), geometry, SPINE_LABELS)


def write_training_set(folder: Path, sizes: dict[str, int], preset: Preset = "full") -> None:
    """Write the sets of the given sizes and `split.json`. Persons that are there already are kept."""
    training_set.write_training_set(folder, sizes, partial(write_person, preset=preset))


def main() -> None:
    """Command line: FOLDER, the preset and the size of each set."""
    parser = argparse.ArgumentParser(
        prog="python -m phantoms.back.training_set", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", choices=["small", "full"], default="full")
    for name, size in SIZES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=size, help=f"persons (default {size})")
    options = vars(parser.parse_args())
    write_training_set(options["folder"], {name: options[name] for name in SIZES}, options["preset"])


if __name__ == "__main__":
    main()
