"""One kind of relation between printed numbers, in one class: its fields and all that is known of it.

A kind is a class with a `kind` of its own that a module of this folder defines; nothing else names it. A module may
hold a few kinds that share their arithmetic.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin

from containers.contract.request import Strict
from harness.claims.interval import show
from harness.claims.reading import Excuse, Reading, Terms
from harness.claims.relations.keys import Aside, keys
from harness.claims.rounding import printed_interval

if TYPE_CHECKING:  # the ledger holds relations, so it is imported after them
    from harness.claims.ledger import Claim, Ledger, Number
    from harness.claims.source import Source


@dataclass(frozen=True)
class Example:
    """Numbers that satisfy a relation, and one that does not: what every kind is tested with."""

    numbers: Mapping[str, str]
    """Printed strings of the operands, by id; a string of digits alone is an exact count."""
    fields: Mapping[str, Any]
    """Fields of the relation, without its kind."""
    right: str
    """A printed claim that the operands give."""
    wrong: str = ""
    """A printed claim that they contradict; empty where only other operands contradict the claim, or nothing does."""
    unit: str = "1"
    """Unit of the claim and of all operands."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """Operands with other printed strings, which contradict the claim that `right` is; empty where `wrong` is given."""
    claims: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Operands that are claims themselves: printed string and relation, by id."""


class Relation(Strict, ABC):
    """How a claim follows from other printed numbers of its ledger."""

    kind: str
    """Names the relation in the ledger."""

    in_words: ClassVar[str] = ""
    """What the claim is, in a few words for the table of relations."""
    excused: ClassVar[str] = ""
    """What else is tried that excuses a mismatch, for the table; empty for nothing of this kind's own."""
    explained: ClassVar[str] = ""
    """What else is tried that explains a mismatch, for the table; empty for nothing of this kind's own."""
    bounds_only: ClassVar[bool] = False
    """Whether it bounds the printed value without fixing it: it contradicts or is consistent, never more."""
    statement: ClassVar[bool] = False
    """Whether it tests other numbers than the claim's own, so that the printed text may be words."""
    probability: ClassVar[bool] = False
    """Whether the claim is a probability, from 0 to 1."""
    cut_off: ClassVar[bool] = True
    """Whether cut-off digits are tried; not where the claim counts, or where its bounds are far wider than a digit."""
    examples: ClassVar[tuple[Example, ...]] = ()
    """Numbers that every kind is tested with; at least one."""

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        annotation = cls.model_fields["kind"].annotation
        if "kind" in cls.__annotations__ and get_origin(annotation) is Literal:
            _register(get_args(annotation)[0], cls)

    @abstractmethod
    def compute(self, source: "Source") -> Terms:
        """What the claim's number should be. Raises ValueError or ZeroDivisionError where that has no value."""

    def against(self, claim: "Claim", source: "Source", reading: Reading) -> Reading:
        """The plain reading, with what the printed text stands for where that is more than the claim's rounding."""
        return reading

    def readings(self, claim: "Claim", source: "Source") -> list[Reading]:
        """Other readings of the claim, which may excuse or explain a mismatch, in the order in which they are shown."""
        return []

    def premises(self) -> list[str]:
        """What the relation takes for granted and the paper does not say, in sentences."""
        return []

    def limits(self) -> Iterable[tuple[str | None, str, str]]:
        """Ids of an estimate (None where there is none), its lower and its upper limit, which must be in this order."""
        return ()

    def not_negative(self) -> list[str]:
        """Ids of operands that cannot be below zero, such as standard deviations and counts."""
        return []

    def exchanged(self) -> Self | None:
        """The relation with each lower limit in the place of the upper one; None where it has no limits."""
        return None

    def is_bound(self) -> bool:
        """Whether this relation only bounds the claim; for some kinds that depends on how limits were made."""
        return self.bounds_only

    def assumed(self, key: str, number: "Number") -> bool:
        """Whether the value that an operand is read as is an assumption: one that is printed as an approximation."""
        return bool(number.parsed()[0].about)

    def assumptions(self, ledger: "Ledger") -> list[str]:
        """What the computation takes for granted and the paper does not say, in sentences."""
        numbers = [number for key in self.operands() if self.assumed(key, number := ledger.number(key))]
        reads = [(n.printed, show(printed_interval(n.parsed()[0])), n.unit) for n in numbers]
        return [*self.premises(), *(f"Assumption: “{text}” is read as {value} {unit}." for text, value, unit in reads)]

    def plain(self, claim: "Claim", source: "Source", name: str = "as printed", excuse: Excuse = "no") -> Reading:
        """What the relation computes against what the printed text stands for. Raises as `compute` does."""
        notes = self.assumptions(source.ledger) if excuse == "no" else []
        reading = Reading(name, self.compute(source), source.target(claim), excuse, notes)
        return self.against(claim, source, reading)

    def operands(self) -> list[str]:
        """Ids of all printed numbers that the relation uses, in the order of its fields, each once."""
        return list(dict.fromkeys(str(key) for key in keys(self)))

    def supports(self) -> list[str]:
        """Ids of the printed numbers that it rests on: its operands without those that are only looked at aside."""
        return list(dict.fromkeys(str(key) for key in keys(self) if not isinstance(key, Aside)))

    def swapped(self, one: str, other: str) -> Self:
        """The relation with the values of two fields exchanged."""
        return self.model_copy(update={one: getattr(self, other), other: getattr(self, one)})


KINDS: dict[str, type[Relation]] = {}
"""Every class that was defined, by its kind. `harness.claims.relations.registry` has all kinds of the folder."""


def _register(kind: str, made: type[Relation]) -> None:
    known = KINDS.setdefault(kind, made)
    if (known.__module__, known.__qualname__) != (made.__module__, made.__qualname__):
        raise TypeError(f"kind {kind!r} of {made.__module__} is that of {known.__module__} already")
