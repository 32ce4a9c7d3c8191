"""What each stack shows. ImageType and SeriesDescription decide (see `dixon`); where both speak they must agree.

Dixon contrasts have fixed names, the maps made from them too (`contrast.fat_fraction`). Any other stack is
`contrast.echo_<n>` (by rising echo time) when its series holds several echoes, else `contrast.<description>`; phase,
real and imaginary images get a suffix. Series of several echoes that differ in their descriptions are two things where
they lie at one place (before and after an exercise, say), and stations of one thing where they do not: the former bear
their descriptions.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.fusion import dixon
from containers.fusion.dicom_source import Image
from containers.fusion.dixon import DIXON
from containers.fusion.header import Slice
from containers.fusion.stack import SAME_STATION_MM, series_label, slice_plane

SAME_SLICES_MM = 0.1
"""Positions of one slice at two time points differ by less: by rounding of what is printed."""
_PARTS = {"P": "_phase", "PHASE": "_phase", "R": "_real", "REAL": "_real", "I": "_imaginary", "IMAGINARY": "_imaginary"}


class Described(Protocol):
    """What is named: a group of images or their stack."""

    @property
    def header(self) -> Slice: ...

    @property
    def images(self) -> Sequence[Image]: ...


Named = TypeVar("Named", bound=Described)


def _dixon_name(header: Slice, families: dict[str, set[str]], alone: bool) -> str | None:
    """Name of a Dixon contrast or of a map made from them, or None.

    A bare suffix counts only in a family of several, or where the description or ImageType has the word Dixon. alone:
    the series holds nothing else. The description of a series that holds several images speaks for one of them only, so
    that there ImageType wins where both speak.
    """
    head, suffix = dixon.by_suffix(header)
    named = "dixon" in header.description.lower() or "DIXON" in header.image_type
    by_words = dixon.by_prefix(header) or (suffix if named or len(families[head]) > 1 else None)
    by_type = dixon.by_type(header)
    if alone and by_type and by_words and by_type != by_words:
        raise ItemFault(
            f"is {by_words} by its description and {by_type} by its ImageType (wrong contrast name)",
            where=series_label(header),
            fix="correct the series description or the ImageType",
        )
    return by_type or by_words


def sanitised(text: str) -> str:
    """Lower-case letters, digits and underscores, fit for an output name and a file name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60] or "unnamed"


def name_stacks(stacks: Sequence[Named]) -> dict[str, list[Named]]:
    """Stacks (or the groups they are made of) by contrast name, in order of name.

    Raises ItemFault when a series' names contradict each other.
    """
    families: dict[str, set[str]] = defaultdict(set)
    for stack in stacks:
        head, suffix = dixon.by_suffix(stack.header)
        if suffix:
            families[head].add(suffix)
    by_series: dict[str, list[Named]] = defaultdict(list)
    for stack in stacks:
        by_series[stack.header.series].append(stack)
    several = {times for group in by_series.values() if len(times := _echo_times(group)) > 1}
    tell_series = len(several) > 1 or _two_things(list(by_series.values()))
    named: dict[str, list[Named]] = defaultdict(list)
    for group in by_series.values():
        taken: dict[str, list[Named]] = defaultdict(list)
        known = [_dixon_name(stack.header, families, len(group) == 1) for stack in group]
        for stack, name in zip(group, known, strict=True):
            part = next((_PARTS[word] for word in stack.header.image_type[2:] if word in _PARTS), "")
            alike = [
                s
                for s, other in zip(group, known, strict=True)
                if other == name and s.header.image_type == stack.header.image_type
            ]
            taken[_name(stack, name, part, _echo_times(alike), tell_series)].append(stack)
        for name, same in taken.items():
            for stack in same:
                named[name + (_difference(stack, same) if len(same) > 1 else "")].append(stack)
    return dict(sorted(_by_time(named).items()))


def _by_time(named: Mapping[str, list[Named]]) -> dict[str, list[Named]]:
    """Time points of a series at one place get names of their own, `_time_<n>` by their order.

    Dixon contrasts keep their fixed names: of several at one place one is used.
    """
    told: dict[str, list[Named]] = defaultdict(list)
    for name, stacks in named.items():
        for stack in stacks:
            points = [other for other in stacks if _same_series_and_place(stack, other)]
            several = len(points) > 1 and name.startswith("contrast.")
            order = sorted({_time_point(point) for point in points})
            told[f"{name}_time_{order.index(_time_point(stack)) + 1}" if several else name].append(stack)
    return told


def _same_series_and_place(a: Described, b: Described) -> bool:
    """Whether two stacks of a series lie on the same slices; passes that are shifted by half a slice do not."""
    near = float(np.linalg.norm(_middle_mm(a) - _middle_mm(b))) <= SAME_SLICES_MM
    return a.header.series == b.header.series and len(a.images) == len(b.images) and near


def _time_point(stack: Described) -> tuple[tuple[float, str], ...]:
    """What orders the time points of a series: by number where the tags are numbers."""
    tags = (stack.header.temporal_position, stack.header.acquisition_number)
    return tuple((float(tag) if tag.isdigit() else -1.0, tag) for tag in tags)


def _echo_times(stacks: Sequence[Described]) -> tuple[float, ...]:
    return tuple(sorted({stack.header.echo_time_ms or 0.0 for stack in stacks}))


def _two_things(series: Sequence[Sequence[Described]]) -> bool:
    """Whether two series of the same several echoes lie at one place and are described otherwise."""
    echoes = [group for group in series if len(_echo_times(group)) > 1]
    return any(
        a[0].header.description != b[0].header.description
        and float(np.linalg.norm(_middle_mm(a[0]) - _middle_mm(b[0]))) <= SAME_STATION_MM
        for a, b in itertools.combinations(echoes, 2)
    )


def _middle_mm(stack: Described) -> npt.NDArray[np.float64]:
    """Mean position of the slices' first pixels, LPS in mm, shape (3,)."""
    return np.asarray(np.mean([image.header.position_mm for image in stack.images], axis=0))


def _name(stack: Described, known: str | None, part: str, times: tuple[float, ...], tell_series: bool) -> str:
    """times: echo times of the images that would else share the name; which of several is meant, no tag tells."""
    if known in DIXON and not part and len(times) == 1:
        return known
    base = known or sanitised(stack.header.description)
    if len(times) == 1:
        return f"contrast.{base}{part}"
    echo = f"echo_{times.index(stack.header.echo_time_ms or 0.0) + 1}{part}"
    return f"contrast.{base}_{echo}" if tell_series or known else f"contrast.{echo}"


def _difference(stack: Described, same: Sequence[Described]) -> str:
    """What tells a stack from others of its series and name: image type words, else its slice direction; and b value.

    Nothing tells apart the acquisitions that share a series: those are stations or repeats of one contrast.
    """
    common = set.intersection(*(set(other.header.image_type) for other in same))
    words = [sanitised(word) for word in stack.header.image_type if word not in common]
    planes = {slice_plane(other.header) for other in same}
    told = words or ([slice_plane(stack.header)] if len(planes) > 1 else [])
    if len({other.header.diffusion for other in same}) > 1:
        told = [*told, f"b{sanitised(stack.header.diffusion)}"]
    return "".join(f"_{word}" for word in told)


ALL = "all"
"""Asks for every contrast that is found, be it one of Dixon's."""


def choose(named: Mapping[str, Sequence[object]], wanted: list[str]) -> list[str]:
    """Names of the contrasts to fuse. wanted: names as given by the user, the prefix `contrast.` may be left out.

    With none wanted: the four Dixon contrasts of a Dixon study, else all; with ALL alone: all that are found.
    Raises ItemFault for one that is missing.
    """
    if wanted == [ALL] and ALL not in named:
        return list(named)
    if not wanted:
        wanted = list(DIXON) if any(name in named for name in DIXON) else list(named)
    chosen = []
    for name in wanted:
        full = name if name in named else f"contrast.{name}"
        if full not in named:
            raise ItemFault(
                f"no series shows contrast {name!r} (found: {', '.join(named)})",
                where="contrasts",
                fix="correct the series descriptions (_in, _opp, _F, _W) or choose by parameter `contrasts`",
            )
        if full not in chosen:
            chosen.append(full)
    return chosen
