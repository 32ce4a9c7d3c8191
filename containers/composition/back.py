"""Volumes, fat fraction, areas, InterMAT, lean volume and lean muscle mass of the back muscles; InterMAT of any other
labelled muscle."""

from dataclasses import dataclass, replace

import numpy as np

from containers.composition.anatomy import Anatomy, Labels, members_of
from containers.composition.areas import Areas, measure_areas
from containers.composition.back_fat import Found, MuscleFat, measure_back_fat
from containers.composition.back_table import back_rows
from containers.composition.facts import Person
from containers.composition.intermat import Intermat, Regions, measure_intermat
from containers.composition.levels import Level, read_levels
from containers.composition.lmm import measure_lmm
from containers.composition.structures import AUTOCHTHON, BACK, BOTH_SIDES, Structures, back_structures, check_back
from containers.composition.tissue import WHOLE
from containers.composition.volumes import Defined, LabelVolumes, asymmetry_percent
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.doubts import Doubt
from containers.toolkit.images.labels import AUTOCHTHONOUS, SPINE_LABELS
from containers.toolkit.images.names.table import Name
from containers.toolkit.tables.table import write_table


@dataclass(frozen=True)
class Back:
    """The labels of a back, as all its measures need them."""

    labels: Labels
    """The label map."""
    structures: Structures
    """Labels of each structure, without the whole."""
    volumes: LabelVolumes
    """Volume of each label."""
    whole: Defined
    """Volume of all back muscles of both sides in cm3."""
    levels: list[Level]
    """Spinal levels; empty where none are given."""

    @property
    def with_whole(self) -> Structures:
        """The structures and the whole: all labels of the back."""
        values = self.labels.values
        return {**self.structures, WHOLE: tuple(value for name, value in values.items() if name in BACK)}


def measure_back(item: Item, labels: Labels, person: Person, job: Job, result: Result) -> list[Doubt]:
    """Measure the back muscles; return what is doubtful of the images.

    Raises ItemFault for classes that overlap, and as `measure_intermat` and `measure_back_fat` do.
    """
    check_back(labels.values)
    doubts: list[Doubt] = []
    volumes = _volumes(labels)
    levels = _read_levels(item)
    back = Back(labels, back_structures(labels.values), volumes, _whole(labels.values, volumes), levels)
    for name, values in back.structures.items():
        result.metric(f"volume_cm3.{name}", *volumes.of(values))
    result.metric("volume_cm3", *back.whole)
    _asymmetry(volumes, back.structures, result)
    fat: MuscleFat | None = None
    fractions: Found = {}
    if "water" in item.inputs:
        structures = back.with_whole
        fat, fractions, found = measure_back_fat(item, labels, structures, volumes, back.whole, levels, job, result)
        doubts += found
    intermat: Intermat | None = None
    if "image" in item.inputs:
        intermat = _measure_intermat(item, back, person, job, result)
        doubts += intermat.doubts
    else:
        result.warn("InterMAT and lean muscle mass are not measured: no input image")
    areas = _areas(back, fat, intermat, job, result)
    rows = back_rows(back.structures, volumes, intermat.regions if intermat else {}, fractions, areas, job)
    write_table(result.file("measures", "measures.parquet"), rows)
    return doubts


def _measure_intermat(item: Item, back: Back, person: Person, job: Job, result: Result) -> Intermat:
    """InterMAT, lean volumes and lean muscle mass."""
    found = measure_intermat(item, back.labels, back.structures, back.levels, job, result)
    regions, reason = found.regions, found.reason
    for name, values in back.structures.items():
        _region_metrics(f".{name}", name, back.volumes.of(values), regions, reason, result)
    _region_metrics("", WHOLE, back.whole, regions, reason, result)
    _levels(item, regions, reason, result)
    lean = result.metrics["lean_volume_cm3"]
    measure_lmm(back.whole[0], lean.value, back.whole[1] or lean.note, person, result)
    return found


def _areas(back: Back, fat: MuscleFat | None, intermat: Intermat | None, job: Job, result: Result) -> Areas:
    """Cross-sectional areas by level, functional ones by water and fat, or else by the image; none without levels."""
    if not back.levels:
        return {}
    structures = back.with_whole
    lacking = {name: back.volumes.of(values)[1] for name, values in structures.items()} | {WHOLE: back.whole[1]}
    lean, no_lean, source = None, "no input image, nor water and fat", "nothing"
    if fat is not None:
        lean, no_lean, source = fat.lean_share, "", "fat fraction of water and fat"
    elif intermat is not None:
        source = f"InterMAT of the image by class_rule {job.parameters['class_rule']}"
        lean, no_lean = intermat.lean_share, intermat.reason
    result.details["functional_area"] = {"fat_from": source}
    with result.step("areas"):
        return measure_areas(back.labels, structures, lacking, back.levels, lean, no_lean, result)


def measure_other(item: Item, labels: Labels, anatomy: Anatomy, job: Job, result: Result) -> list[Doubt]:
    """InterMAT and lean volume of each labelled muscle, and of all; return what is doubtful of the image.

    Raises as `measure_intermat` does.
    """
    muscles = members_of(labels.names, ("muscle",))
    structures: Structures = {name: (members[0],) for name, members in muscles.items()}
    names = {members[0]: Name(name, None, "muscle") for name, members in muscles.items()}
    labels = replace(labels, data=anatomy.merged(labels.data), names=names)
    volumes = _volumes(labels)
    found = measure_intermat(item, labels, structures, _read_levels(item), job, result)
    for name, values in structures.items():
        _region_metrics(f".{name}", name, volumes.of(values), found.regions, found.reason, result)
    result.metric("intermat_percent", *_intermat(WHOLE, (None, ""), found.regions, found.reason))
    _levels(item, found.regions, found.reason, result)
    return list(found.doubts)


def _read_levels(item: Item) -> list[Level]:
    return read_levels(item.inputs["levels"]) if "levels" in item.inputs else []


def _volumes(labels: Labels) -> LabelVolumes:
    counts = np.bincount(labels.data.reshape(-1), minlength=256)
    names = {value: name for name, value in labels.values.items()}
    return LabelVolumes({value: float(counts[value]) * labels.geometry.voxel_cm3 for value in names}, names)


def _whole(values: dict[str, int], volumes: LabelVolumes) -> Defined:
    """Volume of all back muscles of both sides. A label that is not declared is missing like one without voxels."""
    sets: tuple[tuple[str, ...], ...] = (
        tuple(SPINE_LABELS.values()),
        tuple(AUTOCHTHONOUS),
        (AUTOCHTHON,),
        tuple(BOTH_SIDES),
    )
    wanted = next(names for names in sets if set(names) & set(values))
    if lacking := [name for name in wanted if name not in values]:
        return None, f"no label {', '.join(lacking)}"
    return volumes.of(tuple(values[name] for name in wanted))


def _asymmetry(volumes: LabelVolumes, structures: Structures, result: Result) -> None:
    """|L - R| / max(L, R) of the autochthonous muscles by volume."""
    sides = [volumes.of(structures[name]) if name in structures else (None, f"no {name}") for name in AUTOCHTHONOUS]
    (left, left_reason), (right, right_reason) = sides
    if left is None or right is None:
        result.metric("autochthon_asymmetry_percent", None, left_reason or right_reason)
    else:
        result.metric("autochthon_asymmetry_percent", *asymmetry_percent(left, right))


def _intermat(name: str, volume: Defined, regions: Regions, reason: str) -> Defined:
    """InterMAT of a region. volume: None, with its reason, where it is not all there."""
    if volume[1]:
        return None, volume[1]
    region = regions[name]
    if not region.voxels:
        return None, "no voxel"
    return region.intermat, reason or ("" if region.intermat is not None else "the rule leaves every voxel out")


def _region_metrics(suffix: str, name: str, volume: Defined, regions: Regions, reason: str, result: Result) -> None:
    """InterMAT and lean volume of a structure, or of all, whose name in `regions` is `name`."""
    intermat = _intermat(name, volume, regions, reason)
    result.metric(f"intermat_percent{suffix}", *intermat)
    lean = regions[name].lean if intermat[0] is not None else None
    result.metric(f"lean_volume_cm3{suffix}", lean, intermat[1])


def _levels(item: Item, regions: Regions, reason: str, result: Result) -> None:
    if "levels" not in item.inputs:
        result.details["levels"] = "not measured: no input levels"
        return
    for name, region in regions.items():
        if name.startswith("level_"):
            volume: Defined = (region.volume, "") if region.voxels else (None, "no voxel")
            result.metric(f"volume_cm3.{name}", *volume)
            _region_metrics(f".{name}", name, volume, regions, reason, result)
