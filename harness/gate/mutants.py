"""Mutants of stages: a copy of a stage's folder with one text replaced, run as a candidate through the same gate.

The catalogue is `harness/gate/mutants/*.toml`. `old` must occur exactly once in its file, so that a mutant cannot
lose its fault when the source changes: then it says so.
"""

from pathlib import Path

from pydantic import Field

from containers.contract.checked import load_toml
from containers.contract.errors import RequestFault
from containers.contract.request import Strict
from harness.gate.candidate import Candidate, TreeRunner, plant
from harness.run.steps.base import Name
from harness.runners.stages import CONTAINERS

FOLDER = Path(__file__).parent / "mutants"


class Mutant(Strict):
    """One seeded fault."""

    id: Name
    """Name of the mutant, unique in the catalogue."""
    stage: Name
    """The stage that gets the fault."""
    file: str
    """Path of the changed file in the stage's folder."""
    old: str = Field(min_length=1)
    """Text that is replaced; it occurs exactly once in the file."""
    new: str
    """Text that takes its place."""
    stands_for: str = Field(min_length=1)
    """The mistake that the fault stands for, in words."""
    case: Name
    """The gate case in which a number must move."""


class Catalogue(Strict):
    """One file of the catalogue."""

    mutants: list[Mutant] = Field(min_length=1)
    """The mutants in the order of the file."""


def load_mutants(folder: Path = FOLDER) -> list[Mutant]:
    """The whole catalogue, by file and place in it. Raises RequestFault for a wrong file and for an id used twice."""
    found: list[Mutant] = []
    for path in sorted(folder.glob("*.toml")):
        found += load_toml(Catalogue, path, "see harness/gate/README.md").mutants
    names = [mutant.id for mutant in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RequestFault(f"id {twice[0]!r} is used twice", where="mutants", fix="give each its own")
    return found


def mutated(mutant: Mutant, stages: Path = CONTAINERS) -> str:
    """The text of the mutant's file. Raises RequestFault where `old` does not occur exactly once."""
    path = stages / mutant.stage / mutant.file
    where = f"mutant {mutant.id}, {mutant.stage}/{mutant.file}"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RequestFault(f"cannot be read ({error.strerror})", where=where, fix="name a file of the stage") from error
    if (count := text.count(mutant.old)) != 1:
        raise RequestFault(
            f"the old text occurs {count} times", where=where, fix="it must occur once: follow the source"
        )
    return text.replace(mutant.old, mutant.new)


def plant_mutant(mutant: Mutant, tree: Path) -> Candidate:
    """The mutant as a candidate, in a package tree of its own."""
    text = mutated(mutant)
    place = plant(mutant.stage, CONTAINERS / mutant.stage, tree)
    (place / mutant.file).write_text(text, encoding="utf-8")
    return Candidate(mutant.stage, mutant.stage, TreeRunner(tree), f"mutant {mutant.id}")
