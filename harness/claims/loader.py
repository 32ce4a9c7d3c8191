"""Reading ledgers: one file, or all files of a folder merged. Every fault names the file and line of its entry."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from containers.contract.checked import checked, read_toml
from containers.contract.errors import RequestFault
from harness.claims.ledger import Claim, Ledger, Number
from harness.claims.units import unit

FOLDER = Path(__file__).parents[2] / "reference_results"
SECTIONS: dict[str, type[Number]] = {"numbers": Number, "claims": Claim}
FORM = "see reference_results/README.md"
_HEADER = re.compile(r"^\s*\[\[\s*(numbers|claims)\s*\]\]")


@dataclass
class _File:
    """One ledger file."""

    name: str
    """Its name, for messages."""
    head: dict[str, Any]
    """Everything in it but the entries."""
    entries: list[tuple[str, Number]] = field(default_factory=list)
    """Each entry with the file and line where it stands."""


def _entry_lines(text: str) -> dict[tuple[str, int], int]:
    """Line of the n-th `[[numbers]]` or `[[claims]]` header, by section and n from 1."""
    found: dict[tuple[str, int], int] = {}
    count = dict.fromkeys(SECTIONS, 0)
    for line, content in enumerate(text.splitlines(), start=1):
        if match := _HEADER.match(content):
            count[match[1]] += 1
            found[match[1], count[match[1]]] = line
    return found


def _entry(value: Any, kind: type[Number], counted: frozenset[str], where: str) -> Number:
    entry = checked(kind, value, where, FORM)
    try:
        unit(entry.unit, counted)
        relation = entry.relation if isinstance(entry, Claim) else None
        if not isinstance(entry, Claim) or (relation and not relation.statement):
            entry.parsed()
    except ValueError as error:
        if str(error).startswith("unknown unit"):
            fix = "write it as harness/claims/units.py does, or name a counted thing in `counted`"
            raise RequestFault(str(error), where=where, fix=fix) from error
        raise RequestFault(f"printed: {error}", where=where, fix="give the number as it is printed") from error
    return entry


def _read(path: Path, name: str) -> _File:
    """Validate entry by entry, so that the complaint names the entry."""
    raw = read_toml(path, where=name, absent="name a ledger file")
    lines = _entry_lines(path.read_text(encoding="utf-8"))
    read = _File(name, {key: value for key, value in raw.items() if key not in SECTIONS})
    counted = raw.get("counted", [])
    if not isinstance(counted, list) or not all(isinstance(word, str) for word in counted):
        raise RequestFault("counted is not a list of words", where=name, fix='write counted = ["reels", "spools"]')
    for section, kind in SECTIONS.items():
        values = raw.get(section, [])
        if not isinstance(values, list):
            raise RequestFault(f"{section} is not a list", where=name, fix=f"write each entry under [[{section}]]")
        for position, value in enumerate(values, start=1):
            label = value.get("id") if isinstance(value, dict) else None
            line = lines.get((section, position))
            place = f"{name}:{line}" if line else name
            where = f"{place}, {section} entry {label or f'number {position}'}"
            read.entries.append((place, _entry(value, kind, frozenset(counted), where)))
    return read


def _heads(files: list[_File], name: str) -> dict[str, Any]:
    """The one head that all files of a paper share; counted words add up."""
    head = files[0].head
    if counted := sorted({word for file in files for word in file.head.get("counted", [])}):
        head = head | {"counted": counted}
    for other in files[1:]:
        for key in sorted({*head, *other.head} - {"counted"}):
            if head.get(key) != other.head.get(key):
                what = f"{key} is {other.head.get(key)!r}, in {files[0].name} it is {head.get(key)!r}"
                raise RequestFault(what, where=other.name, fix="files of one paper have the same head")
    return head


def _circle(ledger: Ledger) -> list[str]:
    """Ids of claims that rest on each other in a ring, or nothing."""
    rests = {c.id: c.relation.supports() for c in ledger.claims if c.relation}
    done: set[str] = set()
    for start in rests:
        path: list[str] = []
        todo: list[tuple[str, int]] = [(start, 0)]
        while todo:
            key, depth = todo.pop()
            done.update(path[depth:])
            del path[depth:]
            if key in path:
                return path[path.index(key) :]
            if key in done:
                continue
            path.append(key)
            if following := [(k, depth + 1) for k in rests.get(key, [])]:
                todo += following
        done.update(path)
    return []


def _check_references(ledger: Ledger) -> None:
    known = {entry.id for entry in (*ledger.numbers, *ledger.claims)}
    for claim in ledger.claims:
        where = f"{ledger.where(claim.id)}, claims entry {claim.id}"
        for key in claim.relation.operands() if claim.relation else []:
            if key not in known:
                raise RequestFault(f"its relation uses unknown id {key!r}", where=where, fix="add the number")
            if key == claim.id:
                raise RequestFault("its relation uses the claim itself", where=where, fix="use other numbers")
            try:
                ledger.number(key).parsed()
            except ValueError as error:
                raise RequestFault(f"operand {key!r}: {error}", where=where, fix="use printed numbers") from error
    if ring := _circle(ledger):
        chain = " rests on ".join([*ring, ring[0]])
        where = f"{ledger.where(ring[0])}, claims entry {ring[0]}"
        fix = "keep the relation of one, and let it use printed numbers that rest on nothing"
        raise RequestFault(f"circular relations: {chain}", where=where, fix=fix)


def _merged(files: list[_File], name: str) -> Ledger:
    places: dict[str, str] = {}
    for file in files:
        for place, entry in file.entries:
            if entry.id in places:
                what = f"is given twice, first at {places[entry.id]}"
                raise RequestFault(what, where=f"{place}, {entry.id}", fix="ids are unique in a ledger")
            places[entry.id] = place
    entries = [entry for file in files for _, entry in file.entries]
    content = {
        "numbers": [entry for entry in entries if not isinstance(entry, Claim)],
        "claims": [entry for entry in entries if isinstance(entry, Claim)],
    }
    ledger = checked(Ledger, _heads(files, name) | content, name, FORM).placed(places)
    _check_references(ledger)
    return ledger


def ledger_files(path: Path) -> list[Path]:
    """The files of a ledger: the file itself, or the `*.toml` of a folder (of its `claims` folder when it has one).

    Raises RequestFault when there is none.
    """
    if not path.is_dir():
        return [path]
    folder = path / "claims" if (path / "claims").is_dir() else path
    files = sorted(f for f in folder.glob("*.toml") if f.name not in ("paper.toml", "left_out.toml"))
    if not files:
        raise RequestFault("has no ledger file", where=str(path), fix="name a .toml file or a folder with some")
    return files


def _name(file: Path) -> str:
    """How faults call a file: with its folder, and with the paper's when that is `claims`."""
    folder = file.absolute().parent
    inside = f"{folder.parent.name}/{folder.name}" if folder.name == "claims" else folder.name
    return f"{inside}/{file.name}"


def load_ledger(path: Path) -> Ledger:
    """Read one ledger file, or merge all files of a folder.

    Raises RequestFault, one line with the file, line and entry, when it is wrong.
    """
    files = ledger_files(path)
    read = [_read(file, _name(file)) for file in files]
    return _merged(read, read[0].name if len(read) == 1 else path.name)


def papers_with_claims(folder: Path) -> Iterable[Path]:
    """Folders of papers that have claims, by name."""
    return sorted(path.parent for path in folder.glob("*/claims") if path.is_dir())


def ledgers(folder: Path = FOLDER) -> list[Ledger]:
    """The ledgers of all papers (`<paper>/claims/*.toml`), by folder name. Raises RequestFault for a wrong one."""
    return [load_ledger(path) for path in papers_with_claims(folder)]
