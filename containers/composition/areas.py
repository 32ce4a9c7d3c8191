"""Cross-sectional area (CSA) of the back muscles at spinal levels, and how much of it is not fat (functional: FCSA).

Field: CSA is read at one axial slice a level, mostly through the middle of a disc or a vertebra; functional (also
lean, contractile) is the part that is muscle, and FCSA over CSA is the measure of quality (Ranson et al., Spine
31:E1236, 2006; Fortin and Battie, Phys Ther 92:853, 2012; Mandelli et al., Front Neurol 12:656487, 2021). There a
threshold parts fat from muscle; here a voxel is fat in part: FCSA = CSA (1 - fat part), the fat part being the fat
fraction of water and fat where they are given, else InterMAT of the image by `class_rule`.

Two areas a level: at its middle (`middle`: a slab as thick as a slice around the middle plane, so that a plane between
two slices takes both in part), and over the whole level (`mean`: volume over height), which hangs less on where one
slice lies. Areas are axial, square to z (LPS).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.composition.anatomy import Labels
from containers.composition.levels import Level, slabs_of
from containers.composition.structures import Structures
from containers.contract.stage import Result
from containers.toolkit.images.volume import Geometry

LeanShare = Callable[[tuple[int, ...]], float | None]
"""Part of a structure, by its labels, that is not fat within a slab, 0 to 1; None where it is undefined."""
WHERE = ("mean", "middle")


@dataclass(frozen=True)
class Area:
    """Cross-sectional areas of a structure at a level, or around its middle."""

    csa_cm2: float | None
    """Area in cm2; None where the structure has no voxel there."""
    fcsa_cm2: float | None
    """Area that is not fat, in cm2; None where it has no voxel or its fat is not known."""
    reason: str
    """Why the area is undefined; empty where it is not."""
    fat_reason: str
    """Why the functional area is undefined; empty where it is not."""

    @property
    def ratio(self) -> float | None:
        """Functional over whole area, 0 to 1."""
        return self.fcsa_cm2 / self.csa_cm2 if self.csa_cm2 and self.fcsa_cm2 is not None else None


Areas = dict[tuple[str, str], Area]
"""Area by (region, where): regions are `multifidus_left.level_L3`, where is `mean` or `middle`."""


def measure_areas(
    labels: Labels,
    structures: Structures,
    lacking: Mapping[str, str],
    levels: list[Level],
    lean: Callable[[Level], LeanShare] | None,
    no_lean: str,
    result: Result,
) -> Areas:
    """Areas of each structure at each level, with their metrics.

    lacking: why a structure is not all there, empty where it is. lean: shares that are not fat within a slab; None
    where nothing gives them, for the reason `no_lean`.
    """
    found: Areas = {}
    places = np.flatnonzero(labels.data)
    values = labels.data.reshape(-1)[places]
    slabs = slabs_of(labels.geometry, places)
    reach = covered_mm(labels.geometry)
    for level in levels:
        for where, slab in zip(WHERE, (_within(level, reach), _around(level, slabs.half_mm, reach)), strict=True):
            cm3: npt.NDArray[np.float64] = np.zeros(256)
            share: LeanShare | None = None
            if slab is not None:
                parts = slabs.part(slab)
                cm3 = np.asarray(np.bincount(values, parts, minlength=256) * labels.geometry.voxel_cm3, np.float64)
                share = lean(slab) if lean else None
            for name, labelled in structures.items():
                outside = "" if slab else f"level {level.name} lies outside of the labels' grid"
                volume = float(cm3[list(labelled)].sum())
                csa = volume / (slab.top_mm - slab.bottom_mm) * 10.0 if slab and volume and not lacking[name] else None
                reason = lacking[name] or outside or ("" if csa else _none_there(level, where))
                part = share(labelled) if share and csa else None
                fcsa = None if csa is None or part is None else csa * part
                why = reason or ("" if fcsa is not None else no_lean or "the fat of its voxels is not known")
                region = f"{name}.level_{level.name}"
                found[region, where] = area = Area(csa, fcsa, reason, why)
                _metrics(region.removeprefix("all."), where, area, result)
    if cut := ", ".join(filter(None, (_cut_off(level, reach) for level in levels))):
        result.warn(f"levels that the labels' grid cuts off, areas being of the part that is there: {cut}")
    return found


def covered_mm(geometry: Geometry) -> tuple[float, float]:
    """Heights z (LPS) between which every axial plane lies within the grid all over."""
    i, j, k = (n - 1 for n in geometry.size)
    half = abs(float(geometry.matrix()[2, 2])) / 2
    ends = [[float(geometry.position_mm((a, b, c))[2]) for a in (0, i) for b in (0, j)] for c in (0, k)]
    low, high = sorted(ends, key=lambda heights: sum(heights))
    return max(low) - half, min(high) + half


def _within(level: Level, reach: tuple[float, float]) -> Level | None:
    """The part of a level that the grid covers; None for none."""
    bottom, top = max(level.bottom_mm, reach[0]), min(level.top_mm, reach[1])
    return Level(name=level.name, top_mm=top, bottom_mm=bottom) if bottom < top else None


def _around(level: Level, half_mm: float, reach: tuple[float, float]) -> Level | None:
    """A slab of one slice around the level's middle; None where the grid does not hold the middle."""
    middle = (level.top_mm + level.bottom_mm) / 2
    if not reach[0] <= middle <= reach[1]:
        return None
    return _within(Level(name=level.name, top_mm=middle + half_mm, bottom_mm=middle - half_mm), reach)


def _none_there(level: Level, where: str) -> str:
    return f"no voxel {'at the middle of' if where == 'middle' else 'in'} level {level.name}"


def _cut_off(level: Level, reach: tuple[float, float]) -> str:
    """The level with the part of it that the grid covers in %; empty where that is all or nothing."""
    slab = _within(level, reach)
    part = (slab.top_mm - slab.bottom_mm) / (level.top_mm - level.bottom_mm) if slab else 0.0
    return f"{level.name} ({100 * part:.0f} %)" if 0 < part < 1 - 1e-6 else ""


def _metrics(region: str, where: str, area: Area, result: Result) -> None:
    result.metric(f"csa_{where}_cm2.{region}", area.csa_cm2, area.reason)
    result.metric(f"fcsa_{where}_cm2.{region}", area.fcsa_cm2, area.fat_reason)
    result.metric(f"fcsa_over_csa_{where}.{region}", area.ratio, area.fat_reason)
