"""Bibliographic facts of the papers: `<paper>/paper.toml`. Facts only, no sentence of a paper."""

from pathlib import Path

from pydantic import Field, model_validator

from containers.contract.checked import load_toml
from containers.contract.request import Strict

FOLDER = Path(__file__).parents[2] / "reference_results"


class Paper(Strict):
    """Where a paper is.

    A text may come without its bibliographic facts: then `registration` stands for the DOI.
    """

    title: str
    """Title of the paper; in own words and square brackets where its text came without one."""
    authors: str = ""
    """The first author and `et al.`; empty where not known."""
    journal: str = ""
    """Name of the journal; empty where not known."""
    year: int | None = None
    """Year of publication; None where not known."""
    doi: str = Field(default="", pattern=r"^(10\.[0-9]+/\S+)?$")
    """Digital object identifier without a prefix; empty where there is none."""
    registration: str = Field(default="", pattern=r"^([A-Z]+:\S+)?$")
    """Register and number of the review's protocol, `REGISTER:NUMBER`; empty where there is none."""

    @model_validator(mode="after")
    def _can_be_found(self) -> "Paper":
        if not (self.doi or self.registration):
            raise ValueError("a paper needs its doi, or the registration of its protocol")
        return self

    @property
    def reference(self) -> str:
        """What a ledger names the paper by."""
        return f"doi:{self.doi}" if self.doi else self.registration


def papers(folder: Path = FOLDER) -> dict[str, Paper]:
    """All papers by their short name (the folder). Raises RequestFault for a wrong file."""
    found = {}
    for path in sorted(folder.glob("*/paper.toml")):
        where = f"{path.parent.name}/{path.name}"
        found[path.parent.name] = load_toml(Paper, path, "see harness/claims/paper.py", where=where)
    return found
