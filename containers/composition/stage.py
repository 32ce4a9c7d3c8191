"""One item of the composition stage: read, check, measure, write.

A label map of the back is measured by `back`, any other as a thigh. Volumes come from the label map on its own grid,
fat fraction from water and fat on theirs, InterMAT from a T2-weighted image. What cannot be measured is None with the
reason, never 0 and never infinite.
"""

from typing import Any

from containers.composition.anatomy import Anatomy, read_labels, thigh_anatomy
from containers.composition.back import measure_back, measure_other
from containers.composition.facts import read_person
from containers.composition.goutallier import cut_points
from containers.composition.pdff import Regions, measure_fat_fraction
from containers.composition.structures import is_back, other_structures
from containers.composition.volumes import asymmetry_percent, group_volume, ratio
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.labels import ANTERIOR, HAMSTRINGS, MUSCLES, POSTERIOR, QUADRICEPS
from containers.toolkit.tables.table import write_table

SIDE_GROUPS = {"total": MUSCLES, "quadriceps": QUADRICEPS, "hamstrings": HAMSTRINGS}


def check_parameters(job: Job) -> None:
    """Raise RequestFault for parameters that the contract cannot check: `goutallier_cut_percent`."""
    cut_points(job)


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Measure one item. Raises ItemFault for input that cannot be measured."""
    person = read_person(item)
    given = [name for name in ("water", "fat") if name in item.inputs]
    if len(given) == 1:
        lacking = "fat" if given == ["water"] else "water"
        raise ItemFault(f"is missing next to {given[0]}", where=f"input {lacking}", fix="give both images or neither")
    labels = read_labels(item, result)
    back = is_back(labels.values)
    if "levels" in item.inputs and "image" not in item.inputs and not (back and given):
        fix = "give the T2-weighted image too" + (", or water and fat" if back else "")
        raise ItemFault("are given without an image", where="input levels", fix=fix)
    if back:
        measure_back(item, labels, person, job, result)
        return
    anatomy = thigh_anatomy(labels, result)
    _measure_muscle(anatomy, person.height_m, result)
    _measure_sides(anatomy, result)
    regions = measure_fat_fraction(item, anatomy, job, result) if given else {}
    _write_measures(anatomy, regions, result)
    if "image" in item.inputs:
        measure_other(item, labels, other_structures(labels.values), job, result)


def _measure_muscle(anatomy: Anatomy, height_m: float | None, result: Result) -> None:
    """Volumes, total, index and posterior/anterior ratios."""
    volumes = {name: anatomy.volume(name) for name in anatomy.values}
    for name, volume in volumes.items():
        result.metric(f"volume_cm3.{name}", volume, "" if volume is not None else "no voxel")
    result.metric("muscles_present", sum(volumes.get(name) is not None for name in MUSCLES))
    total, reason = group_volume(volumes, MUSCLES)
    result.metric("tmv_cm3", total, reason)
    if total is None:
        result.warn(f"total muscle volume is undefined: {reason}")
    if height_m is None:
        reason = "fact height_m is not given"
    index = total / height_m**2 if total is not None and height_m is not None else None
    result.metric("tvi_cm3_per_m2", index, reason)
    result.metric("tvi_cm3_per_cm2", None if index is None else index / 1e4, reason)
    hamstrings, quadriceps = group_volume(volumes, HAMSTRINGS), group_volume(volumes, QUADRICEPS)
    result.metric("pa_ratio_hamstrings_quadriceps", *ratio(hamstrings, quadriceps))
    posterior, anterior = group_volume(volumes, POSTERIOR), group_volume(volumes, ANTERIOR)
    result.metric("pa_ratio_compartments", *ratio(posterior, anterior))


def _measure_sides(anatomy: Anatomy, result: Result) -> None:
    """Left and right volumes and asymmetry of the groups. Paper: lean mass by DEXA; here: volume by MRI."""
    volumes = {name: anatomy.volume(name) for name in anatomy.values}
    for group, members in SIDE_GROUPS.items():
        _, reason = group_volume(volumes, members)
        if not reason and anatomy.plane is None:
            reason = "left and right are not distinguished"
        if reason:
            for family in ("volume_left_cm3", "volume_right_cm3", "asymmetry_percent"):
                result.metric(f"{family}.{group}", None, reason)
            continue
        left, right = (sum(anatomy.volume(name, side) or 0.0 for name in members) for side in ("left", "right"))
        for side, volume in (("left", left), ("right", right)):
            result.metric(f"volume_{side}_cm3.{group}", volume or None, "" if volume else "no voxel on this side")
        result.metric(f"asymmetry_percent.{group}", *asymmetry_percent(left, right))
    if anatomy.plane is not None:
        plane = anatomy.plane
        result.details["midline"] = {"normal": plane.normal, "offset_mm": plane.offset_mm, "from": plane.source}


def _write_measures(anatomy: Anatomy, regions: Regions, result: Result) -> None:
    rows = [(name, side) for name in anatomy.values for side in anatomy.sides]
    columns: dict[str, list[Any]] = {
        "label": [anatomy.values[name] for name, _ in rows],
        "name": [name for name, _ in rows],
        "side": [side for _, side in rows],
        "volume_cm3": [anatomy.volume(name, side) for name, side in rows],
        "voxels": [anatomy.voxels(name, side) for name, side in rows],
    }
    if regions:
        columns["pdff_percent"] = [regions[row].ratio_of_sums for row in rows]
        columns["pdff_percent_mean"] = [regions[row].mean for row in rows]
        columns["pdff_percent_median"] = [regions[row].median for row in rows]
        columns["pdff_voxels"] = [regions[row].voxels for row in rows]
    write_table(result.file("measures", "measures.parquet"), columns)
