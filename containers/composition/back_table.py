"""The table `measures` of a back: a row per structure, for all, per level, and per structure at a level."""

from typing import Any

from containers.composition.areas import WHERE, Areas
from containers.composition.back_fat import Found
from containers.composition.goutallier import cut_points, grade
from containers.composition.intermat import Regions
from containers.composition.structures import Structures
from containers.composition.tissue import WHOLE
from containers.composition.volumes import LabelVolumes
from containers.contract.stage import Job

Columns = dict[str, list[Any]]


def back_rows(
    structures: Structures, volumes: LabelVolumes, regions: Regions, fractions: Found, areas: Areas, job: Job
) -> Columns:
    """Columns by name. What was not measured has no columns, what is undefined is None.

    A level as a whole is `level_L3`, a structure at it `multifidus_left.level_L3`; volume and InterMAT are of the
    former only, and of structures.
    """
    levelled = [_row_name(name) for name in dict.fromkeys([*fractions, *(region for region, _ in areas)])]
    names = list(dict.fromkeys([*structures, *regions, *levelled]))
    counted = {name: volumes.of(values)[0] for name, values in structures.items()}
    columns: Columns = {
        "name": names,
        "volume_cm3": [regions[n].volume or None if n in regions else counted.get(n) for n in names],
        "lean_volume_cm3": [regions[n].lean if n in regions else None for n in names],
        "intermat_percent": [regions[n].intermat if n in regions else None for n in names],
        "voxels": [regions[n].voxels if n in regions else None for n in names],
    }
    if fractions:
        columns |= _fat_columns(names, {_row_name(name): region for name, region in fractions.items()}, job)
    for where in WHERE if areas else ():
        found = {_row_name(name): area for (name, place), area in areas.items() if place == where}
        columns[f"csa_{where}_cm2"] = [found[n].csa_cm2 if n in found else None for n in names]
        columns[f"fcsa_{where}_cm2"] = [found[n].fcsa_cm2 if n in found else None for n in names]
        columns[f"fcsa_over_csa_{where}"] = [found[n].ratio if n in found else None for n in names]
    return columns


def _fat_columns(names: list[str], found: Found, job: Job) -> Columns:
    statistic, cuts = job.parameters["pdff_statistic"], cut_points(job)
    return {
        "pdff_percent": [found[n].ratio_of_sums if n in found else None for n in names],
        "pdff_percent_mean": [found[n].mean if n in found else None for n in names],
        "pdff_percent_median": [found[n].median if n in found else None for n in names],
        "pdff_voxels": [found[n].voxels if n in found else None for n in names],
        "goutallier_like_grade": [grade(getattr(found[n], statistic), cuts) if n in found else None for n in names],
    }


def _row_name(region: str) -> str:
    """`level_L3` for `all.level_L3`, else the name itself."""
    return region.removeprefix(f"{WHOLE}.")
