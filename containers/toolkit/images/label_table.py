"""Tables that name the labels of a map whose format has no names: BIDS `dseg.tsv`, or JSON.

dseg.tsv     index<TAB>name, with a header line; further columns are free (BIDS derivatives, "Discrete segmentations")
dseg.json    {"LabelMap": {"1": "femur"}}, or the inner object alone, or the other way round: {"femur": 1}
             (nnU-Net's dataset.json: {"labels": {"background": 0, "femur": 1}})
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from containers.contract.errors import ItemFault

MAX_TABLE_BYTES = 4 << 20
"""Longest table."""
FORMS = 'a .tsv with columns index and name, or a .json {"LabelMap": {"1": "femur"}}'
"""The forms in words."""


def read_label_table(path: Path) -> dict[int, str]:
    """Name of each label, by value. Raises ItemFault for a file of no such form, or a label that is named twice."""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_TABLE_BYTES + 1)
        if len(text) > MAX_TABLE_BYTES:
            raise ItemFault("is longer than 4 MiB", where=path.name, fix=f"give {FORMS}")
        words = text.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ItemFault(f"is not a table of names ({error})", where=path.name, fix=f"give {FORMS}") from error
    found = _of_json(words, path.name) if words.lstrip().startswith("{") else _of_tsv(words, path.name)
    if not found:
        raise ItemFault("names no label", where=path.name, fix=f"give {FORMS}")
    return found


def _of_tsv(text: str, where: str) -> dict[int, str]:
    rows = csv.DictReader(io.StringIO(text), delimiter="\t" if "\t" in text else ",", strict=True)
    found: dict[int, str] = {}
    try:
        if not {"index", "name"} <= set(rows.fieldnames or ()):
            raise ItemFault("has no columns index and name", where=where, fix=f"give {FORMS}")
        for row in rows:
            _enter(found, row["index"], row["name"], where)
    except csv.Error as error:
        raise ItemFault(f"is not a table of names ({error})", where=where, fix=f"give {FORMS}") from error
    return found


def _of_json(text: str, where: str) -> dict[int, str]:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ItemFault(f"is not JSON ({error})", where=where, fix=f"give {FORMS}") from error
    table = value.get("LabelMap", value.get("labels", value))
    if not isinstance(table, Mapping) or not all(isinstance(one, (str, int)) for one in table.values()):
        raise ItemFault("has no LabelMap", where=where, fix=f"give {FORMS}")
    found: dict[int, str] = {}
    for key, entry in table.items():
        index, name = (str(entry), key) if isinstance(entry, int) else (key, entry)
        _enter(found, index, name, where)
    return found


def _enter(found: dict[int, str], index: str | None, name: str | None, where: str) -> None:
    if not re.fullmatch(r"\d{1,5}(?:\.0*)?", (index or "").strip()) or not (name or "").strip():
        raise ItemFault(f"has the label {str(index)[:40]!r} named {str(name)[:40]!r}", where=where, fix=f"give {FORMS}")
    value = int(float(str(index)))
    if found.setdefault(value, str(name).strip()) != str(name).strip():
        raise ItemFault(f"names label {value} twice", where=where, fix="name every label once")
