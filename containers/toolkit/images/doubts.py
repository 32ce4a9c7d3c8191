"""Reasons to doubt what is measured on an image or a label map, which travel with it from stage to stage.

A volume that a stage writes carries the doubts of that stage, and of all before it, as a fact of its file (`doubts`, a
JSON list). The stage that measures on it puts those that concern a number into the number's `qualified_by`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

FACT = "doubts"
"""Name of the fact in the file."""

Concern = Literal["volume", "signal", "all"]


@dataclass(frozen=True)
class Doubt:
    """One reason."""

    text: str
    """The reason in one line, without the structures: those that concern a number are named behind it."""
    structures: tuple[str, ...] = ()
    """Structures that it concerns, with their side where it is of one side; empty for all."""
    of: Concern = "all"
    """What it concerns: volumes, what is read from signal (fat fraction, InterMAT), or both."""


ON_PHANTOMS = Doubt("labels by weights that are trained on phantoms")
"""What the shipped weights say of every label map that they make."""


def of_findings(findings: Iterable[str]) -> list[Doubt]:
    """Doubts of what the quality control of a segmentation found: lines of the form `structure: finding`."""
    rows = [line.partition(": ") for line in findings]
    return [Doubt(f"segmentation: {text}", (structure,)) for structure, _, text in rows]


def doubts_fact(doubts: Iterable[Doubt]) -> dict[str, str]:
    """The fact that carries the doubts; empty without any."""
    rows = [{"text": d.text, "structures": list(d.structures), "of": d.of} for d in doubts]
    return {FACT: json.dumps(rows)} if rows else {}


def read_doubts(facts: Mapping[str, str]) -> list[Doubt]:
    """The doubts that a file carries. What is not of that form is one doubt by itself: it was meant as one."""
    text = facts.get(FACT, "")
    if not text:
        return []
    try:
        rows = json.loads(text)
        return [Doubt(str(row["text"]), tuple(map(str, row["structures"])), _concern(row["of"])) for row in rows]
    except (ValueError, KeyError, TypeError):
        return [Doubt(f"input: its doubts cannot be read ({' '.join(text.split())[:80]})")]


def _concern(value: object) -> Concern:
    if value == "volume":
        return "volume"
    return "signal" if value == "signal" else "all"
