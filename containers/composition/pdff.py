"""Fat fraction of one item: read and check water and fat, choose the noise correction, write the map, read regions.

Labels on another grid are brought to that of the images by nearest neighbour in LPS coordinates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.composition import noise
from containers.composition.anatomy import Anatomy
from containers.composition.fat_fraction import Region, RegionReader, fraction_map, inner_labels
from containers.composition.resample import fraction_inside, labels_on_grid
from containers.composition.same_voxels import differ, same_voxels
from containers.composition.swapped import exchanged, look, outside_body
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.doubts import Doubt, read_doubts
from containers.toolkit.images.labels import BONES
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.volume import Geometry, Volume
from containers.toolkit.images.writing import ImageWriter

MAX_AIR_SIGNAL = 0.2
"""Mean of air over mean of water plus fat in the labels, above which the corners are taken for tissue, not air."""

NOT_MUSCLE = frozenset({*BONES, "hip_bone", "thigh"})
"""Structures that hold more than muscle, or none."""

FEW_VOXELS = 10
"""Below this many voxels a fat fraction is one of noise and partial volume as much as of tissue."""

Regions = dict[tuple[str, str], Region]
Labels8 = npt.NDArray[np.uint8]
"""A label map, (k, j, i)."""


@dataclass(frozen=True)
class FatImages:
    """Water and fat with the labels on their grid."""

    water: Volume
    """Water image, data (k, j, i)."""
    fat: Volume
    """Fat image on the grid of `water`."""
    percent: npt.NDArray[np.float32]
    """Their `fraction_map`."""
    sigma: tuple[float, float]
    """Noise of water and of fat to correct with, in image units; 0 for none."""
    labels: Labels8
    """Label of each voxel, (k, j, i)."""
    merged: Labels8
    """The same with one label a structure."""
    inner: Labels8
    """Those of `merged` that count after erosion."""

    def doubts(self, muscle: Sequence[int], result: Result) -> list[Doubt]:
        """What is doubtful of the images, each said in a warning. muscle: labels of `merged` that are muscle alone."""
        found = [*read_doubts(self.water.facts), *read_doubts(self.fat.facts)]
        with result.step("plausibility"):
            inside = np.isin(self.merged, list(muscle))
            water, fat = (np.abs(image.data[inside].astype(np.float32)) for image in (self.water, self.fat))
            seen = look(inside, self.water.data, self.fat.data, self.water.geometry)
            judged = [exchanged(seen), outside_body(water + fat)]
        for doubt in judged:
            if doubt is not None:
                result.warn(doubt.text)
                found.append(doubt)
        return list(dict.fromkeys(found))


def read_fat_images(
    item: Item,
    labels: tuple[Labels8, Geometry],
    merge: Callable[[Labels8], Labels8],
    erosion: tuple[int, float],
    job: Job,
    result: Result,
) -> FatImages:
    """Read, check and pair the images, and write the fat-fraction map. Raises ItemFault for bad images.

    labels: label map (k, j, i) and its grid. merge: gives the map with one label a structure. erosion: `erosion_voxels`
    and `erosion_mm` of `inner_labels`.
    """
    with result.step("read_images"):
        water, fat = (_read_image(item, name, job, result) for name in ("water", "fat"))
    names = item.inputs["water"].name, item.inputs["fat"].name
    if not same_voxels(fat.geometry, water.geometry, (names[1], names[0]), job, result):
        fix = "give water and fat of one reconstruction"
        raise differ(fat.geometry, water.geometry, " and ".join(names), "are not on the same grid", fix)
    fat = Volume(fat.data, water.geometry, fat.facts)
    on_grid = _labels_on(water.geometry, item, labels, job, result)
    with result.step("fat_fraction"):
        sigma = _noise(item, {"water": water, "fat": fat}, on_grid, job, result)
        percent = fraction_map(water.data, fat.data, sigma)
        facts = {"contrast": "fat_fraction", "sample units": "percent"}
        ImageWriter.of(item, job, result).volume("fat_fraction", Volume(percent, water.geometry, facts))
    with result.step("regions"):
        merged = merge(on_grid)
        inner = inner_labels(merged, water.geometry, *erosion)
    return FatImages(water, fat, percent, sigma, on_grid, merged, inner)


def measure_fat_fraction(item: Item, anatomy: Anatomy, job: Job, result: Result) -> tuple[Regions, list[Doubt]]:
    """Write the map and the metrics; return fat fraction by (structure, side), and what is doubtful of it.

    Raises ItemFault for bad images.
    """
    erosion = job.parameters["erosion_voxels"], job.parameters["erosion_mm"]
    images = read_fat_images(item, (anatomy.labels, anatomy.geometry), anatomy.merged, erosion, job, result)
    with result.step("regions"):
        reader = RegionReader(images.inner, images.water.data, images.fat.data, images.percent, images.sigma)
        regions = _read_regions(anatomy, reader, images.labels, images.water.geometry)
    for name in anatomy.members:
        region = regions[name, "both"]
        value = getattr(region, job.parameters["pdff_statistic"])
        reason = "no voxel" if anatomy.volume(name) is None else undefined(region, value)
        result.metric(f"pdff_percent.{name}", value, reason)
        result.metric(f"pdff_voxels.{name}", region.voxels)
    few = [name for name in anatomy.members if 0 < regions[name, "both"].voxels < FEW_VOXELS]
    if few:
        result.warn(f"fat fraction rests on fewer than {FEW_VOXELS} voxels: {', '.join(few)}")
    muscle = [members[0] for name, members in anatomy.members.items() if name not in NOT_MUSCLE]
    return regions, images.doubts(muscle, result)


def undefined(region: Region, value: float | None) -> str:
    """Why a region that has labelled voxels has no fat fraction; empty where it has one."""
    if region.voxels == 0:
        return "no voxel inside the images is left after erosion (erosion_voxels, erosion_mm)"
    return "no signal" if value is None else ""


def _names(item: Item) -> str:
    return f"{item.inputs['water'].name} and {item.inputs['fat'].name}"


def _read_image(item: Item, name: str, job: Job, result: Result) -> Volume:
    path = item.inputs[name]
    image = read_volume(path, result.warn, finite=True)
    if job.parameters["fat_fraction_domain"] == "magnitude" and image.data.min() < 0:
        raise ItemFault(
            "has negative values, which a magnitude image cannot have",
            where=path.name,
            fix="set parameter fat_fraction_domain to 'signed' for maps with sign",
        )
    return image


def _labels_on(grid: Geometry, item: Item, labels: tuple[Labels8, Geometry], job: Job, result: Result) -> Labels8:
    """The labels (k, j, i) on the grid of the images. Raises ItemFault when none falls inside them."""
    data, own = labels
    names = item.inputs["labels"].name, item.inputs["water"].name
    if same_voxels(own, grid, names, job, result):
        return data
    with result.step("resample_labels"):
        inside = fraction_inside(data, own, grid)
        on_grid = labels_on_grid(data, own, grid)
    result.details["labels_on_image_grid"] = {"method": "nearest in LPS", "labelled_fraction_inside": inside}
    if not on_grid.any():
        fix = "give labels and images of one scan, in one coordinate frame"
        raise differ(own, grid, names[0], f"has no labelled voxel inside {_names(item)}", fix)
    if inside < 0.999:
        result.warn(f"only {100 * inside:.1f} % of the labelled voxels lie inside the images")
    return on_grid


def _noise(
    item: Item, images: dict[str, Volume], labels: npt.NDArray[np.uint8], job: Job, result: Result
) -> tuple[float, float]:
    """Sigma of water and fat to correct with, (0, 0) where no correction is due or possible."""
    if job.parameters["fat_fraction_domain"] == "signed" or job.parameters["noise_correction"] == "none":
        signed = job.parameters["fat_fraction_domain"] == "signed"
        result.details["noise"] = {"applied": "none", "why": "signed maps" if signed else "parameter noise_correction"}
        return 0.0, 0.0
    tissue = labels > 0
    signal = sum(float(image.data[tissue].mean(dtype=np.float64)) for image in images.values())
    sigma: dict[str, float] = {}
    reasons = []
    for name, image in images.items():
        found, reason = noise.background_sigma(image.data)
        if found is not None and noise.RAYLEIGH_MEAN * found > MAX_AIR_SIGNAL * signal:
            found, reason = None, "the image corners are too bright compared with the tissue to be air"
        result.metric(f"noise_sigma.{name}", found, reason)
        if found is None:
            reasons.append(f"{item.inputs[name].name}: {reason}")
        else:
            sigma[name] = found
    if reasons:
        result.warn(f"fat fraction is not corrected for noise: {'; '.join(reasons)}")
        result.details["noise"] = {"applied": "none", "why": "; ".join(reasons)}
        return 0.0, 0.0
    result.details["noise"] = {"applied": "rician", "why": "sigma from air in the image corners"}
    return sigma["water"], sigma["fat"]


def _read_regions(anatomy: Anatomy, reader: RegionReader, labels: npt.NDArray[np.uint8], grid: Geometry) -> Regions:
    """Fat fraction by structure and side. labels: (k, j, i) on `grid`, as the label map has them."""
    found: Regions = {}
    sided = any(anatomy.parted(name) for name in anatomy.members)
    side = anatomy.side_of(labels, grid).reshape(-1) if sided else None
    for name, members in anatomy.members.items():
        found[name, "both"] = reader.read(members[0])
        if side is not None and anatomy.parted(name):
            here = side[reader.places(members[0])]
            found[name, "left"] = reader.read(members[0], here >= 0)
            found[name, "right"] = reader.read(members[0], here <= 0)
    return found
