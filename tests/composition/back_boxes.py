"""A back made of boxes: four muscles, InterMAT and subcutaneous fat whose volumes and signals are set by hand."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd

GRID = Geometry(size=(64, 48, 12), spacing_mm=(2.0, 2.0, 5.0), origin_mm=(-63.0, -47.0, 100.0))
"""128 x 96 x 60 mm; z from 97.5 to 157.5 mm. x = 0 lies between two voxels."""
VOXEL_CM3 = 0.02
MUSCLE, MIDDLE, FAT = 70.0, 200.0, 420.0
NOISE = 4.0
ROWS, SLICES = slice(10, 30), slice(1, 11)
"""All boxes: 20 rows and 10 slices, z from 102.5 to 152.5 mm. Subcutaneous fat fills the rows from 34 on."""
WIDTHS = {"erector_spinae_left": 10, "erector_spinae_right": 9, "multifidus_left": 5, "multifidus_right": 4}
COLUMN = 200
"""Voxels of a box per voxel of its width."""
VALUE = {name: value for value, name in SPINE_LABELS.items()}


def back_labels(widths: dict[str, int] | None = None) -> npt.NDArray[np.uint8]:
    """Labels (k, j, i) on GRID: multifidus from 2 voxels next to the midline, erector spinae next to it. Left is +i."""
    labels = np.zeros(GRID.shape, np.uint8)
    middle = GRID.size[0] // 2
    for name, width in (WIDTHS if widths is None else widths).items():
        start = 2 if name.startswith("multifidus") else 9
        first = middle + start if name.endswith("left") else middle - start - width
        labels[SLICES, ROWS, first : first + width] = VALUE[name]
    return labels


def back_image(labels: npt.NDArray[np.uint8], parts: npt.NDArray[np.float64], seed: int = 3) -> npt.NDArray[np.float32]:
    """T2-weighted signal (k, j, i): muscle and fat by the fat part (0 to 1) of each voxel, in air that is dark.

    Noise is Gaussian: far from zero it is what Rician noise is.
    """
    image = np.full(labels.shape, 10.0)
    image[:, 34:46, :] = FAT
    inside = labels > 0
    image[inside] = MUSCLE + (FAT - MUSCLE) * parts[inside]
    return np.asarray(image + np.random.default_rng(seed).normal(0, NOISE, labels.shape), np.float32).clip(0)


def streaks(labels: npt.NDArray[np.uint8], every: int = 10) -> npt.NDArray[np.float64]:
    """Fat parts (k, j, i) that vary along the rows: one row in `every` is all fat, and one next to it 30 % fat."""
    parts = np.zeros(labels.shape)
    parts[:, ROWS.start :: every] = 1.0
    parts[:, ROWS.start + 1 :: every] = 0.3
    return parts


@dataclass
class Back:
    """One item of the composition stage in a folder of its own."""

    folder: Path
    labels: npt.NDArray[np.uint8] = field(default_factory=back_labels)
    names: dict[int, str] = field(default_factory=lambda: dict(SPINE_LABELS))
    image: npt.NDArray[Any] | None = None
    grid: Geometry = GRID
    image_grid: Geometry = GRID
    levels: Any = None
    facts: dict[str, Any] = field(default_factory=lambda: {"height_m": 1.75, "weight_kg": 80.0})

    def item(self, name: str = "back") -> dict[str, Any]:
        """Write the files; the item as a request has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        image = back_image(self.labels, streaks(self.labels)) if self.image is None else self.image
        inputs = {"labels": self.folder / "labels.seg.nrrd", "image": self.folder / "haste.nrrd"}
        write_segmentation(inputs["labels"], self.labels, self.grid, self.names)
        write_nrrd(inputs["image"], Volume(image, self.image_grid))
        if self.levels is not None:
            inputs["levels"] = self.folder / "levels.json"
            inputs["levels"].write_text(self.levels if isinstance(self.levels, str) else json.dumps(self.levels))
        return {"id": name, "inputs": inputs, "facts": self.facts}
