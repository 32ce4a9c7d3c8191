"""A folder of water volumes and label maps of phantom persons, to train and to test a segmenter with.

`python -m phantoms.thigh.training_set FOLDER` writes `images/ID.nrrd`, `masks/ID.seg.nrrd` and `split.json`. Volumes
are what the fusion of the four stations from pelvis to knee gives at the full protocol (2 x 2 x 3 mm), made without
the way over DICOM: stations share one lattice, and where two overlap their mean is taken.

Invariants: the sets draw their persons from seed ranges that have no seed in common, and that hold no seed of a case or
a test of this project (those are below FIRST_SEED); the held-out anatomy is in the set `held_out` only, which is no
training set. Equal arguments give equal bytes.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from containers.contract.files import write_json
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from phantoms.shared import dixon
from phantoms.shared.protocol import Protocol, protocol
from phantoms.shared.subjects import draw_subject
from phantoms.thigh.anatomy import Anatomy, Variant, fit

FIRST_SEED = {"train": 100_000, "validation": 200_000, "test": 300_000, "held_out": 400_000}
SIZES = {"train": 48, "validation": 3, "test": 4, "held_out": 2}
FUSED_STATIONS = (2, 3, 4, 5)
"""Pelvis to knee (ukb_thigh, Methods: four of the six stations)."""


def fused_geometry(scan: Protocol) -> Geometry:
    """Grid of the fused volume of a protocol: that of its lowest station, prolonged to Superior."""
    lowest = scan.geometry(FUSED_STATIONS[-1])
    slices = scan.slices + (len(FUSED_STATIONS) - 1) * (scan.slices - scan.overlap)
    return Geometry((scan.matrix, scan.matrix, slices), lowest.spacing_mm, lowest.origin_mm)


def fused_water(
    anatomy: Anatomy,
    scan: Protocol,
    rng: np.random.Generator,
    *,
    texture: float,
    shading: float,
    noise: float,
    motion: float,
    station_gain: float,
    swapped_station: int | None = None,
) -> npt.NDArray[np.uint16]:
    """Water (k, j, i) on `fused_geometry`, as stored values. The settings are those of `dixon.acquire`.

    motion concerns one station, drawn by `rng`; station_gain is the SD of the stations' gains; swapped_station has fat
    where water should be.
    """
    total = np.zeros(fused_geometry(scan).shape, dtype=np.float32)
    count = np.zeros((total.shape[0], 1, 1), dtype=np.float32)
    moving = int(rng.choice(FUSED_STATIONS))
    for station in FUSED_STATIONS:
        images = dixon.acquire(
            anatomy, scan.geometry(station), scan, rng, texture=texture, shading=shading, noise=noise,
            motion=motion if station == moving else 0.0,
        )  # fmt: skip
        first = (FUSED_STATIONS[-1] - station) * (scan.slices - scan.overlap)
        there = slice(first, first + scan.slices)
        gain = np.float32(1 + station_gain * rng.standard_normal())
        total[there] += dixon.stored(images["fat" if station == swapped_station else "water"] * gain)
        count[there] += 1
    return dixon.stored(total / count)


def write_person(folder: Path, name: str, seed: int, variant: Variant = "standard") -> None:
    """Write one pair. Noise, coil shading, texture, motion and gains vary from person to person, drawn by the seed."""
    anatomy = fit(draw_subject(seed), seed, variant)
    scan = protocol("full", variant)
    rng = np.random.default_rng([seed, 6])
    water = fused_water(
        anatomy, scan, rng,
        texture=float(rng.uniform(0, 0.5)),
        shading=float(rng.uniform(0, 0.3)),
        noise=float(rng.uniform(0.6, 1.8)) if variant == "standard" else 1.0,
        motion=float(rng.uniform(0, 0.3)) if rng.random() < 0.25 else 0.0,
        station_gain=0.04,
    )  # fmt: skip
    geometry = fused_geometry(scan)
    facts = {"contrast": "water", "sample units": "arbitrary"}
    write_nrrd(folder / "images" / f"{name}.nrrd", Volume(water, geometry, facts))
    write_segmentation(folder / "masks" / f"{name}.seg.nrrd", anatomy.labels(geometry), geometry, THIGH_LABELS)


def write_training_set(
    folder: Path, sizes: dict[str, int], write: Callable[[Path, str, int, Variant], None] = write_person
) -> None:
    """Write the sets of the given sizes and `split.json`. Persons that are there already are kept.

    write: makes one pair, from folder, name, seed and variant.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    sets: dict[str, list[str]] = {}
    subjects: dict[str, str] = {}
    for name, size in sizes.items():
        seeds = range(FIRST_SEED[name], FIRST_SEED[name] + size)
        sets[name] = [f"{name}_{seed}" for seed in seeds]
        subjects |= {identifier: f"seed {seed}" for identifier, seed in zip(sets[name], seeds, strict=True)}
        for identifier, seed in zip(sets[name], seeds, strict=True):
            if not (folder / "masks" / f"{identifier}.seg.nrrd").exists():
                write(folder, identifier, seed, "held_out" if name == "held_out" else "standard")
                print(f"{identifier}: written", flush=True)
    write_json(folder / "split.json", {"schema_version": "1.0", "sets": sets, "subjects": subjects})


def main() -> None:
    """Command line: FOLDER and the size of each set."""
    parser = argparse.ArgumentParser(
        prog="python -m phantoms.thigh.training_set", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path)
    for name, size in SIZES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=size, help=f"persons (default {size})")
    options = vars(parser.parse_args())
    write_training_set(options["folder"], {name: options[name] for name in SIZES})


if __name__ == "__main__":
    main()
