"""A T2-weighted image from real water and fat, with what these say of muscle and fat in the labels.

Signal of a spin echo with long repetition time at echo time TE:

    S = W exp(-TE / T2 of muscle) + gain F exp(-TE / T2 of fat)

with water W and fat F as the gradient echo gave them. T2 are apparent ones, those of fat with stimulated echoes and
coupling: 48 to 53 and 125 to 131 ms, from 17 echoes of a real calf at 3 T, where pure fat was 3.3 to 4.6 times as
bright as muscle at TE 76 to 87 ms. A gradient echo weights water and fat by T1 otherwise than a long repetition time
does; `gain` makes up for it. Noise is Rician. What is not here: blur of the echo train, J coupling beyond what T2 says,
flow, the voxels of another protocol.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from containers.contract.errors import ItemFault
from containers.contract.record import Metric
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.segmentation import read_segmentation, write_segmentation
from containers.toolkit.images.volume import Volume, write_nrrd
from harness.run.steps import examples
from harness.run.steps.base import Example, Reference, Step
from harness.run.steps.task import Made, Task

Array = npt.NDArray[np.float64]
LEAN, PURE_FAT = 0.05, 0.90
"""Fat fraction of signal under which a labelled voxel shows what pure muscle gives, and over which a voxel near the
labels shows what pure adipose tissue gives."""
NEAR_MM = 40.0
"""How far from the labels adipose tissue is looked for."""
LEVELS = 4000
"""Whole numbers up to which the image is stored, as scanners do."""
FEW = 50


class T2Weighted(Step):
    """Make a T2-weighted image of water and fat. Gives `image` (NRRD), and as metrics the shares of fat per structure.

    `signal_percent.*`: fat over fat and water, of sums. `tissue_percent.*`: the same with fat over the signal of pure
    adipose tissue, and water over that of lean muscle: the share by volume, which a T2-weighted image can show.
    """

    kind: Literal["t2_weighted"]
    """Marks the step that makes a T2-weighted image of water and fat."""
    water: Reference
    """The water image."""
    fat: Reference
    """The fat image, with the same voxels by index."""
    labels: Reference
    """The labels of the muscles, with the same voxels by index."""
    te_ms: float = Field(default=81.0, gt=0)
    """Echo time in ms; that of nako_cbp is 81 ms."""
    t2_muscle_ms: float = Field(default=50.5, gt=0)
    """Apparent T2 of muscle in ms."""
    t2_fat_ms: float = Field(default=128.0, gt=0)
    """Apparent T2 of fat in ms."""
    gain: float = Field(default=1.0, gt=0)
    """Factor on fat, for another weighting of the two than the gradient echo's."""
    snr: float = Field(default=30.0, gt=0)
    """Signal of the median labelled voxel over the standard deviation of the noise."""
    seed: int = 0
    """Start of the noise."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        names = {1: "multifidus_left", 2: "multifidus_right"}
        geometry = examples.GRID
        i = np.arange(np.prod(geometry.shape)).reshape(geometry.shape)
        last = {"kind": "t2_weighted", "water": "files.one", "fat": "files.two", "labels": "files.one"}
        inputs = {"labels": examples.labels(folder, names)}
        for name, data in (("water", np.where(i % 2, 5.0, 400.0)), ("fat", np.where(i % 2, 900.0, 8.0))):
            inputs[name] = folder / f"{name}.nrrd"
            write_nrrd(inputs[name], Volume(data.astype(np.float32), geometry))
        # Even voxels are lean muscle with a label; odd ones adipose tissue without.
        inside = np.where(i % 2, 0, 1 + (i // 2) % 2).astype(np.uint8)
        write_segmentation(inputs["labels"], inside, geometry, names)
        parameters = {"te_ms": 81.0, "t2_muscle_ms": 50.5, "t2_fat_ms": 128.0, "gain": 1.0, "snr": 30.0, "seed": 0}
        good = Task("t2_weighted", "a", inputs, {}, parameters)
        bad = Task("t2_weighted", "a", {**inputs, "fat": examples.broken(folder)}, {}, parameters)
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"water": self.water, "fat": self.fat, "labels": self.labels}

    def settings(self) -> dict[str, Any]:
        return self.model_dump(include={"te_ms", "t2_muscle_ms", "t2_fat_ms", "gain", "snr", "seed"})

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """The image on the grid of the water image, whole numbers; and the shares of fat. Raises ItemFault."""
        made = Made(files={"image": "image.nrrd"})
        water, fat = (read_volume(task.inputs[name], made.warnings.append, finite=True) for name in ("water", "fat"))
        labels, names = read_segmentation(task.inputs["labels"])
        for name, volume in (("fat", fat), ("labels", labels)):
            if volume.data.shape != water.data.shape:
                raise ItemFault("has other voxels than water", where=name, fix="give images of one reconstruction")
        w, f = (np.asarray(volume.data, np.float64) for volume in (water, fat))
        data = np.asarray(labels.data, np.uint8)
        said = task.parameters
        decay = (np.exp(-said["te_ms"] / said[f"t2_{tissue}_ms"]) for tissue in ("muscle", "fat"))
        of_water, of_fat = (float(value) for value in decay)
        of_fat *= said["gain"]
        image = _noisy(w * of_water + f * of_fat, data > 0, said["snr"], said["seed"])
        scale = LEVELS / float(image.max())
        geometry = labels.geometry
        write_nrrd(folder / "image.nrrd", Volume(np.rint(image * scale).astype(np.int16), geometry))
        muscle, adipose = _pure(w, f, data > 0, geometry.spacing_mm)
        metrics = {
            "muscle_signal": Metric(value=muscle, unit="image units"),
            "adipose_signal": Metric(value=adipose, unit="image units"),
            "fat_to_muscle_ratio": Metric(value=adipose * of_fat / (muscle * of_water), unit="1"),
        }
        for name, inside in {"all": data > 0, **{names[v]: data == v for v in names if v}}.items():
            sums = float(f[inside].sum()), float(w[inside].sum())
            metrics[f"signal_percent.{name}"] = Metric(value=_percent(*sums), unit="%")
            tissue = _percent(sums[0] / adipose, sums[1] / muscle)
            metrics[f"tissue_percent.{name}"] = Metric(value=tissue, unit="%")
        made.metrics |= metrics
        return made


def _noisy(image: Array, inside: npt.NDArray[np.bool_], snr: float, seed: int) -> Array:
    """The magnitude of the image with Gaussian noise in both channels."""
    if not inside.any():
        raise ItemFault("has no labelled voxel", where="labels", fix="give the segmentation of these images")
    sigma = float(np.median(image[inside])) / snr
    rng = np.random.default_rng(seed)
    return np.asarray(np.hypot(image + rng.normal(0, sigma, image.shape), rng.normal(0, sigma, image.shape)))


def _pure(
    water: Array, fat: Array, inside: npt.NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """Water signal of lean muscle and fat signal of adipose tissue: medians. Raises ItemFault without either."""
    total = water + fat
    share = np.divide(fat, total, out=np.zeros_like(fat), where=total > 0)
    lean = inside & (share < LEAN) & (total > 0)
    far = ndimage.distance_transform_edt(~inside, sampling=spacing_mm[::-1])
    adipose = ~inside & (far <= NEAR_MM) & (share > PURE_FAT) & (total > np.median(total[inside]))
    for name, found in (("lean muscle in the labels", lean), ("adipose tissue near the labels", adipose)):
        if np.count_nonzero(found) < FEW:
            raise ItemFault(f"show no {name}", where="water and fat", fix="give images that reach the skin")
    return float(np.median(water[lean])), float(np.median(fat[adipose]))


def _percent(fat: float, water: float) -> float | None:
    return 100 * fat / (fat + water) if fat + water else None
