"""The claim ledger of a paper: `claims/*.toml`, facts and figures only.

Invariants: every printed number stands once, as the string that was printed; ids are unique over all files of a
paper; a relation uses ids of its own paper only, and no claim rests on itself over others; each route carries what
settles it (`recompute` a relation, `phantom` and `simulation` checks, `licensed` and `hardware` a command).
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, SerializeAsAny, model_validator

from containers.contract.request import Strict
from harness.claims.printed import PrintedNumber, numbers
from harness.claims.relations.base import Relation
from harness.claims.relations.keys import Ref
from harness.claims.relations.registry import validated

AnyRelation = Annotated[SerializeAsAny[Relation], BeforeValidator(validated)]
"""A relation of any kind that the registry knows when an entry is read."""


class Number(Strict):
    """A printed number that claims rest on."""

    id: Ref
    """Identifier, unique in the paper's ledger, by which relations name the number."""
    place: str
    """Where the paper prints it: section, table or figure, with row and column."""
    printed: str
    """The string as printed; its digits give the rounding."""
    unit: str
    """Unit of the number, from the vocabulary of `units` or a counted thing of the paper."""
    exact: bool = False
    """Whether it is a count or a definition, not a rounded measurement."""
    as_printed: bool = False
    """Whether it was compared with the paper, so that limits in an impossible order are the paper's own."""

    def parsed(self) -> list[PrintedNumber]:
        """The numbers in the printed string. An exact one has step 0: it stands for itself only."""
        found = numbers(self.printed)
        return [n.rounded(n.step * 0) for n in found] if self.exact else found


class Claim(Number):
    """One published number or statement (design section 1)."""

    quantity: str
    """What the number is of, in own words."""
    route: Literal["recompute", "phantom", "simulation", "licensed", "hardware"]
    """The kind of evidence that can settle the claim."""
    relation: AnyRelation | None = None
    """How the number follows from others; None on every route but `recompute`."""
    table: str = ""
    """Name of a group of claims with one rounding convention, which must fit all to excuse one; empty for none."""
    checks: list[str] = Field(default_factory=list)
    """Patterns of `case/check` (shell wildcards) whose results test the claim; empty on other routes."""
    command: str = ""
    """Command that would test a licensed or hardware claim; empty on other routes."""
    bench: str = ""
    """Row of `myorepro bench` that a hardware claim about a time rests on; empty for none."""
    needs: str = ""
    """What a licensed or hardware claim needs before it can be tested; empty on other routes."""

    @model_validator(mode="after")
    def _route_has_its_means(self) -> "Claim":
        wanted = {"recompute": "relation", "phantom": "checks", "simulation": "checks"}.get(self.route, "command")
        for name in ("relation", "checks", "command"):
            if name == wanted and not getattr(self, name):
                raise ValueError(f"route {self.route} needs {name}")
        if (self.relation is not None) != (self.route == "recompute"):
            raise ValueError("a relation belongs to route recompute")
        if self.bench and self.route != "hardware":
            raise ValueError("bench belongs to route hardware")
        if wanted == "command" and not self.needs:
            raise ValueError(f"route {self.route} needs `needs`: what must be there to run the command")
        return self


class Ledger(Strict):
    """All claims of one paper, with the helper numbers that their relations use."""

    schema_version: Literal["1.0"]
    """Version of the ledger's form."""
    paper: str
    """Name of the paper, by which results refer to it."""
    reference: str
    """Where the paper is: DOI or other locator, no sentence of it."""
    counted: list[str] = Field(default_factory=list)
    """Words for counted things of this paper, which count as units."""
    numbers: list[Number] = Field(default_factory=list)
    """Helper numbers that relations use and that are not claims themselves."""
    claims: list[Claim]
    """The claims, in the order of the files."""
    _lines: dict[str, str] = PrivateAttr(default_factory=dict)
    """File and line of each entry, by id, for messages; filled by the loader."""
    _index: dict[str, Any] = PrivateAttr(default_factory=dict)
    """Entries by id, filled at the first look-up."""

    @property
    def counted_words(self) -> frozenset[str]:
        """Words that are units of counted things in this paper."""
        return frozenset(self.counted)

    def number(self, key: str) -> Number:
        """The claim or helper number of this id. Raises KeyError."""
        if self._index.get("of") is not self.claims:
            self._index.update({"of": self.claims, "by_id": {n.id: n for n in (*self.numbers, *self.claims)}})
        found: Number = self._index["by_id"][key]
        return found

    def where(self, key: str) -> str:
        """File and line of an entry, or the paper and its id for a ledger that was not read from files."""
        return self._lines.get(key, f"{self.paper}, {key}")

    def placed(self, lines: dict[str, str]) -> "Ledger":
        """The same ledger, that knows file and line of its entries."""
        self._lines.update(lines)
        return self
