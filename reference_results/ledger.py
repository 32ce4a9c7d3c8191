"""The claim ledger of a paper: `claims.toml`, facts and figures only.

Invariants: every printed number stands once, as the string that was printed; ids are unique in a ledger; a
relation uses ids of its own ledger only; each route carries what settles it (`recompute` a relation,
`phantom` and `simulation` checks, `licensed` and `hardware` a command).
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from containers.contract.errors import RequestFault
from containers.contract.request import Strict, first_error
from reference_results.printed import PrintedNumber, numbers
from reference_results.relations import Ref, Relation, operands

FOLDER = Path(__file__).parent


class Number(Strict):
    """A printed number that claims rest on. `exact`: a count or a definition, not a rounded measurement."""

    id: Ref
    place: str
    printed: str
    unit: str
    exact: bool = False

    def parsed(self) -> list[PrintedNumber]:
        """The numbers in the printed string. An exact one has step 0: it stands for itself only."""
        found = numbers(self.printed)
        return [n.rounded(n.step * 0) for n in found] if self.exact else found


class Claim(Number):
    """One published number or statement (design section 1).

    table: claims of one table that share a rounding convention; a convention excuses one of them only if it fits
    all. checks: `case/check` patterns (shell wildcards) whose results test the claim.
    """

    quantity: str
    route: Literal["recompute", "phantom", "simulation", "licensed", "hardware"]
    relation: Relation | None = None
    table: str = ""
    checks: list[str] = Field(default_factory=list)
    command: str = ""
    needs: str = Field(default="", description="what a licensed or hardware claim needs before it can be tested")

    @model_validator(mode="after")
    def _route_has_its_means(self) -> "Claim":
        wanted = {"recompute": "relation", "phantom": "checks", "simulation": "checks"}.get(self.route, "command")
        for name in ("relation", "checks", "command"):
            if name == wanted and not getattr(self, name):
                raise ValueError(f"route {self.route} needs {name}")
        if (self.relation is not None) != (self.route == "recompute"):
            raise ValueError("a relation belongs to route recompute")
        if wanted == "command" and not self.needs:
            raise ValueError(f"route {self.route} needs `needs`: what must be there to run the command")
        return self


class Ledger(Strict):
    """All claims of one paper, with the helper numbers that their relations use."""

    schema_version: Literal["1.0"]
    paper: str
    reference: str = Field(description="where the paper is: DOI or other locator, no sentence of it")
    numbers: list[Number] = Field(default_factory=list)
    claims: list[Claim]

    def number(self, key: str) -> Number:
        """The claim or helper number of this id. Raises KeyError."""
        return {n.id: n for n in (*self.numbers, *self.claims)}[key]


def _entries(raw: dict[str, Any], kind: type[Number], section: str, name: str) -> list[Any]:
    """Validate one by one, so that the complaint names the entry."""
    entries = []
    for position, value in enumerate(raw.get(section, []), start=1):
        label = value.get("id") if isinstance(value, dict) else None
        where = f"{name}, {section} entry {label or f'number {position}'}"
        try:
            entry = kind.model_validate(value)
            if not isinstance(entry, Claim) or entry.relation is not None:
                entry.parsed()
        except ValidationError as error:
            raise RequestFault(first_error(error), where=where, mend="see reference_results/ledger.py") from error
        except ValueError as error:
            raise RequestFault(f"printed: {error}", where=where, mend="give the number as it is printed") from error
        entries.append(entry)
    return entries


def _check_references(ledger: Ledger, name: str) -> None:
    known: set[str] = set()
    for entry in (*ledger.numbers, *ledger.claims):
        if entry.id in known:
            raise RequestFault("is given twice", where=f"{name}, {entry.id}", mend="ids are unique in a ledger")
        known.add(entry.id)
    for claim in ledger.claims:
        for key in operands(claim.relation) if claim.relation else []:
            where = f"{name}, claims entry {claim.id}"
            if key not in known:
                raise RequestFault(f"its relation uses unknown id {key!r}", where=where, mend="add the number")
            if key == claim.id:
                raise RequestFault("its relation uses the claim itself", where=where, mend="use other numbers")
            try:
                ledger.number(key).parsed()
            except ValueError as error:
                raise RequestFault(f"operand {key!r}: {error}", where=where, mend="use printed numbers") from error


def load_ledger(path: Path) -> Ledger:
    """Read a `claims.toml`. Raises RequestFault, one line with the file and the entry, when it is wrong."""
    name = f"{path.parent.name}/{path.name}"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestFault(f"cannot be read ({error.strerror})", where=name, mend="add a claims.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestFault(f"is not TOML ({error})", where=name, mend="mend the syntax") from error
    parts = {
        "numbers": _entries(raw, Number, "numbers", name),
        "claims": _entries(raw, Claim, "claims", name),
    }
    try:
        ledger = Ledger.model_validate(raw | parts)
    except ValidationError as error:
        raise RequestFault(first_error(error), where=name, mend="see reference_results/ledger.py") from error
    _check_references(ledger, name)
    return ledger


def ledgers(folder: Path = FOLDER) -> list[Ledger]:
    """The ledgers of all papers (`<paper>/claims.toml`), by folder name. Raises RequestFault for a wrong one."""
    return [load_ledger(path) for path in sorted(folder.glob("*/claims.toml"))]
