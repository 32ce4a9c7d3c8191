"""Fat fraction of one item: read and check water and fat, choose the noise correction, write the map, read regions.

Labels on another grid are brought to that of the images by nearest neighbour in LPS coordinates.
"""

import numpy as np
import numpy.typing as npt

from containers.composition import noise
from containers.composition.anatomy import Anatomy
from containers.composition.fat_fraction import Region, RegionReader, fraction_map, inner_labels
from containers.composition.resample import fraction_inside, labels_on_grid
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.volume import Geometry, Volume
from containers.toolkit.images.writing import ImageWriter

MAX_AIR_SIGNAL = 0.2
"""Mean of air over mean of water plus fat in the labels, above which the corners are taken for tissue, not air."""

FEW_VOXELS = 10
"""Below this many voxels a fat fraction is one of noise and partial volume as much as of tissue."""

Regions = dict[tuple[str, str], Region]


def measure_fat_fraction(item: Item, anatomy: Anatomy, job: Job, result: Result) -> Regions:
    """Write the map and the metrics; return fat fraction by (structure, side). Raises ItemFault for bad images."""
    with result.step("read_images"):
        water, fat = (_read_image(item, name, job, result) for name in ("water", "fat"))
    if not water.geometry.same_as(fat.geometry):
        what = f"are not on the same grid ({water.geometry.difference(fat.geometry)})"
        raise ItemFault(what, where=_names(item), fix="give water and fat of one reconstruction")
    labels = _labels_on(water.geometry, item, anatomy, result)
    with result.step("fat_fraction"):
        sigma = _noise(item, {"water": water, "fat": fat}, labels, job, result)
        percent = fraction_map(water.data, fat.data, sigma)
        facts = {"contrast": "fat_fraction", "sample units": "percent"}
        ImageWriter.of(item, job, result).volume("fat_fraction", Volume(percent, water.geometry, facts))
    with result.step("regions"):
        erosion = job.parameters["erosion_voxels"], job.parameters["erosion_mm"]
        inner = inner_labels(labels, water.geometry, *erosion)
        reader = RegionReader(inner, water.data, fat.data, percent, sigma)
        regions = _read_regions(anatomy, reader, water.geometry)
    for name in anatomy.values:
        region = regions[name, "both"]
        value = getattr(region, job.parameters["pdff_statistic"])
        if anatomy.volume(name) is None:
            reason = "no voxel"
        elif region.voxels == 0:
            reason = "no voxel inside the images is left after erosion (erosion_voxels, erosion_mm)"
        else:
            reason = "no signal" if value is None else ""
        result.metric(f"pdff_percent.{name}", value, reason)
        result.metric(f"pdff_voxels.{name}", region.voxels)
    few = [name for name in anatomy.values if 0 < regions[name, "both"].voxels < FEW_VOXELS]
    if few:
        result.warn(f"fat fraction rests on fewer than {FEW_VOXELS} voxels: {', '.join(few)}")
    return regions


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


def _labels_on(grid: Geometry, item: Item, anatomy: Anatomy, result: Result) -> npt.NDArray[np.uint8]:
    """The labels (k, j, i) on the grid of the images. Raises ItemFault when none falls inside them."""
    if grid.same_as(anatomy.geometry):
        return anatomy.labels
    with result.step("resample_labels"):
        inside = fraction_inside(anatomy.labels, anatomy.geometry, grid)
        labels = labels_on_grid(anatomy.labels, anatomy.geometry, grid)
    result.details["labels_on_image_grid"] = {"method": "nearest in LPS", "labelled_fraction_inside": inside}
    if not labels.any():
        raise ItemFault(
            f"has no labelled voxel inside {_names(item)}",
            where=item.inputs["labels"].name,
            fix="give labels and images of one scan, in one coordinate frame",
        )
    if inside < 0.999:
        result.warn(f"only {100 * inside:.1f} % of the labelled voxels lie inside the images")
    return labels


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


def _read_regions(anatomy: Anatomy, reader: RegionReader, grid: Geometry) -> Regions:
    found: Regions = {}
    plane = anatomy.plane
    side = np.stack([plane.side(grid, k) for k in range(grid.size[2])]).reshape(-1) if plane else None
    for name, value in anatomy.values.items():
        found[name, "both"] = reader.read(value)
        if side is not None:
            here = side[reader.places(value)]
            found[name, "left"] = reader.read(value, here >= 0)
            found[name, "right"] = reader.read(value, here <= 0)
    return found
