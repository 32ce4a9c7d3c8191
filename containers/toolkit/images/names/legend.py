"""The names of one label map, read by the table and by the user's mapping.

The mapping is a JSON object from a label's value, or its segment's name, to a name of the table, or to `ignore` or
`background`: {"1": "multifidus_left", "Segment_2": "gracilis", "9": "ignore"}. It goes before the table.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from containers.contract.errors import ItemFault
from containers.toolkit.images.names.spelling import spelled
from containers.toolkit.images.names.table import BACKGROUND, IGNORE, Name, find, listed

FORM = """names='{"1": "multifidus_left", "2": "gracilis", "3": "ignore"}'"""
"""The mapping as it is typed, for messages."""


@dataclass(frozen=True)
class Legend:
    """What the labels of a map are. A label that is declared as background is in none of the fields."""

    names: dict[int, Name]
    """Labels that are known, by value."""
    unknown: dict[int, str]
    """Labels that neither the table nor the mapping knows: their names as they stand in the file, by value."""
    ignored: tuple[int, ...]
    """Labels of voxels of which nothing is known."""
    mapped: frozenset[int]
    """Labels that the mapping names."""


def tags_of(facts: Mapping[str, str]) -> dict[int, str]:
    """Tags of a label map's segments by value, from the facts of its file."""
    tags: dict[int, str] = {}
    number = 0
    while f"Segment{number}_LabelValue" in facts:
        value = facts[f"Segment{number}_LabelValue"]
        if value.isdigit():
            tags[int(value)] = facts.get(f"Segment{number}_Tags", "")
        number += 1
    return tags


def read_legend(names: Mapping[int, str], tags: Mapping[int, str], mapping: Mapping[str, object], where: str) -> Legend:
    """Read the names of a label map (value -> name, value -> tag). where: its file.

    Raises ItemFault for a mapping with a key that the map lacks, or to a name that the table lacks.
    """
    given = _given(names, mapping, where)
    known: dict[int, Name] = {}
    unknown: dict[int, str] = {}
    ignored: list[int] = []
    for value, text in sorted(names.items()):
        word = "_".join(spelled(given.get(value, text)))
        if value == 0 or word in BACKGROUND:
            continue
        if word in IGNORE:
            ignored.append(value)
        elif (found := find(given.get(value, text), "" if value in given else tags.get(value, ""))) is not None:
            known[value] = found
        else:
            unknown[value] = text
    return Legend(known, unknown, tuple(ignored), frozenset(given))


def _given(names: Mapping[int, str], mapping: Mapping[str, object], where: str) -> dict[int, str]:
    """The mapping by label value."""
    values = {spelled(text): value for value, text in names.items()}
    given: dict[int, str] = {}
    for key, name in mapping.items():
        value = int(key) if key.isdigit() and int(key) in names else values.get(spelled(key))
        if value is None:
            fix = f"give a label's value or its name; {where} has {listed(f'{v} ({n})' for v, n in names.items())}"
            raise ItemFault(f"has {key!r}, which is not a label of {where}", where="parameter names", fix=fix)
        if not isinstance(name, str) or (find(name) is None and "_".join(spelled(name)) not in BACKGROUND | IGNORE):
            fix = f"give a known name, ignore or background, as in {FORM}"
            raise ItemFault(f"maps {key!r} to {name!r}, which is not a known name", where="parameter names", fix=fix)
        given[value] = name
    return given


def refuse_unknown(legend: Legend, present: Collection[int], where: str) -> list[str]:
    """Raise ItemFault for labels with voxels that nothing is known of; else the unknown names that have no voxel.

    present: label values that have voxels.
    """
    lost = [f"{value} ({text})" for value, text in legend.unknown.items() if value in present]
    if lost:
        several = "labels" if len(lost) > 1 else "label"
        raise ItemFault(
            f"has {several} with voxels whose name is not known: {listed(lost)}",
            where=where,
            fix=f"map each to a name of this project, or to ignore: parameter {FORM}",
        )
    return list(legend.unknown.values())
