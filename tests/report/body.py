"""A small body of 27 tubes, so that pictures and report have something real to show."""

import json
from pathlib import Path

import numpy as np

from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd

GEOMETRY = Geometry(size=(112, 72, 140), spacing_mm=(4.0, 4.0, 5.0), origin_mm=(-222.0, -142.0, -700.0))


def write_body(folder: Path) -> None:
    """water.nrrd, pdff.nrrd, labels.seg.nrrd and seams.json of two legs and a pelvis in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    k, j, i = np.indices(GEOMETRY.shape)
    x = i * 4.0 - 222.0
    y = j * 4.0 - 142.0
    z = k * 5.0 - 700.0
    body = np.zeros(GEOMETRY.shape, dtype=bool)
    labels = np.zeros(GEOMETRY.shape, dtype=np.uint8)
    names = list(THIGH_LABELS)
    for side in (-1, 1):
        radius = 75 + (z + 700) * 0.04
        body |= (((x - side * 95) / radius) ** 2 + (y / radius) ** 2 < 1) & (z < -180)
        for number, label in enumerate(names):
            ring, angle = divmod(number, 9)
            at = (20 + 17 * ring, 2 * np.pi * angle / 9 + 0.3 * ring)
            cx, cy = side * 95 + side * at[0] * np.cos(at[1]), at[0] * np.sin(at[1])
            low, high = -680 + 130 * ring, -250 + 80 * ring
            labels[((x - cx) ** 2 + (y - cy) ** 2 < 9.5**2) & (z > low) & (z < high)] = label
    body |= ((x / 190) ** 2 + (y / 115) ** 2 < 1) & (z >= -180)
    noise = np.random.default_rng(5).normal(0, 12, GEOMETRY.shape)
    water = np.clip(np.where(labels > 0, 420.0, np.where(body, 90.0, 0.0)) + noise, 0, None).astype(np.float32)
    pdff = np.where(labels > 0, 6.0 + labels * 0.6, np.where(body, 92.0, 0.0)).astype(np.float32)
    write_nrrd(folder / "water.nrrd", Volume(water, GEOMETRY))
    write_nrrd(folder / "pdff.nrrd", Volume(pdff + noise.astype(np.float32) / 6, GEOMETRY))
    write_segmentation(folder / "labels.seg.nrrd", labels, GEOMETRY, THIGH_LABELS)
    pairs = [
        {"overlap_z_mm": [z, z + 30.0], "contrasts": {"water": {"correlation": 0.9987 - n * 0.0003}}}
        for n, z in enumerate((-180.0, -350.0, -520.0))
    ]
    (folder / "seams.json").write_text(json.dumps({"pairs": pairs}))
