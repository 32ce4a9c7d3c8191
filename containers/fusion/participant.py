"""One participant from DICOM to one volume per contrast: the steps in order, and what the record says of them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.fusion import backends
from containers.fusion.contrasts import choose, name_stacks
from containers.fusion.dicom_source import Image, read_images
from containers.fusion.grid import global_grid
from containers.fusion.groups import Group, group_images
from containers.fusion.repeats import Place
from containers.fusion.seam_doubts import doubts_of
from containers.fusion.seams import AXES, Agreement, compare
from containers.fusion.stack import Stack, build_stack
from containers.fusion.stations import arrange, select
from containers.toolkit.images.check import check_body
from containers.toolkit.images.doubts import Doubt, doubts_fact
from containers.toolkit.images.volume import Geometry, Volume
from containers.toolkit.images.writing import ImageWriter

SEAMS_SCHEMA_VERSION = "1.0"
UNITS = "a.u."
"""Kept in NRRD's own field `sample units`; its field `units` would be those of the axes."""


def fuse_participant(item: Item, job: Job, backend: str, result: Result) -> None:
    """Read the item's folder or zip, fuse every wanted contrast on one grid, write volumes and seam report.

    Raises ItemFault with the file or series when the input cannot be fused.
    """
    with result.step("read"):
        study = read_images(item.inputs["dicom"], job.resources.threads)
    with result.step("sort"), _with_cause(study.left_out):
        groups = name_stacks(_groups(study.images, result))
        contrasts = choose(groups, job.parameters["contrasts"])
        named, repeated = _stacks(groups, contrasts, result)
        dixon = not contrasts[0].startswith("contrast.")
        found = arrange(named, contrasts)
        places, warnings = select(found, job.parameters["stations"], dixon)
    for line in (
        *study.left_out,
        *study.ignored_files(),
        *warnings,
        *(line for place in places for line in _warnings(place)),
    ):
        result.warn(line)
    if len({place.first.header.frame_of_reference for place in places}) > 1:
        result.warn("stations have different frames of reference: their positions are taken as they are")
    numbers = [found.index(place) + 1 for place in places]
    grid = global_grid(
        [place.first.geometry for place in places], job.parameters["spacing_mm"], job.resources.memory_bytes
    )
    check_body(grid, "study", small=True)
    writer = ImageWriter.of(item, job, result)
    agreements, doubts = _volumes(places, numbers, contrasts, grid, job, backend, writer)
    for doubt in doubts:
        result.warn(doubt.text)
    _report_seams(places, numbers, agreements, result)
    dropped = [stack for place in places for stack in place.dropped()]
    result.metric("stations", len(places))
    result.metric("duplicates_resolved", len(dropped))
    result.metric("duplicates_newer_dropped", sum(place.newer_dropped() for place in places))
    result.metric("repeated_slices_dropped", repeated)
    for axis, name in enumerate(("left_right", "anterior_posterior", "superior_inferior")):
        result.metric(f"extent_mm.{name}", round((grid.size[axis] - 1) * grid.spacing_mm[axis], 4))
    for axis, name in enumerate(AXES):
        result.metric(f"origin_mm.{name}", round(grid.origin_mm[axis], 6))
        result.metric(f"spacing_mm.{name}", round(grid.spacing_mm[axis], 6))
    result.details |= {
        "backend": backend,
        "contrasts": contrasts,
        "contrasts_found": sorted(groups),
        "grid": {"size": list(grid.size), "spacing_mm": list(grid.spacing_mm), "origin_mm": list(grid.origin_mm)},
        "stations": [_describe(number, place) for number, place in zip(numbers, places, strict=True)],
        "stations_found": len(found),
        "dropped_repeats": sorted(stack.label for stack in dropped),
        "files_read": len(study.images),
        "files_that_are_no_images": len(study.ignored),
    }


@contextmanager
def _with_cause(left_out: list[str]) -> Iterator[None]:
    """What was left out while reading joins a fault of what remains: it may be what is missing."""
    try:
        yield
    except ItemFault as fault:
        if not left_out:
            raise
        raise ItemFault(f"{fault.what} ({'; '.join(left_out)})", where=fault.where, fix=fault.fix) from fault


def _groups(images: list[Image], result: Result) -> list[Group]:
    groups = group_images(images)
    for group in groups:
        if len(group.images) == 1:
            result.warn(f"{group.label} has a single slice and is left out")
    several = [group for group in groups if len(group.images) > 1]
    if not several:
        raise ItemFault("no series has two slices", where="study", fix="give the complete series")
    return several


def _stacks(groups: dict[str, list[Group]], contrasts: list[str], result: Result) -> tuple[dict[str, list[Stack]], int]:
    """All stacks by contrast, and how many repeated slices were dropped. A fault of an unwanted series is a warning."""
    named: dict[str, list[Stack]] = {}
    repeated = 0
    for name, members in groups.items():
        named[name] = []
        for group in members:
            try:
                stack, dropped = build_stack(group.images)
            except ItemFault as fault:
                if name in contrasts:
                    raise
                result.warn(f"{fault.where} {fault.what}: it is not asked for and is left out")
                continue
            if dropped:
                result.warn(f"{stack.label}: {dropped} repeated identical slices were dropped")
            repeated += dropped
            named[name].append(stack)
    return named, repeated


def _warnings(place: Place) -> list[str]:
    return [*place.warnings, *(line for stack in place.kept.values() for line in stack.warnings)]


def _volumes(
    places: list[Place],
    numbers: list[int],
    contrasts: list[str],
    grid: Geometry,
    job: Job,
    backend: str,
    writer: ImageWriter,
) -> tuple[dict[str, list[Agreement]], list[Doubt]]:
    """Fuse and write one contrast after the other in the same memory; returns each contrast's seams, and their doubts.

    A file carries the doubts of its own seams and those of the reference, which shifts are read from: it goes first.
    """
    reference = "in_phase" if "in_phase" in contrasts else contrasts[0]
    threads, device = job.resources.threads, job.resources.device
    agreements: dict[str, list[Agreement]] = {}
    result = writer.result
    out: npt.NDArray[np.float32] = np.empty(grid.shape, np.float32)
    for contrast in sorted(contrasts, key=lambda name: name != reference):
        with result.step("stack"):
            stations = [place.kept[contrast].station() for place in places]
        with result.step("fuse"):
            backends.fuse(stations, grid, backend, threads=threads, device=device, out=out)
        with result.step("seams"):
            agreements[contrast] = [
                compare(upper, lower, threads, with_shift=contrast == reference)
                for upper, lower in itertools.pairwise(stations)
            ]
        with result.step("write"):
            header = places[0].kept[contrast].header
            name = contrast.removeprefix("contrast.")
            facts = {"contrast": name, "sample units": UNITS, "modality": header.modality or "MR"}
            if header.echo_time_ms is not None:
                facts["echo_time_ms"] = f"{header.echo_time_ms:g}"
            facts |= doubts_fact(doubts_of({n: agreements[n] for n in {reference: 0, contrast: 0}}, numbers))
            writer.volume(contrast, Volume(out, grid, facts))
    agreements = {contrast: agreements[contrast] for contrast in contrasts}
    return agreements, doubts_of(agreements, numbers)


def _report_seams(
    places: list[Place], numbers: list[int], agreements: dict[str, list[Agreement]], result: Result
) -> None:
    pairs = []
    for index, (upper, lower) in enumerate(itertools.pairwise(places)):
        pair = f"{numbers[index]}_{numbers[index + 1]}"
        overlap = round(lower.first.z_range_mm()[1] - upper.first.z_range_mm()[0], 4)
        result.metric(f"seam_overlap_mm.{pair}", overlap)
        for contrast, seams in agreements.items():
            name, seam = contrast.removeprefix("contrast."), seams[index]
            why = "stations do not overlap" if seam.voxels == 0 else "constant values in the overlap"
            result.metric(
                f"seam_correlation.{name}.{pair}", seam.correlation, "" if seam.correlation is not None else why
            )
            result.metric(f"seam_gain.{name}.{pair}", seam.gain, "" if seam.gain is not None else why)
            for axis, whole in seam.best_shift_voxels.items():
                if whole is not None:
                    result.metric(f"seam_best_shift_voxels.{axis}.{pair}", whole)
                    result.metric(f"seam_shift_mm.{axis}.{pair}", seam.shift_mm[axis])
        pairs.append(
            {
                "upper": numbers[index],
                "lower": numbers[index + 1],
                "overlap_mm": overlap,
                "overlap_z_mm": [round(upper.first.z_range_mm()[0], 4), round(lower.first.z_range_mm()[1], 4)],
                "contrasts": {c.removeprefix("contrast."): seams[index].as_json() for c, seams in agreements.items()},
            }
        )
    correlations = [s.correlation for seams in agreements.values() for s in seams if s.correlation is not None]
    result.metric("seam_correlation_min", min(correlations, default=None), "" if correlations else "no overlap")
    write_json(result.file("seams", "seams.json"), {"schema_version": SEAMS_SCHEMA_VERSION, "pairs": pairs})


def _describe(number: int, place: Place) -> dict[str, Any]:
    low, high = place.first.z_range_mm()
    return {
        "number": number,
        "z_mm": [round(low, 4), round(high, 4)],
        "size": list(place.first.geometry.size),
        "spacing_mm": [round(s, 6) for s in place.first.geometry.spacing_mm],
        "series": {name.removeprefix("contrast."): stack.label for name, stack in place.kept.items()},
        "repeats": [
            {
                "series_numbers": {n.removeprefix("contrast."): s.header.series_number for n, s in r.stacks.items()},
                "seconds_after_first": round(r.time_s, 3),
                "complete": r.complete,
                "kept": place.is_kept(r),
            }
            for r in place.repeats
        ],
    }
