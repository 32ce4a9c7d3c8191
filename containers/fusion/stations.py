"""Stacks to stations: sorted from superior to inferior, the wanted ones chosen.

Rules, of which the paper (ukb_thigh, Methods) gives the first:
- stations are ordered from superior to inferior; of a repeated one `repeats` says what is kept;
- two stacks are the same station when both ends lie within SAME_STATION_MM: more than any jitter, less than
  any step of the table;
- contrasts of a station share their grid within SHARED_GRID_MM;
- neighbours must meet: a gap of more than MAX_GAP_SPACINGS slice distances is a missing station;
- neighbours that overlap by more than MAX_OVERLAP of the shorter one are not two stations of neck to knee.
"""

import itertools

import numpy as np

from containers.contract.errors import ItemFault
from containers.fusion.repeats import Place, resolve
from containers.fusion.stack import SAME_STATION_MM, Stack

SHARED_GRID_MM = 1.0
MAX_GAP_SPACINGS = 1.5
MAX_OVERLAP = 0.5
"""A repeat after the body or the table moved overlaps by more, stations of the protocol by about a tenth."""
NECK_TO_KNEE = 6
"""Stations of the neck-to-knee protocol: chest, abdomen, pelvis, hip, mid-thigh, thigh to knee."""
PELVIS_TO_KNEE = 4


def _same_place(a: Stack, b: Stack) -> bool:
    return bool(np.linalg.norm(a.ends_mm() - b.ends_mm(), axis=1).max() <= SAME_STATION_MM)


def arrange(named: dict[str, list[Stack]], contrasts: list[str]) -> list[Place]:
    """Stations from superior to inferior, each with one stack for every contrast.

    Raises ItemFault when a contrast is missing at a station or its grid differs from the others'.
    """
    places: list[Place] = []
    for name in contrasts:
        for stack in named[name]:
            place = next((p for p in places if any(_same_place(stack, s[0]) for s in p.stacks.values() if s)), None)
            if place is None:
                place = Place()
                places.append(place)
            place.stacks[name].append(stack)
    for place in places:
        found = [name for name in contrasts if place.stacks.get(name)]
        for name in contrasts:
            if name not in found:
                first = place.stacks[found[0]][0]
                others = [s for n, group in named.items() if n not in contrasts for s in group if _same_place(s, first)]
                unknown = f"; of unknown contrast there: {others[0].label}" if others else ""
                raise ItemFault(
                    f"has no {name} at its place ({', '.join(found)} only{unknown})",
                    where=first.label,
                    fix="fetch the complete study, correct the descriptions, or choose by parameter `contrasts`",
                )
    resolve(places, contrasts)
    for place in places:
        place.kept = {name: place.kept[name] for name in contrasts}
        for stack in place.kept.values():
            grid, shared = stack.geometry, place.first.geometry
            corners = np.array([[0, 0, 0], np.subtract(grid.size, 1)])
            if grid.size != shared.size or (
                np.abs(grid.position_mm(corners) - shared.position_mm(corners)).max() > SHARED_GRID_MM
            ):
                raise ItemFault(
                    f"lies on another grid than {place.first.label} of the same station (inconsistent matrix)",
                    where=stack.label,
                    fix="export both again from one acquisition",
                )
    return sorted(places, key=lambda p: -sum(p.first.z_range_mm()))


def select(places: list[Place], stations: str, dixon: bool) -> tuple[list[Place], list[str]]:
    """The stations asked for, and warnings. stations: `auto`, `pelvis_to_knee`, `all`, or numbers such as `3,4,5,6`.

    Numbers count from the most superior, from 1. `auto`: pelvis to knee (the four lowest) of a Dixon study with six
    stations, of which no neighbours overlap by more than half; five of six is a fault; any other number of stations is
    used whole, for Dixon with a warning.
    Raises ItemFault when stations are missing, unless they are left out by number.
    """
    count = len(places)
    warnings = []
    if stations == "pelvis_to_knee" or (stations == "auto" and dixon and count > PELVIS_TO_KNEE):
        if count != NECK_TO_KNEE:
            gap = next((text for a, b in itertools.pairwise(places) if (text := _gap(a, b))), "no gap inside")
            raise ItemFault(
                f"{count} stations found where neck to knee has {NECK_TO_KNEE} ({gap})",
                where=_span(places),
                fix="fetch the complete study, or choose stations by number or `all`",
            )
        for upper, lower in itertools.pairwise(places):
            if text := _overlap(upper, lower):
                raise ItemFault(
                    f"{text}: one of the two is a repeat that was moved, and a station is missing",
                    where=lower.first.label,
                    fix="fetch the complete study, or remove the repeat and choose stations by number or `all`",
                )
        chosen = places[-PELVIS_TO_KNEE:]
    elif stations in ("auto", "all"):
        chosen = places
        if dixon and stations == "auto":
            warnings.append(f"{count} stations found, not {NECK_TO_KNEE}: all are fused and the region is not checked")
    else:
        numbers = sorted({int(part) for part in stations.split(",")})
        if numbers[-1] > count:
            raise ItemFault(
                f"station {numbers[-1]} is asked for, {count} found", where=_span(places), fix="ask for others"
            )
        chosen = [places[number - 1] for number in numbers]
    for upper, lower in itertools.pairwise(chosen):
        if text := _overlap(upper, lower):
            warnings.append(f"{lower.first.label} {text}: both are fused")
        if gap := _gap(upper, lower):
            if stations in ("auto", "all", "pelvis_to_knee"):
                raise ItemFault(
                    f"a station is missing: {gap}",
                    where=f"below {upper.first.label}",
                    fix="fetch the complete study, or choose stations by number",
                )
            warnings.append(f"not covered, filled with 0: {gap}")
    return chosen, warnings


def _overlap(upper: Place, lower: Place) -> str:
    """In words, an overlap that two stations of neck to knee do not have; else empty."""
    (bottom, high), (low, top) = upper.first.z_range_mm(), lower.first.z_range_mm()
    shared, shorter = min(top, high) - bottom, min(top - low, high - bottom)
    if shared <= MAX_OVERLAP * shorter:
        return ""
    return f"overlaps {upper.first.label} by {shared:.1f} of {shorter:.1f} mm"


def _gap(upper: Place, lower: Place) -> str:
    top, bottom = lower.first.z_range_mm()[1], upper.first.z_range_mm()[0]
    if bottom - top <= MAX_GAP_SPACINGS * upper.first.geometry.spacing_mm[2]:
        return ""
    return f"gap of {bottom - top:.0f} mm from z {bottom:.0f} to {top:.0f} mm"


def _span(places: list[Place]) -> str:
    return f"stations from z {places[0].first.z_range_mm()[1]:.0f} to {places[-1].first.z_range_mm()[0]:.0f} mm"
