"""Which numbers of a paper's text no claim covers: `python -m harness.claims.completeness --papers FOLDER`.

The text is never part of the project: it is read from FOLDER/<paper>.txt and FOLDER/<paper>_*.txt. A number of the text
is covered where a claim or helper number of the ledger prints the same value with the same decimals and its `place`
names the section that the number stands in. The other way round, what the ledger prints must stand at its place.

Sections are main headings, captions (Table 1, Fig. 2; one line), and what `<paper>/left_out.toml` adds:

    citations = "parentheses"                     # how the paper cites, where that is (1, 2)
    [[sections]]                                  # a part with a name of its own; later ones win
    name = "Table 1"
    lines = "41-68"
    text = "nako_cbp_summary_page.txt"            # only where it is not <paper>.txt
    [[left_out]]                                  # needs no claim; any of lines, section, numbers, text
    section = "References"
    reason = "citations"

A `place` that is not a part of the text begins with `definition`. Line numbers are those of the text as it is kept.
Exit status 0: complete; 1: not; 2: no such text or ledger, or a malformed file.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from containers.contract.checked import load_toml, read_toml
from containers.contract.errors import RequestFault
from containers.contract.request import Strict
from harness.claims.text_numbers import Token, plain, tokens

FOLDER = Path(__file__).parents[2] / "reference_results"
HEADINGS = (
    "abstract|summary|background|introduction|(?:materials and )?methods|results|discussion|conclusions?|references|"
    "acknowledge?ments|author contributions|contributors|competing interests|declaration of interests|"
    "data availability|data sharing statement|code availability|additional information"
)
_HEADING = re.compile(rf"[#*\s]*(?P<name>{HEADINGS})[*:\s]*", re.IGNORECASE)
_CAPTION = re.compile(r"[#*\s]*(?P<kind>fig(?:ure)?|table)\.?\s*(?P<number>\d+)\s*[*]*\s*[|:]", re.IGNORECASE)
_CONTEXT = 28


class Part(Strict):
    """A named part of a text."""

    name: str
    """Name of the section, as the `place` of ledger entries says it."""
    lines: str = Field(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")
    """Line numbers of the part in its file, such as `12-15,18`."""
    text: str = ""
    """File that the lines are of; empty for `<paper>.txt`."""


class LeftOut(Strict):
    """Numbers that need no claim; each field that is given narrows which they are."""

    lines: str = Field(default="", pattern=r"^$|^\d+(-\d+)?(,\d+(-\d+)?)*$")
    """Line numbers that they stand in, such as `12-15,18`; empty for all lines."""
    section: str = ""
    """Section that they stand in; empty for all sections."""
    numbers: list[str] = Field(default_factory=list)
    """The numbers as printed; empty for all numbers."""
    text: str = ""
    """File that they stand in; empty for `<paper>.txt` with `lines`, otherwise for all files."""
    reason: str = Field(min_length=1)
    """Why no claim is needed."""

    @model_validator(mode="after")
    def _says_what(self) -> "LeftOut":
        if not (self.lines or self.section or self.numbers or self.text):
            raise ValueError("give lines, section, numbers or text")
        return self


class Rules(Strict):
    """`left_out.toml`."""

    citations: Literal["", "parentheses"] = ""
    """How the paper cites: `parentheses` where references look like numbers (1, 2); otherwise empty."""
    sections: list[Part] = Field(default_factory=list)
    """Parts with names of their own; later ones win over earlier ones and over headings."""
    left_out: list[LeftOut] = Field(default_factory=list)
    """Numbers that need no claim, with the reason."""


@dataclass(frozen=True)
class Entry:
    """What a ledger prints at a place."""

    id: str
    """Identifier of the claim or number."""
    place: str
    """Where the paper prints it, as the ledger says."""
    tokens: list[Token]
    """The numbers in its printed text."""


@dataclass
class Found:
    """A number of the text and what became of it."""

    text: str
    """File that the number stands in."""
    line: int
    """Its line, counted from 1."""
    section: str
    """Section that the line is in."""
    token: Token
    """The number."""
    context: str
    """Some characters around it."""
    covered: bool = False
    """Whether a claim or helper number prints it at this place."""
    reason: str = ""
    """Why it needs no claim; empty where no rule leaves it out."""


@dataclass
class Coverage:
    """Result for one paper."""

    paper: str
    """Name of the paper."""
    found: list[Found] = field(default_factory=list)
    """Every number of the text with what became of it."""
    astray: list[str] = field(default_factory=list)
    """Ledger entries whose number does not stand at their place, with why."""
    stale: list[str] = field(default_factory=list)
    """Rules that leave nothing out."""

    @property
    def uncovered(self) -> list[Found]:
        return [f for f in self.found if f.token.needed and not f.covered and not f.reason]

    @property
    def complete(self) -> bool:
        return not (self.uncovered or self.astray or self.stale)


def entries(folder: Path) -> list[Entry]:
    """Places and printed strings of a ledger, `claims.toml` and `claims/*.toml`. Only these are read here: a ledger may
    be checked for completeness while its relations are still being written. Raises RequestFault."""
    paths = [*folder.glob("claims.toml"), *sorted(folder.glob("claims/*.toml"))]
    if not paths:
        raise RequestFault("has no claims", where=folder.name, fix="add claims/*.toml")
    found = []
    for path in paths:
        raw = read_toml(path, where=f"{path.parent.name}/{path.name}", absent="correct the file")
        for entry in [*raw.get("numbers", []), *raw.get("claims", [])]:
            if not isinstance(entry, dict) or not all(
                isinstance(entry.get(k), str) for k in ("id", "place", "printed")
            ):
                name = entry.get("id", "without id") if isinstance(entry, dict) else entry
                where = f"{folder.name}/{path.name}, entry {name}"
                raise RequestFault("lacks id, place or printed", where=where, fix="see harness/claims/ledger.py")
            found.append(Entry(entry["id"], entry["place"], list(tokens(plain(entry["printed"])))))
    return found


def rules(folder: Path) -> Rules:
    """The paper's `left_out.toml`; without one, nothing is left out. Raises RequestFault."""
    path = folder / "left_out.toml"
    if not path.exists():
        return Rules()
    where = f"{folder.name}/{path.name}"
    return load_toml(Rules, path, "see harness/claims/completeness.py", where=where, absent="correct the file")


def _lines(spec: str) -> set[int]:
    wanted: set[int] = set()
    for part in filter(None, spec.split(",")):
        first, _, last = part.partition("-")
        wanted.update(range(int(first), int(last or first) + 1))
    return wanted


def _words(name: str) -> str:
    """A name for comparison: lower case, `figure` as `fig`, letters and digits only."""
    name = re.sub(r"\bfigs?\b|\bfigures?\b", "fig", name.lower())
    name = re.sub(r"\b(fig|table) (\d+)[a-h]\b", r"\1 \2", re.sub(r"[^a-z0-9]+", " ", name))
    return f" {' '.join(name.split())} "


def sections(text: str, name: str, main: bool, rule: Rules) -> list[str]:
    """The section of each line: the one named in the rules, else a caption's, else that of the last main heading."""
    current = "Front matter" if main else Path(name).stem.replace("_", " ")
    found = []
    for line in text.splitlines():
        if main and (heading := _HEADING.fullmatch(line)):
            current = heading["name"].capitalize()
        if caption := _CAPTION.match(line):
            found.append(f"{'Table' if caption['kind'].lower() == 'table' else 'Fig.'} {caption['number']}")
        else:
            found.append(current)
    for part in rule.sections:
        if part.text == name or (main and not part.text):
            for number in _lines(part.lines):
                if number > len(found):
                    raise RequestFault(f"line {number} is past the end", where=f"section {part.name}", fix="see lines")
                found[number - 1] = part.name
    return found


def _applies(rule: LeftOut, found: Found, main: str) -> bool:
    if (rule.text and rule.text != found.text) or (rule.lines and not rule.text and found.text != main):
        return False
    if rule.lines and found.line not in _lines(rule.lines):
        return False
    if rule.section and _words(rule.section) != _words(found.section):
        return False
    keys = {t.key for number in rule.numbers for t in tokens(plain(number))}
    return not rule.numbers or found.token.key in keys


def _numbers(path: Path, main: bool, rule: Rules) -> Iterator[Found]:
    text = path.read_text(encoding="utf-8")
    named = sections(text, path.name, main, rule)
    for number, (line, section) in enumerate(zip(text.splitlines(), named, strict=True), start=1):
        kept = plain(line, rule.citations == "parentheses")
        for token in tokens(kept):
            start = max(0, token.start - _CONTEXT)
            context = " ".join(kept[start : token.start + len(token.text) + _CONTEXT].split())
            yield Found(path.name, number, section, token, context)


def check(paper: str, texts: Path, folder: Path = FOLDER) -> Coverage:
    """Compare a paper's text with its ledger. Raises RequestFault where either is missing or malformed."""
    paths = [texts / f"{paper}.txt", *sorted(texts.glob(f"{paper}_*.txt"))]
    if not paths[0].is_file():
        raise RequestFault("has no text", where=str(paths[0].name), fix="give --papers the folder that has it")
    rule, ledger = rules(folder / paper), entries(folder / paper)
    numbers = [found for path in paths for found in _numbers(path, path == paths[0], rule)]
    # Coverage first: what a claim covers needs no rule, and a rule that only takes such numbers is stale.
    astray = _cover(numbers, [entry for entry in ledger if not entry.place.startswith("definition")])
    stale = _leave_out(numbers, rule, paths[0].name)
    return Coverage(paper, numbers, astray, stale)


def _cover(numbers: list[Found], ledger: list[Entry]) -> list[str]:
    """Mark the numbers of the text that an entry prints at its place; returns the entries that do not stand there."""
    by_section: dict[str, list[Found]] = {}
    for found in numbers:
        by_section.setdefault(_words(found.section), []).append(found)
    astray = []
    for entry in ledger:
        place = _words(entry.place)
        here = [f for name, members in by_section.items() if name in place for f in members]
        keys = {t.key for t in entry.tokens}
        for found in here:
            found.covered |= found.token.key in keys
        missing = [t.text for t in entry.tokens if t.key not in {f.token.key for f in here}]
        if entry.tokens and not here:
            astray.append(f"{entry.id}: its place names no section with numbers: {entry.place}")
        elif missing:
            astray.append(f"{entry.id}: {', '.join(missing)} does not stand in: {entry.place}")
    return astray


def _leave_out(numbers: list[Found], rule: Rules, main: str) -> list[str]:
    """Give the rules' reasons to the numbers that nothing covers; returns the rules that leave nothing out."""
    stale = []
    for position, left in enumerate(rule.left_out, start=1):
        taken = [found for found in numbers if not found.covered and _applies(left, found, main)]
        for found in taken:
            found.reason = found.reason or left.reason
        if not taken:
            stale.append(f"left_out entry {position} ({left.reason}) leaves nothing out")
    return stale


def show(coverage: Coverage) -> str:
    """Table by section, then what is missing: line, number and a few words around it. For the console only."""
    rows: dict[str, list[int]] = {}
    for found in (f for f in coverage.found if f.token.needed):
        row = rows.setdefault(found.section, [0, 0, 0, 0])
        row[0] += 1
        row[1 if found.covered else 2 if found.reason else 3] += 1
    total = [sum(column) for column in zip(*rows.values(), strict=True)] if rows else [0, 0, 0, 0]
    width = max(len(name) for name in [*rows, coverage.paper])
    lines = [f"{coverage.paper:{width}}  numbers  covered  left out  uncovered"]
    lines += [f"{name:{width}}  {n:7}  {c:7}  {o:8}  {u:9}" for name, (n, c, o, u) in [*rows.items(), ("total", total)]]
    lines += [f"uncovered: {f.text}:{f.line} {f.section}: {f.token.text}  …{f.context}…" for f in coverage.uncovered]
    lines += [f"astray: {line}" for line in coverage.astray]
    lines += [f"stale: {line}" for line in coverage.stale]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Check the named papers, or all that have a ledger. Returns the exit status."""
    parser = argparse.ArgumentParser(description="list the numbers of a paper's text that no claim covers")
    default = Path(os.environ.get("MYOREPRO_PAPERS", "../shared/papers"))
    parser.add_argument("--papers", type=Path, default=default, metavar="FOLDER", help="texts of the papers: NAME.txt")
    parser.add_argument("paper", nargs="*", help="short names; without one, every paper with a ledger")
    given = parser.parse_args(arguments)
    names = given.paper or sorted(p.parent.name for p in FOLDER.glob("*/paper.toml"))
    complete = True
    for name in names:
        try:
            coverage = check(name, given.papers)
        except RequestFault as fault:
            print(fault, file=sys.stderr)
            return 2
        print(show(coverage))
        complete &= coverage.complete
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
