"""Bibliographic facts of the papers: `<paper>/paper.toml`. Facts only, no sentence of a paper."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from containers.contract.errors import RequestFault
from containers.contract.request import Strict, first_error

FOLDER = Path(__file__).parent


class Paper(Strict):
    """Where a paper is. authors: the first one and `et al.`."""

    title: str
    authors: str
    journal: str
    year: int
    doi: str = Field(pattern=r"^10\.[0-9]+/\S+$")

    @property
    def citation(self) -> str:
        return f"{self.authors} {self.title}. {self.journal}, {self.year}. doi:{self.doi}"


def papers(folder: Path = FOLDER) -> dict[str, Paper]:
    """All papers by their short name (the folder). Raises RequestFault for a wrong file."""
    found = {}
    for path in sorted(folder.glob("*/paper.toml")):
        try:
            found[path.parent.name] = Paper.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            where = f"{path.parent.name}/paper.toml"
            raise RequestFault(f"is not TOML ({error})", where=where, mend="mend the syntax") from error
        except ValidationError as error:
            where = f"{path.parent.name}/paper.toml"
            raise RequestFault(first_error(error), where=where, mend="see reference_results/paper.py") from error
    return found
