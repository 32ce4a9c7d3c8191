"""Fat fraction of the back muscles from water and fat: per structure, side and spinal level."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from containers.composition.anatomy import Labels
from containers.composition.areas import LeanShare
from containers.composition.fat_fraction import Region, region_of
from containers.composition.goutallier import cut_points, grade
from containers.composition.levels import Level, slabs_of
from containers.composition.noise import amplitude
from containers.composition.pdff import FEW_VOXELS, FatImages, read_fat_images, undefined
from containers.composition.structures import Structures
from containers.composition.volumes import Defined, LabelVolumes
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.doubts import Doubt

Array = npt.NDArray[np.float64]
Found = dict[str, Region]
"""Fat fraction by name: structures, `all`, `level_L3`, `multifidus_left.level_L3`; only what has labels."""


class MuscleFat:
    """Water, fat and fat fraction of the labelled voxels, of which regions are read."""

    def __init__(self, images: FatImages) -> None:
        places = np.flatnonzero(images.inner)
        self.labels = images.inner.reshape(-1)[places]
        self._water, self._fat, self._percent = (
            np.asarray(data.reshape(-1)[places], np.float64)
            for data in (images.water.data, images.fat.data, images.percent)
        )
        self._sigma = images.sigma
        self._slabs = slabs_of(images.water.geometry, places)

    def region(self, values: tuple[int, ...], level: Level | None = None) -> Region:
        """Fat fraction of the voxels with one of the labels; in a level, voxels count by their part in it."""
        chosen = np.isin(self.labels, values)
        part: Array | None = None
        if level is not None:
            parts = self._slabs.part(level)
            chosen &= parts > 0
            part = parts[chosen]
        return region_of(self._water[chosen], self._fat[chosen], self._percent[chosen], self._sigma, part)

    def lean_share(self, level: Level) -> LeanShare:
        """The part of a structure that is not fat, 0 to 1, within a slab: 1 less the ratio of sums."""
        parts = self._slabs.part(level)
        inside = np.flatnonzero(parts)
        labels, parts = self.labels[inside], parts[inside]
        count, water, fat = (
            np.bincount(labels, weights, minlength=256)
            for weights in (parts, parts * self._water[inside], parts * self._fat[inside])
        )

        def share(values: tuple[int, ...]) -> float | None:
            chosen = list(values)
            voxels = count[chosen].sum()
            if not voxels:
                return None
            w = float(amplitude(water[chosen].sum() / voxels, self._sigma[0]))
            f = float(amplitude(fat[chosen].sum() / voxels, self._sigma[1]))
            return w / (w + f) if w + f else None

        return share


def measure_back_fat(
    item: Item,
    labels: Labels,
    structures: Structures,
    volumes: LabelVolumes,
    whole: Defined,
    levels: list[Level],
    job: Job,
    result: Result,
) -> tuple[MuscleFat, Found, list[Doubt]]:
    """Write the map, fat fractions and grades; return them by name, and what is doubtful of them.

    structures: `all` is among them, with the volume `whole`. Raises ItemFault for bad images.

    Conventions are those of the thigh but one: by default nothing is eroded (`back_erosion_voxels`), as the fat between
    the muscles and in the streaks that reach their surface is what is looked for.
    """
    erosion = job.parameters["back_erosion_voxels"], job.parameters["erosion_mm"]
    images = read_fat_images(item, (labels.data, labels.geometry), lambda data: data, erosion, job, result)
    fat = MuscleFat(images)
    result.details["fat_fraction"] = {"erosion_voxels": erosion[0], "erosion_mm": erosion[1]}
    cuts = cut_points(job)
    found: Found = {}
    few = []
    with result.step("back_regions"):
        for name, structure, level in _regions(structures, levels):
            volume, lacking = whole if structure == "all" else volumes.of(structures[structure])
            region = fat.region(structures[structure], level)
            value = getattr(region, job.parameters["pdff_statistic"]) if volume is not None else None
            reason = lacking or _nothing(region, level) or undefined(region, value)
            suffix = "" if name == "all" else f".{name.removeprefix('all.')}"
            result.metric(f"pdff_percent{suffix}", value, reason)
            result.metric(f"pdff_voxels{suffix}", region.voxels)
            result.metric(f"goutallier_like_grade{suffix}", grade(value, cuts), reason)
            found[name] = region if volume is not None else Region(region.voxels, None, None, None)
            if 0 < region.voxels < FEW_VOXELS:
                few.append(name)
    if few:
        result.warn(f"fat fraction rests on fewer than {FEW_VOXELS} voxels: {', '.join(few)}")
    return fat, found, images.doubts(structures["all"], result)


def _regions(structures: Structures, levels: list[Level]) -> Iterator[tuple[str, str, Level | None]]:
    """Name, structure and level of each region."""
    for structure in structures:
        yield structure, structure, None
    for level in levels:
        for structure in structures:
            yield f"{structure}.level_{level.name}", structure, level


def _nothing(region: Region, level: Level | None) -> str:
    return f"no voxel in level {level.name}" if level is not None and not region.voxels else ""
