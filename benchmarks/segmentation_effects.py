"""What faults of the images do to the shipped segmentation: Dice, total muscle volume and P/A ratio against truth.

`python benchmarks/segmentation_effects.py [PERSONS]` prints a Markdown table. Persons are of the test seeds.
Conditions change one thing each against the first line. Everything is measured at 2 x 2 x 3 mm on the fused grid.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.labels import HAMSTRINGS, MUSCLES, QUADRICEPS, label_of
from containers.thigh_segmentation.checkpoint import SHIPPED, load_checkpoint
from containers.thigh_segmentation.infer import segment
from containers.thigh_segmentation.losses import dice_per_class, mean_present
from phantoms.anatomy import fit
from phantoms.protocol import protocol
from phantoms.subjects import draw_subject
from phantoms.training_set import FIRST_SEED, fused_geometry, fused_water

Image = npt.NDArray[np.uint16]
PLAIN = {"texture": 0.25, "shading": 0.15, "noise": 1.0, "motion": 0.0, "station_gain": 0.02}


def gap(slices: int) -> Callable[[Image], Image]:
    """Blank slices in the middle of the thigh, as where two stations do not meet."""

    def apply(image: Image) -> Image:
        image[60 : 60 + slices] = 0
        return image

    return apply


CONDITIONS: dict[str, tuple[dict[str, Any], Callable[[Image], Image] | None]] = {
    "as the protocol": ({}, None),
    "noise x 2": ({"noise": 2.0}, None),
    "noise x 4": ({"noise": 4.0}, None),
    "shading 0.3": ({"shading": 0.3}, None),
    "shading 0.5": ({"shading": 0.5}, None),
    "motion 0.3, one station": ({"motion": 0.3}, None),
    "motion 0.6, one station": ({"motion": 0.6}, None),
    "fat and water swapped, mid-thigh station": ({"swapped_station": 4}, None),
    "gap of 4 slices (12 mm)": ({}, gap(4)),
    "gap of 10 slices (30 mm)": ({}, gap(10)),
}


def main(persons: int) -> None:
    """Measure and print."""
    checkpoint = load_checkpoint(SHIPPED)
    scan = protocol("full", "standard")
    geometry = fused_geometry(scan)
    spacing = (geometry.spacing_mm[2], geometry.spacing_mm[1], geometry.spacing_mm[0])
    print(
        "| condition | mean Dice | lowest structure | muscle volume error % | P/A ratio error |\n|---|---|---|---|---|"
    )
    for name, (changes, fault) in CONDITIONS.items():
        dice, lowest, volume, ratio = [], [], [], []
        for seed in range(FIRST_SEED["test"], FIRST_SEED["test"] + persons):
            anatomy = fit(draw_subject(seed), seed)
            truth = anatomy.labels(geometry)
            water = fused_water(anatomy, scan, np.random.default_rng([seed, 7]), **{**PLAIN, **changes})
            found = segment(checkpoint, fault(water) if fault else water, spacing)
            values = dice_per_class(found, truth, 28)
            dice.append(mean_present(values) or 0.0)
            lowest.append(min(v for v in values if v is not None))
            sizes = [np.bincount(labels.reshape(-1), minlength=28) for labels in (found, truth)]
            muscle, part = (
                [float(sum(s[label_of(n)] for n in names)) for s in sizes] for names in (MUSCLES, HAMSTRINGS)
            )
            whole = [float(sum(s[label_of(n)] for n in QUADRICEPS)) for s in sizes]
            volume.append(100 * (muscle[0] / muscle[1] - 1))
            ratio.append(part[0] / whole[0] - part[1] / whole[1])
        means = [float(np.mean(column)) for column in (dice, lowest, volume, ratio)]
        print(f"| {name} | {means[0]:.3f} | {means[1]:.3f} | {means[2]:+.1f} | {means[3]:+.4f} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
