"""One item of the composition stage: read, check, measure, write.

A label map of the back is measured by `back`, any other as a thigh. Volumes come from the label map on its own grid,
fat fraction from water and fat on theirs, InterMAT from a T2-weighted image. What cannot be measured is None with the
reason, never 0 and never infinite; what can be measured and may mislead is qualified.
"""

from collections.abc import Mapping
from typing import Any

from containers.composition.anatomy import Anatomy, Labels, members_of, read_labels, thigh_anatomy
from containers.composition.back import measure_back, measure_other
from containers.composition.extent import Extent, extent_of
from containers.composition.facts import read_person
from containers.composition.goutallier import cut_points
from containers.composition.pdff import Regions, measure_fat_fraction
from containers.composition.plausible import check_orientation, check_sides, cut_off
from containers.composition.qualify import qualify
from containers.composition.structures import BACK, region_of
from containers.composition.volumes import asymmetry_percent, group_volume, ratio
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.check import check_body
from containers.toolkit.images.doubts import Doubt, read_doubts
from containers.toolkit.images.labels import ANTERIOR, HAMSTRINGS, MUSCLES, POSTERIOR, QUADRICEPS
from containers.toolkit.images.names.table import listed
from containers.toolkit.tables.table import write_table

SIDE_GROUPS = {"total": MUSCLES, "quadriceps": QUADRICEPS, "hamstrings": HAMSTRINGS}
WHOLES = {QUADRICEPS: "quadriceps_femoris", HAMSTRINGS: "thigh_posterior_compartment"}
"""Groups that other tools give as one structure (TotalSegmentator's thigh muscles)."""


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
    labels = read_labels(item, job.parameters["names"], result)
    back = region_of(labels.names, job.parameters["region"]) == "back"
    if "levels" in item.inputs and "image" not in item.inputs and not (back and given):
        fix = "give the T2-weighted image too" + (", or water and fat" if back else "")
        raise ItemFault("are given without an image", where="input levels", fix=fix)
    where = item.inputs["labels"].name
    check_body(labels.geometry, where, small=labels.cropped)
    with result.step("plausibility"):
        extent = extent_of(labels.data, labels.geometry)
        check_sides(labels, extent, where)
        check_orientation(members_of(labels.names), extent, where)
    doubts = read_doubts(labels.facts)
    for doubt in doubts:
        result.warn(f"from the labels: {doubt.text}{': ' * bool(doubt.structures)}{listed(doubt.structures)}")
    if back:
        muscles = {name: (label,) for name, label in labels.values.items() if name in BACK}
        doubts += _cut(muscles, extent, result)
        _name_unmeasured(labels, {label for one in muscles.values() for label in one}, "a back", result)
        doubts += measure_back(item, labels, person, job, result)
        qualify(result, doubts)
        return
    anatomy = thigh_anatomy(labels, extent, result)
    measured = {label for members in anatomy.members.values() for label in members}
    if not any(labels.voxels[label] for label in measured):
        fix = "give labels of muscles, or map their names by parameter names"
        raise ItemFault(f"has no muscle: {listed(labels.values)}", where=where, fix=fix)
    _name_unmeasured(labels, measured, "a thigh", result)
    doubts += _cut(anatomy.members, extent, result)
    _measure_muscle(anatomy, person.height_m, result)
    _measure_sides(anatomy, result)
    regions: Regions = {}
    if given:
        regions, found = measure_fat_fraction(item, anatomy, job, result)
        doubts += found
    _write_measures(anatomy, regions, result)
    if "image" in item.inputs:
        doubts += measure_other(item, labels, anatomy, job, result)
    qualify(result, doubts)


def _cut(structures: Mapping[str, tuple[int, ...]], extent: Extent, result: Result) -> list[Doubt]:
    """The doubt of what the field of view cuts off, and a warning that names it."""
    cut = cut_off(structures, extent)
    if not cut:
        return []
    result.warn(f"end at the edge of the field of view, so that their volumes may lack a part: {listed(cut)}")
    return [Doubt("ends at the edge of the field of view", cut, "volume")]


def _name_unmeasured(labels: Labels, measured: set[int], region: str, result: Result) -> None:
    """Say which known labels with voxels are not part of what is measured."""
    names = {label: name.full for label, name in labels.names.items() if label not in measured and labels.voxels[label]}
    result.details["not_measured"] = {name: labels.voxels[label] for label, name in names.items()}
    if names:
        there = listed(labels.names[label].full for label in sorted(measured) if labels.voxels[label])
        result.warn(
            f"measured as {region} by {there or 'nothing'}; known and not measured: {len(names)} labels,"
            f" {listed(names.values())} (parameter region, details.not_measured)"
        )


def _measure_muscle(anatomy: Anatomy, height_m: float | None, result: Result) -> None:
    """Volumes, total, index and posterior/anterior ratios."""
    volumes = {name: anatomy.volume(name) for name in anatomy.members}
    for name, volume in volumes.items():
        result.metric(f"volume_cm3.{name}", volume, "" if volume is not None else "no voxel")
    result.metric("muscles_present", sum(volumes.get(name) is not None for name in MUSCLES))
    total, reason = group_volume(volumes, MUSCLES)
    if anatomy.only_side is not None:
        total, reason = None, f"one leg only ({anatomy.only_side})"
    # What is not parted may be one leg, whose muscles are not the total of two.
    unsure = [] if all(anatomy.parted(name) for name in anatomy.members) else ["left and right are not distinguished"]
    result.metric("tmv_cm3", total, reason, unsure if total is not None else [])
    if total is None:
        result.warn(f"total muscle volume is undefined: {reason}")
    if height_m is None:
        reason = "fact height_m is not given"
    index = total / height_m**2 if total is not None and height_m is not None else None
    unsure = unsure if index is not None else []
    result.metric("tvi_cm3_per_m2", index, reason, unsure)
    result.metric("tvi_cm3_per_cm2", None if index is None else index / 1e4, reason, unsure)
    hamstrings, quadriceps = (_group(volumes, group) for group in (HAMSTRINGS, QUADRICEPS))
    result.metric("pa_ratio_hamstrings_quadriceps", *ratio(hamstrings, quadriceps))
    posterior, anterior = group_volume(volumes, POSTERIOR), group_volume(volumes, ANTERIOR)
    result.metric("pa_ratio_compartments", *ratio(posterior, anterior))


def _group(volumes: dict[str, float | None], group: tuple[str, ...]) -> tuple[float | None, str]:
    """Volume of a group by its members, or as the one structure that some tools give for it."""
    whole = volumes.get(WHOLES.get(group, ""))
    if whole is not None and not any(volumes.get(name) is not None for name in group):
        return whole, ""
    return group_volume(volumes, group)


def _measure_sides(anatomy: Anatomy, result: Result) -> None:
    """Left and right volumes and asymmetry of the groups. Paper: lean mass by DEXA; here: volume by MRI."""
    volumes = {name: anatomy.volume(name) for name in anatomy.members}
    for group, members in SIDE_GROUPS.items():
        _, reason = group_volume(volumes, members)
        if not reason and not all(anatomy.parted(name) for name in members):
            reason = "left and right are not distinguished"
        if reason:
            for family in ("volume_left_cm3", "volume_right_cm3", "asymmetry_percent"):
                result.metric(f"{family}.{group}", None, reason)
            continue
        left, right = (sum(anatomy.volume(name, side) or 0.0 for name in members) for side in ("left", "right"))
        for side, volume in (("left", left), ("right", right)):
            reason = "" if volume else "no voxel on this side"
            result.metric(f"volume_{side}_cm3.{group}", volume or None, reason, anatomy.side_doubts if volume else [])
        if anatomy.only_side is not None:
            result.metric(f"asymmetry_percent.{group}", None, f"one leg only ({anatomy.only_side})")
        else:
            result.metric(f"asymmetry_percent.{group}", *asymmetry_percent(left, right))
    if anatomy.plane is not None:
        plane = anatomy.plane
        result.details["midline"] = {"normal": plane.normal, "offset_mm": plane.offset_mm, "from": plane.source}


def _write_measures(anatomy: Anatomy, regions: Regions, result: Result) -> None:
    rows = anatomy.rows()
    columns: dict[str, list[Any]] = {
        # A structure of several labels has none of its own.
        "label": [anatomy.written[m[0]] if len(m := anatomy.members[name]) == 1 else None for name, _ in rows],
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
