"""People made of three ellipsoids, in any orientation, and a network small enough for tests."""

from pathlib import Path

import numpy as np

from containers.contract.files import write_json
from containers.thigh_segmentation.config import Config
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd

LABELS = {1: "left_ball", 2: "middle", 3: "right_ball"}
GRID = Geometry(size=(40, 36, 34), spacing_mm=(5.0, 5.0, 6.0), origin_mm=(-97.5, -87.5, -700.0))
CENTRES_MM = {1: (55.0, 5.0, -600.0), 2: (0.0, -20.0, -580.0), 3: (-55.0, 5.0, -610.0)}
RADIUS_MM = 35.0


def tiny_config(**training: object) -> Config:
    """A UNETR of 32^3 patches at 8 mm with a second pass; a step takes some hundredths of a second."""
    return Config.model_validate(
        {
            "name": "tiny",
            "network": {
                "patch": (16, 16, 16), "hidden": 16, "layers": 4, "heads": 2, "mlp": 32, "features": 4,
                "out_channels": 4, "deep_supervision": True, "class_prior_bias": True,
            },
            "preprocessing": {"spacing_mm": (10.0, 10.0, 10.0), "window": (0.0, 400.0)},
            "training": {
                "epochs": 2, "batch_volumes": 1, "patches_per_volume": 2, "micro_batch": 1, "learning_rate": 3e-3,
                "weight_decay": 1e-5, "mixed_precision": False, "validate_every": 1, "patience": 50,
                "cached_volumes": 8, **training,
            },
            "augmentation": {"mirror": 0.0, "scale": 0.03, "rotation_deg": 2.0, "warp_voxels": 0.3, "gain": 0.1},
            "refinement": {
                "channels": 4, "spacing_mm": (5.0, 5.0, 6.0), "patch": (8, 16, 16), "epochs": 1,
                "patches_per_volume": 2, "learning_rate": 1e-3,
            },
        }
    )  # fmt: skip


def person(seed: int, grid: Geometry = GRID) -> tuple[Volume, np.ndarray]:
    """An image and its labels (k, j, i): ellipsoids of three brightnesses that vary in place with the seed."""
    rng = np.random.default_rng(seed)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.size), indexing="ij"), axis=-1)
    place = grid.position_mm(index)
    labels = np.zeros(grid.size, np.uint8)
    image = np.full(grid.size, 20.0)
    for value, centre in CENTRES_MM.items():
        inside = np.linalg.norm(place - centre - rng.uniform(-5, 5, 3), axis=-1) < RADIUS_MM
        labels[inside] = value
        image[inside] = 80.0 + 80.0 * value
    image += rng.normal(0, 5, image.shape)
    return Volume(image.T.astype(np.float32), grid), np.ascontiguousarray(labels.T)


def write_dataset(folder: Path, train: int = 2) -> Path:
    """A folder of pairs with `train` people to train on, one to validate and one to test with."""
    sets = {"train": [f"a{n}" for n in range(train)], "validation": ["b"], "test": ["c"]}
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for seed, identifier in enumerate(name for members in sets.values() for name in members):
        volume, labels = person(seed)
        write_nrrd(folder / "images" / f"{identifier}.nrrd", volume)
        write_segmentation(folder / "masks" / f"{identifier}.seg.nrrd", labels, volume.geometry, LABELS)
    write_json(folder / "split.json", {"schema_version": "1.0", "sets": sets, "subjects": {}})
    write_json(folder / "labels.json", {str(value): name for value, name in LABELS.items()})
    return folder
