"""Volumes, InterMAT, lean volume and lean muscle mass of the back muscles; InterMAT of any other labelled muscle."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from containers.composition.anatomy import Anatomy, Labels, members_of
from containers.composition.facts import Person
from containers.composition.intermat import Regions, measure_intermat
from containers.composition.lmm import measure_lmm
from containers.composition.structures import AUTOCHTHON, BOTH_SIDES, Structures, back_structures, check_back
from containers.composition.tissue import WHOLE
from containers.composition.volumes import asymmetry_percent
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.doubts import Doubt
from containers.toolkit.images.labels import AUTOCHTHONOUS, SPINE_LABELS
from containers.toolkit.images.names.table import Name
from containers.toolkit.tables.table import write_table

Defined = tuple[float | None, str]
"""A value, or None with the reason."""


@dataclass(frozen=True)
class Volumes:
    """Volumes of the labels, which make up structures."""

    by_label: dict[int, float]
    """Volume in cm3 of each label, by value."""
    names: dict[int, str]
    """Name of each label, by value."""

    def of(self, labels: tuple[int, ...]) -> Defined:
        """A structure's volume; None with the labels that have no voxel."""
        lacking = [self.names[value] for value in labels if not self.by_label[value]]
        if lacking:
            return None, f"no voxel of {', '.join(lacking)}"
        return sum(self.by_label[value] for value in labels), ""


def measure_back(item: Item, labels: Labels, person: Person, job: Job, result: Result) -> list[Doubt]:
    """Measure the back muscles; return what is doubtful of the image.

    Raises ItemFault for classes that overlap, and as `measure_intermat` does.
    """
    check_back(labels.values)
    structures = back_structures(labels.values)
    volumes = _volumes(labels)
    for name, values in structures.items():
        result.metric(f"volume_cm3.{name}", *volumes.of(values))
    whole = _whole(labels.values, volumes)
    result.metric("volume_cm3", *whole)
    _asymmetry(volumes, structures, result)
    if "image" not in item.inputs:
        result.warn("InterMAT and lean muscle mass are not measured: no input image")
        _write_rows({}, structures, volumes, result)
        return []
    regions, reason, doubts = measure_intermat(item, labels, structures, job, result)
    for name, values in structures.items():
        _region_metrics(f".{name}", name, volumes.of(values), regions, reason, result)
    _region_metrics("", WHOLE, whole, regions, reason, result)
    _levels(item, regions, reason, result)
    lean = result.metrics["lean_volume_cm3"]
    measure_lmm(whole[0], lean.value, whole[1] or lean.note, person, result)
    _write_rows(regions, structures, volumes, result)
    return doubts


def measure_other(item: Item, labels: Labels, anatomy: Anatomy, job: Job, result: Result) -> list[Doubt]:
    """InterMAT and lean volume of each labelled muscle, and of all. Returns and raises as `measure_intermat` does."""
    muscles = members_of(labels.names, ("muscle",))
    structures: Structures = {name: (members[0],) for name, members in muscles.items()}
    names = {members[0]: Name(name, None, "muscle") for name, members in muscles.items()}
    labels = replace(labels, data=anatomy.merged(labels.data), names=names)
    volumes = _volumes(labels)
    regions, reason, doubts = measure_intermat(item, labels, structures, job, result)
    for name, values in structures.items():
        _region_metrics(f".{name}", name, volumes.of(values), regions, reason, result)
    result.metric("intermat_percent", *_intermat(WHOLE, (None, ""), regions, reason))
    _levels(item, regions, reason, result)
    return doubts


def _volumes(labels: Labels) -> Volumes:
    counts = np.bincount(labels.data.reshape(-1), minlength=256)
    names = {value: name for name, value in labels.values.items()}
    return Volumes({value: float(counts[value]) * labels.geometry.voxel_cm3 for value in names}, names)


def _whole(values: dict[str, int], volumes: Volumes) -> Defined:
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


def _asymmetry(volumes: Volumes, structures: Structures, result: Result) -> None:
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


def _write_rows(regions: Regions, structures: Structures, volumes: Volumes, result: Result) -> None:
    """One row per structure, per level, and for all of them."""
    names = list(dict.fromkeys([*structures, *regions]))
    counted = {name: volumes.of(values)[0] for name, values in structures.items()}
    columns: dict[str, list[Any]] = {
        "name": names,
        "volume_cm3": [regions[n].volume or None if n in regions else counted[n] for n in names],
        "lean_volume_cm3": [regions[n].lean if n in regions else None for n in names],
        "intermat_percent": [regions[n].intermat if n in regions else None for n in names],
        "voxels": [regions[n].voxels if n in regions else None for n in names],
    }
    write_table(result.file("measures", "measures.parquet"), columns)
