"""Which acquisition and reconstruction of a station is used: one whole, never two mixed.

Rules, of which the paper (ukb_thigh, Methods) gives the first:
- of a repeated station the latest by SeriesTime is kept;
- "latest" is by SeriesDate and SeriesTime. Where a date is missing only the time of day counts, on a circle of
  24 hours that is cut at its longest pause, so that a repeat just after midnight is the later one;
- a repeat differs from the older one in SeriesTime and not in echo time: else two contrasts bear one name;
- all contrasts of a station come from one acquisition: the latest that has every contrast. Series belong to one
  acquisition when they follow each other within ACQUISITION_GAP_S and no contrast comes twice, or by the next rule;
- AcquisitionTime with AcquisitionNumber tells acquisitions apart where each value stands for one whole acquisition;
- of several reconstructions of an acquisition one is used whole (see `reconstructions`), the same at all stations where
  all have it.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from containers.contract.errors import ItemFault
from containers.fusion.reconstructions import Kind, named, rank, telling_words, words
from containers.fusion.stack import Stack

ACQUISITION_GAP_S = 10.0
"""The contrasts of one acquisition are made at once; two breath-holds of Dixon start further apart than this."""
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
    kind: Kind = frozenset()
    """The words of ImageType that tell its reconstruction from others."""


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


def _seconds(stacks: list[Stack]) -> dict[int, float]:
    """Comparable acquisition times in seconds, by id of the stack."""
    for stack in stacks:
        if stack.header.acquired is None:
            raise ItemFault(
                "is repeated and has no SeriesTime that says which is the latest",
                where=stack.label,
                fix="remove the repeat that is not wanted",
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


def _repeats(place: Place, family: list[str], times: dict[int, float], telling: Kind) -> list[Repeat]:
    """The stacks of a family by reconstruction and acquisition, in order of time.

    telling: the words that tell reconstructions of this study. A stack without any joins each reconstruction, unless
    being without is itself what tells one of them.
    """
    kinds = {name: {words(stack) & telling for stack in place.stacks[name]} for name in family}
    several = set().union(*(found for found in kinds.values() if len(found) > 1))
    one: Kind = frozenset().union(*(kind for found in kinds.values() for kind in found))
    repeats: list[Repeat] = []
    for kind in sorted(several, key=rank) or [one]:
        ordered = [
            (times[id(stack)], _number(stack), name, stack)
            for name in family
            for stack in place.stacks[name]
            if not several
            or words(stack) & telling == kind
            or (frozenset() not in several and kinds[name] == {frozenset()})
        ]
        repeats += _by_time(sorted(ordered, key=lambda entry: entry[:3]), len(family), kind)
    return sorted(repeats, key=lambda repeat: repeat.time_s)


def _by_time(ordered: list[tuple[float, int, str, Stack]], whole: int, kind: Kind) -> list[Repeat]:
    """Acquisitions of one reconstruction. ordered: time, series number, contrast and stack; whole: how many contrasts.

    Raises ItemFault where a complete one follows an incomplete one at once: nothing tells which series belong together.
    """
    repeats = _by_acquisition(ordered, whole, kind)
    if repeats:
        return repeats
    last = 0.0
    for time, _, name, stack in ordered:
        if not repeats or time - last > ACQUISITION_GAP_S or name in repeats[-1].stacks:
            repeats.append(Repeat({}, time, False, kind))
        repeats[-1].stacks[name] = stack
        repeats[-1].complete = len(repeats[-1].stacks) == whole
        last = time
    for first, second in itertools.pairwise(repeats):
        if second.complete and not first.complete and second.time_s - first.time_s <= ACQUISITION_GAP_S:
            numbers = sorted({_number(s) for r in (first, second) for s in r.stacks.values()})
            raise ItemFault(
                f"was made more than once at about one time, and nothing tells which of series "
                f"{', '.join(map(str, numbers))} belong together",
                where=next(iter(first.stacks.values())).label,
                fix="leave the series of one reconstruction or repeat out",
            )
    return repeats


def _by_acquisition(ordered: list[tuple[float, int, str, Stack]], whole: int, kind: Kind) -> list[Repeat]:
    """The acquisitions as AcquisitionTime and AcquisitionNumber tell them; none where these do not tell whole ones.

    Contrasts of one acquisition carry the same ones, whatever the moments at which the scanner computed the series.
    """
    found: dict[tuple[str, str], Repeat] = {}
    for time, _, name, stack in ordered:
        repeat = found.setdefault(_acquisition(stack), Repeat({}, time, True, kind))
        if name in repeat.stacks or not stack.header.acquisition_time:
            return []
        repeat.stacks[name] = stack
    if len(found) < 2 or any(len(repeat.stacks) != whole for repeat in found.values()):
        return []
    return list(found.values())


def _acquisition(stack: Stack) -> tuple[str, str]:
    """What the acquisition that a stack was computed from is known by: its earliest time, and its number."""
    return min(image.header.acquisition_time for image in stack.images), stack.header.acquisition_number


def _refuse_lookalikes(place: Place, family: list[str], times: dict[int, float], telling: Kind) -> None:
    for name in family:
        for a, b in itertools.combinations(place.stacks[name], 2):
            if a.header.echo_time_ms == b.header.echo_time_ms and (
                times[id(a)] != times[id(b)] or words(a) & telling != words(b) & telling
            ):
                continue
            short = name.removeprefix("contrast.")
            if a.header.temporal_position != b.header.temporal_position:
                points = " and ".join(sorted(h.temporal_position or "none" for h in (a.header, b.header)))
                raise ItemFault(
                    f"is a time series: it shows {short} more than once at one place (temporal positions {points})",
                    where=a.label,
                    fix="export the time point that is wanted as a series of its own",
                )
            if a.header.series == b.header.series:
                raise ItemFault(
                    f"holds two acquisitions of {short} at one place",
                    where=a.label,
                    fix="export each acquisition as a series of its own, or leave one out",
                )
            raise ItemFault(
                f"shows {short} at the place of {b.label}, and is no later repeat of it (wrong contrast names)",
                where=a.label,
                fix="correct the series descriptions (_in, _opp, _F, _W)",
            )


def _lacks(repeat: Repeat, family: list[str]) -> str:
    """The repeat's series and what it lacks, in words."""
    numbers = ", ".join(stack.header.series_number or "?" for stack in repeat.stacks.values())
    lost = ", ".join(name.removeprefix("contrast.") for name in family if name not in repeat.stacks)
    return f"series {numbers} without {lost}"


def _lone(place: Place, family: list[str]) -> None:
    """Keep the only stack of each contrast; say where they are not of one acquisition."""
    stacks = [place.stacks[name][0] for name in family]
    place.kept |= dict(zip(family, stacks, strict=True))
    if not all(stack.header.acquired for stack in stacks):
        return
    parts = _repeats(place, family, _seconds(stacks), frozenset())
    if len(parts) > 1:
        apart = "; ".join(_lacks(part, family) for part in parts)
        place.warnings.append(f"{stacks[0].label}: its station comes from {len(parts)} acquisitions ({apart})")


def _latest(place: Place, family: list[str], telling: Kind) -> list[Repeat]:
    """The reconstructions of the latest acquisition that has every contrast of a family; others join the repeats."""
    times = _seconds([stack for name in family for stack in place.stacks[name]])
    _refuse_lookalikes(place, family, times, telling)
    repeats = _repeats(place, family, times, telling)
    complete = [repeat for repeat in repeats if repeat.complete]
    if not complete:
        raise ItemFault(
            f"none of the {len(repeats)} repeats of its station has every contrast "
            f"({'; '.join(_lacks(repeat, family) for repeat in repeats)})",
            where=next(iter(repeats[-1].stacks.values())).label,
            fix="fetch the series that are missing, or remove all repeats but one and choose by parameter `contrasts`",
        )
    place.repeats += repeats
    latest = max(repeat.time_s for repeat in complete)
    place.warnings += [
        f"a later repeat is incomplete and was dropped: {_lacks(repeat, family)}"
        for repeat in repeats
        if repeat.time_s > latest and not repeat.complete
    ]
    for name in family:
        last = max(place.stacks[name], key=lambda stack: times[id(stack)])
        others = sorted({s.label for s in place.stacks[name] if s.header.description != last.header.description})
        if others:
            place.warnings.append(f"{', '.join(others)} repeats {last.label} under another description")
    of_kind = {repeat.kind: repeat for repeat in complete if abs(latest - repeat.time_s) <= ACQUISITION_GAP_S}
    return list(of_kind.values())


def resolve(places: list[Place], contrasts: list[str]) -> None:
    """Keep one stack for every contrast of each station: one reconstruction of the latest complete acquisition."""
    telling = telling_words(place.stacks[name] for place in places for name in contrasts)
    open_choices: list[tuple[Place, list[str], list[Repeat]]] = []
    shared: set[Kind] | None = None
    for place in places:
        for family in _families(place, contrasts):
            if all(len(place.stacks[name]) == 1 for name in family):
                _lone(place, family)
                kinds = {words(place.kept[name]) & telling for name in family}
            else:
                choices = _latest(place, family, telling)
                open_choices.append((place, family, choices))
                kinds = {repeat.kind for repeat in choices}
            shared = kinds if shared is None else shared & kinds
    for place, family, choices in open_choices:
        agreed = [repeat for repeat in choices if repeat.kind in (shared or ())]
        chosen = max(agreed or choices, key=lambda repeat: rank(repeat.kind))
        place.kept |= {name: chosen.stacks[name] for name in family}
        if len(choices) > 1:
            found = "; ".join(f"{named(c.kind)}: {_series(c)}" for c in sorted(choices, key=lambda c: rank(c.kind)))
            place.warnings.append(
                f"{len(choices)} reconstructions of one acquisition ({found}): {named(chosen.kind)} is used"
            )
    across = telling_words([place.kept[name] for place in places] for name in contrasts)
    if across:
        found = "; ".join(named(words(place.first) & across) for place in places)
        places[0].warnings.append(f"stations are of different reconstructions by their ImageType ({found})")


def _series(repeat: Repeat) -> str:
    """The numbers of a repeat's series, in words."""
    return "series " + ", ".join(stack.header.series_number or "?" for stack in repeat.stacks.values())
