"""The header of a NRRD file, read as the format's definition and its first reader (teem, in ITK and 3D Slicer) take it.

pynrrd writes our files. Headers are read here, because pynrrd drops every byte that is not ASCII (two Chinese names
become one, the empty name), knows one spelling of each word, and obeys any size or number of lines to skip.
Definition: teem.sourceforge.net/nrrd/format.html.
"""

import re
from dataclasses import dataclass, field
from typing import BinaryIO

from containers.contract.errors import ItemFault

MAX_HEADER_BYTES = 4 << 20
"""Longest header. A label map of 3D Slicer with a thousand segments needs 0.6 MiB."""
MAX_LINE_BYTES = 1 << 20
"""Longest line of a header."""

OTHER_SPELLINGS = {
    "datafile": "data file",
    "lineskip": "line skip",
    "byteskip": "byte skip",
    "blocksize": "block size",
    "centers": "centerings",
    "axismins": "axis mins",
    "axismaxs": "axis maxs",
    "oldmin": "old min",
    "oldmax": "old max",
}
"""Field names by their second spelling, as the definition lists them."""

_FIELD = re.compile(r"([^:=]+?)\s*:(?!=)\s*(.*)")
_PAIR = re.compile(r"(.*?):=(.*)")


@dataclass
class Header:
    """What a header says."""

    fields: dict[str, str] = field(default_factory=dict)
    """Fields of the format, names in lower case and in their first spelling."""
    pairs: dict[str, str] = field(default_factory=dict)
    """Key/value pairs, such as those that name segments."""
    warnings: list[str] = field(default_factory=list)
    """Lines for who reads the result."""

    def words(self, name: str) -> list[str]:
        """A field's words, quotes taken off; empty without the field."""
        text = self.fields.get(name, "")
        return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', text) if quoted or plain]

    def integer(self, name: str, otherwise: int, where: str) -> int:
        """A field as an integer. Raises ItemFault for another text."""
        text = self.fields.get(name, str(otherwise))
        if not re.fullmatch(r"[+-]?\d{1,18}", text):
            raise ItemFault(f"has {name} {text[:40]!r}, not a whole number", where=where, fix="correct its header")
        return int(text)


def read_header(stream: BinaryIO, where: str) -> Header:
    """Read the header of an open file; the stream is left at the first byte of the data.

    Raises ItemFault for what is not a NRRD header, a field that is given twice in two ways, or a header without end.
    """
    if not re.fullmatch(rb"NRRD000[1-9]\s*", stream.readline(64)):
        raise ItemFault("is not a readable NRRD (it does not begin with NRRD000)", where=where, fix="write it again")
    header, latin = Header(), False
    begin = stream.tell()
    while True:
        line = stream.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            cause = "its header has no end" if len(line) < MAX_LINE_BYTES else "a line of its header is too long"
            if line or not header.fields:
                raise ItemFault(f"is not a readable NRRD ({cause})", where=where, fix="write it again")
            break  # a detached header ends with its file
        if stream.tell() - begin > MAX_HEADER_BYTES:
            raise ItemFault(
                f"has a header of more than {MAX_HEADER_BYTES >> 20} MiB", where=where, fix="write it again"
            )
        line = line.rstrip(b"\r\n")
        if not line:
            break
        if line.startswith(b"#"):
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            # Every byte is a letter of Latin-1, so no two names become one.
            text, latin = line.decode("latin-1"), True
        _take(header, text, where)
    if latin:
        header.warnings.append(f"{where}: its header is not UTF-8 and is read as Latin-1; check the names of segments")
    return header


def _take(header: Header, text: str, where: str) -> None:
    """Enter one line of a header."""
    if (pair := _PAIR.fullmatch(text)) and not _is_field(text):
        key, value = pair.group(1), _unescaped(pair.group(2))
        if header.pairs.setdefault(key, value) != value:
            raise ItemFault(
                f"has {key} as {header.pairs[key]!r} and as {value!r}", where=where, fix="keep one of the two"
            )
        return
    if (match := _FIELD.fullmatch(text)) is None:
        raise ItemFault(f"is not a readable NRRD (line {text[:40]!r} of its header)", where=where, fix="write it again")
    name = match.group(1).strip().lower()
    name, value = OTHER_SPELLINGS.get(name, name), match.group(2).strip()
    if header.fields.setdefault(name, value) != value:
        raise ItemFault(f"has the field {name!r} twice", where=where, fix="keep one of the two")


def _is_field(text: str) -> bool:
    """Whether a line with `:=` in it is a field all the same: its first colon comes before, as in `content: a:=b`."""
    return text.find(":") < text.find(":=")


def _unescaped(text: str) -> str:
    """The value of a pair, in which `\\n` stands for a new line and two backslashes for one."""
    return re.sub(r"\\(n|\\)", lambda found: "\n" if found.group(1) == "n" else "\\", text)
