"""People whose back muscles are ellipses in every slice, in any orientation, and settings small enough for tests."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from containers.contract.files import write_json
from containers.spine_segmentation.settings import Settings
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd

GRID = Geometry(size=(48, 40, 12), spacing_mm=(8.0, 8.0, 15.0), origin_mm=(-188.0, -156.0, -300.0))
ELLIPSES_MM = {1: (46, 8, 28, 24), 2: (-46, 8, 28, 24), 3: (14, 14, 16, 18), 4: (-14, 14, 16, 18)}
"""Centre x and y and semi-axes of each label; x runs to the Left."""
RIGHT_ANTERIOR = Geometry(
    size=(48, 40, 12), spacing_mm=(8.0, 8.0, 15.0), origin_mm=(188.0, 156.0, -135.0),
    directions=((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
)  # fmt: skip
"""The same place as GRID, stored from Left to Right, Posterior to Anterior, Superior to Inferior."""


def tiny_settings(**changed: object) -> Settings:
    """A network of 4 to 8 channels; a step takes some hundredths of a second."""
    return Settings.model_validate(
        {
            "name": "tiny", "spacing_mm": (15.0, 8.0, 8.0), "base_features": 4, "max_features": 8, "memory_gb": 0.02,
            "batch": 2, "epochs": 2, "steps_per_epoch": 2, "validation_steps": 1, "learning_rate": 5e-3,
            "weight_decay": 0.0, "foreground": 0.8, "rotation_deg": 5.0, "flip": True, **changed,
        }
    )  # fmt: skip


def person(seed: int, grid: Geometry = GRID) -> tuple[Volume, npt.NDArray[np.uint8]]:
    """An image and its labels (k, j, i): a trunk, a spine, and four muscles whose place varies with the seed."""
    rng = np.random.default_rng(seed)
    k, j, i = np.meshgrid(*(np.arange(n) for n in reversed(grid.size)), indexing="ij")
    x, y, _ = np.moveaxis(grid.position_mm(np.stack([i, j, k], axis=-1)), -1, 0)
    x0, y0 = rng.normal(0, 4, 2) + np.array([0, 50])
    image = np.where((x / 170) ** 2 + (y / 130) ** 2 < 1, 80.0, 10.0)
    image[(x - x0) ** 2 + (y - y0 + 30) ** 2 < 22**2] = 250
    labels = np.zeros(grid.shape, np.uint8)
    for value, (cx, cy, rx, ry) in ELLIPSES_MM.items():
        inside = ((x - x0 - cx) / rx) ** 2 + ((y - y0 - cy) / ry) ** 2 < 1
        labels[inside & (labels == 0)] = value
        image[labels == value] = 140 if value < 3 else 190
    image = np.maximum(image + rng.normal(0, 3, image.shape), 0)
    return Volume(image.astype(np.uint16), grid), labels


def write_dataset(folder: Path, train: int = 4) -> Path:
    """A folder of pairs with `train` people to train on, one to validate and one to test with."""
    sets = {"train": [f"a{n}" for n in range(train)], "validation": ["b"], "test": ["c"]}
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for seed, identifier in enumerate(name for members in sets.values() for name in members):
        volume, labels = person(seed)
        write_nrrd(folder / "images" / f"{identifier}.nrrd", volume)
        write_segmentation(folder / "masks" / f"{identifier}.seg.nrrd", labels, volume.geometry, SPINE_LABELS)
    write_json(folder / "split.json", {"schema_version": "1.0", "sets": sets, "subjects": {}})
    return folder
