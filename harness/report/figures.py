"""The figures of the papers, and which pictures of a run stand for them (`figures.toml`).

Invariant: every figure of the register has a row, also when nothing is shown: then the row says why. A run of some
cases only has the rows that these can fill.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field

from containers.contract.checked import load_toml
from containers.contract.request import Strict
from harness.run.results import Picture

REGISTER = Path(__file__).parent / "figures.toml"


class Figure(Strict):
    """One figure of a paper."""

    paper: str
    """Name of the paper."""
    figure: str
    """The figure as the paper numbers it, with its panels."""
    shows: str
    """What the figure shows, in our words."""
    pictures: list[str] = Field(default_factory=list)
    """Pictures of a run that stand for it, as `case/name`; empty where there can be none."""
    otherwise: str
    """What is said where no such picture is there, or why there can be none."""


class Register(Strict):
    """All figures of all papers, in the papers' order."""

    figures: list[Figure]
    """One entry for each figure."""


@dataclass(frozen=True)
class Shown:
    """A figure with its pictures in a run."""

    figure: Figure
    """The figure, as the register has it."""
    pictures: list[str]
    """Names of its pictures that are there, as `case/name`."""
    note: str
    """What has to be said with them; empty for nothing."""


@cache
def register(path: Path = REGISTER) -> tuple[Figure, ...]:
    """The figures of the papers. Raises RequestFault with the field that is wrong."""
    return tuple(load_toml(Register, path, "see harness/report/figures.py").figures)


def name_of(picture: Picture) -> str:
    """`case/name`, as the register and the case files call it."""
    return f"{picture.case}/{Path(picture.path).stem}"


def shown(pictures: list[Picture], cases: Collection[str] = ()) -> list[Shown]:
    """Every figure with those of the pictures that stand for it.

    cases: those that were run, where only some were: then only the figures for which one of them has a picture.
    """
    names = {name_of(picture) for picture in pictures}
    figures = [f for f in register() if not cases or {name.split("/")[0] for name in f.pictures} & set(cases)]
    return [_shown(figure, [name for name in figure.pictures if name in names]) for figure in figures]


def _shown(figure: Figure, names: list[str]) -> Shown:
    if names:
        return Shown(figure, names, "")
    cases = dict.fromkeys(name.split("/")[0] for name in figure.pictures if not name.startswith("print/"))
    commands = " or ".join(f"myorepro reproduce --case {case}" for case in cases)
    return Shown(figure, [], f"Not shown. {figure.otherwise}" + (f" Stand-in: {commands}." if commands else ""))
