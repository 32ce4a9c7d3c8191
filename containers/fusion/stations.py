"""Stacks to stations: repeats resolved, sorted from superior to inferior, the wanted ones chosen.

Rules, of which the paper (ukb_thigh, Methods) gives the first two:
- stations are ordered from superior to inferior; of a repeated one the latest by SeriesTime is kept;
- two stacks are the same station when both ends lie within SAME_STATION_MM: more than any jitter, less than
  any step of the table;
- "latest" is by SeriesDate and SeriesTime. Where a date is missing only the time of day counts, on a circle of
  24 hours that is cut at its longest pause, so that a repeat just after midnight is the later one;
- a repeat differs from the older one in SeriesTime and not in echo time: else two contrasts bear one name;
- all contrasts of a station come from one acquisition: the latest that has every contrast. Series belong to one
  acquisition when they follow each other within ACQUISITION_GAP_S and no contrast comes twice;
- contrasts of a station share their grid within SHARED_GRID_MM;
- neighbours must meet: a gap of more than MAX_GAP_SPACINGS slice distances is a missing station;
- neighbours that overlap by more than MAX_OVERLAP of the shorter one are no two stations of neck to knee.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from containers.contract.errors import ItemFault
from containers.fusion.stack import Stack

SAME_STATION_MM = 5.0
SHARED_GRID_MM = 1.0
MAX_GAP_SPACINGS = 1.5
MAX_OVERLAP = 0.5
"""A repeat after the body or the table moved overlaps by more, stations of the protocol by about a tenth."""
ACQUISITION_GAP_S = 10.0
"""The contrasts of one acquisition are made at once; two breath-holds of Dixon start further apart than this."""
NECK_TO_KNEE = 6
"""Stations of the neck-to-knee protocol: chest, abdomen, pelvis, hip, mid-thigh, thigh to knee."""
PELVIS_TO_KNEE = 4
DAY_S = 86_400.0


@dataclass
class Repeat:
    """One acquisition at a station."""

    stacks: dict[str, Stack]
    """Its stacks, by contrast."""
    time_s: float
    """Seconds since the earliest acquisition there."""
    complete: bool
    """Whether it has every contrast."""


@dataclass
class Place:
    """All stacks at one station."""

    stacks: dict[str, list[Stack]] = field(default_factory=lambda: defaultdict(list))
    """The stacks of each contrast."""
    kept: dict[str, Stack] = field(default_factory=dict)
    """The one stack of each contrast that is used; filled by `arrange`."""
    repeats: list[Repeat] = field(default_factory=list)
    """The acquisitions in order of time; empty where nothing is repeated."""
    warnings: list[str] = field(default_factory=list)
    """What the reader of the record should know."""

    @property
    def first(self) -> Stack:
        return next(iter(self.kept.values()))

    def is_kept(self, repeat: Repeat) -> bool:
        return any(self.kept.get(name) is stack for name, stack in repeat.stacks.items())

    def dropped(self) -> list[Stack]:
        """Repeats that were not kept."""
        return [s for name, group in self.stacks.items() for s in group if s is not self.kept[name]]

    def newer_dropped(self) -> int:
        """Complete repeats later than the kept one of their contrasts: 0, or the rule was broken."""
        return sum(
            other.time_s > repeat.time_s
            for repeat in filter(self.is_kept, self.repeats)
            for other in self.repeats
            if other.complete and other.stacks.keys() == repeat.stacks.keys()
        )


def _same_place(a: Stack, b: Stack) -> bool:
    return bool(np.linalg.norm(a.ends_mm() - b.ends_mm(), axis=1).max() <= SAME_STATION_MM)


def _seconds(stacks: list[Stack]) -> dict[int, float]:
    """Comparable acquisition times in seconds, by id of the stack."""
    for stack in stacks:
        if stack.header.acquired is None:
            raise ItemFault(
                "is repeated and has no SeriesTime that says which is the latest",
                where=stack.label,
                mend="remove the repeat that is not wanted",
            )
    moments = [stack.header.acquired for stack in stacks if stack.header.acquired is not None]
    if all(stack.header.dated for stack in stacks):
        start = min(moments)
        return {id(s): (m - start).total_seconds() for s, m in zip(stacks, moments, strict=True)}
    clock = [m.hour * 3600 + m.minute * 60 + m.second + m.microsecond / 1e6 for m in moments]
    times = sorted(clock)
    pauses = [(times[n] - times[n - 1]) % DAY_S if len(times) > 1 else 0.0 for n in range(len(times))]
    # Equal times leave a pause of 0; a single distinct time has no pause at all and starts anywhere.
    start_s = times[int(np.argmax(pauses))]
    return {id(s): (t - start_s) % DAY_S for s, t in zip(stacks, clock, strict=True)}


def _number(stack: Stack) -> int:
    return int(stack.header.series_number) if stack.header.series_number.isdigit() else 0


def _families(place: Place, contrasts: list[str]) -> list[list[str]]:
    """Contrasts that one acquisition yields together: those of Dixon, the echoes of one series."""
    dixon = [name for name in contrasts if not name.startswith("contrast.")]
    families = [dixon] if dixon else []
    for name in contrasts:
        if name.startswith("contrast."):
            series = {stack.header.series for stack in place.stacks[name]}
            others = families[1:] if dixon else families
            shared = (f for f in others if any(s.header.series in series for n in f for s in place.stacks[n]))
            family = next(shared, None)
            if family is None:
                families.append([name])
            else:
                family.append(name)
    return families


def _repeats(place: Place, family: list[str], times: dict[int, float]) -> list[Repeat]:
    """The stacks of a family by acquisition, in order of time."""
    ordered = sorted(
        ((times[id(stack)], _number(stack), name, stack) for name in family for stack in place.stacks[name]),
        key=lambda entry: entry[:3],
    )
    repeats: list[Repeat] = []
    last = 0.0
    for time, _, name, stack in ordered:
        if not repeats or time - last > ACQUISITION_GAP_S or name in repeats[-1].stacks:
            repeats.append(Repeat({}, time, False))
        repeats[-1].stacks[name] = stack
        repeats[-1].complete = len(repeats[-1].stacks) == len(family)
        last = time
    return repeats


def _refuse_lookalikes(place: Place, family: list[str], times: dict[int, float]) -> None:
    for name in family:
        for a, b in itertools.combinations(place.stacks[name], 2):
            if times[id(a)] != times[id(b)] and a.header.echo_time_ms == b.header.echo_time_ms:
                continue
            short = name.removeprefix("contrast.")
            if a.header.series == b.header.series:
                raise ItemFault(
                    f"holds two acquisitions of {short} at one place",
                    where=a.label,
                    mend="export each acquisition as a series of its own, or leave one out",
                )
            raise ItemFault(
                f"shows {short} at the place of {b.label}, and is no later repeat of it (wrong contrast names)",
                where=a.label,
                mend="correct the series descriptions (_in, _opp, _F, _W)",
            )


def _lacks(repeat: Repeat, family: list[str]) -> str:
    """The repeat's series and what it lacks, in words."""
    numbers = ", ".join(stack.header.series_number or "?" for stack in repeat.stacks.values())
    lost = ", ".join(name.removeprefix("contrast.") for name in family if name not in repeat.stacks)
    return f"series {numbers} without {lost}"


def _resolve(place: Place, family: list[str]) -> None:
    """Keep one stack for every contrast of a family: the latest acquisition that has all of them."""
    stacks = [stack for name in family for stack in place.stacks[name]]
    if len(stacks) == len(family):
        place.kept |= {name: place.stacks[name][0] for name in family}
        if all(s.header.acquired for s in stacks) and len(parts := _repeats(place, family, _seconds(stacks))) > 1:
            apart = "; ".join(_lacks(part, family) for part in parts)
            place.warnings.append(f"{stacks[0].label}: its station comes from {len(parts)} acquisitions ({apart})")
        return
    times = _seconds(stacks)
    _refuse_lookalikes(place, family, times)
    repeats = _repeats(place, family, times)
    complete = [repeat for repeat in repeats if repeat.complete]
    if not complete:
        raise ItemFault(
            f"none of the {len(repeats)} repeats of its station has every contrast "
            f"({'; '.join(_lacks(repeat, family) for repeat in repeats)})",
            where=next(iter(repeats[-1].stacks.values())).label,
            mend="fetch the series that are missing, or remove all repeats but one and choose by parameter `contrasts`",
        )
    latest = max(complete, key=lambda repeat: repeat.time_s)
    place.kept |= {name: latest.stacks[name] for name in family}
    place.repeats += repeats
    place.warnings += [
        f"a later repeat is incomplete and was dropped: {_lacks(repeat, family)}"
        for repeat in repeats
        if repeat.time_s > latest.time_s and not repeat.complete
    ]


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
                    mend="fetch the complete study, correct the descriptions, or choose by parameter `contrasts`",
                )
        for family in _families(place, contrasts):
            _resolve(place, family)
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
                    mend="export both anew from one acquisition",
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
                mend="fetch the complete study, or choose stations by number or `all`",
            )
        for upper, lower in itertools.pairwise(places):
            if text := _overlap(upper, lower):
                raise ItemFault(
                    f"{text}: one of the two is a repeat that was moved, and a station is missing",
                    where=lower.first.label,
                    mend="fetch the complete study, or remove the repeat and choose stations by number or `all`",
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
                f"station {numbers[-1]} is asked for, {count} found", where=_span(places), mend="ask for others"
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
                    mend="fetch the complete study, or choose stations by number",
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
