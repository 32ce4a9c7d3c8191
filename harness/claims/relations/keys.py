"""What the fields of relations are: ids of printed numbers, and settings that are not printed numbers."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field


class Key(str):
    """The id of a claim or of a helper number. A type of its own, so that operands are kept apart from settings."""

    __slots__ = ()


class Aside(Key):
    """An id that is only looked at to explain or excuse a mismatch: the claim does not rest on it."""

    __slots__ = ()


_PATTERN = r"^[a-z0-9][a-z0-9_.]*$"
Ref = Annotated[str, Field(pattern=_PATTERN), AfterValidator(Key)]
AsideRef = Annotated[str, Field(pattern=_PATTERN), AfterValidator(Aside)]
Decimal = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
"""A decimal number as a string, which keeps it exact."""
Signed = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal number with a sign where it is negative, as a string."""


def _below_one(share: str) -> str:
    if not 0 < Fraction(share) < 1:
        raise ValueError("a share lies between 0 and 1")
    return share


Share = Annotated[str, Field(pattern=r"^(0?\.[0-9]+|[0-9]+/[1-9][0-9]*)$"), AfterValidator(_below_one)]
"""A share of a whole, such as 1/3 or 0.25."""
Part = Literal["estimate", "lower", "upper"]


def keys(value: Any) -> Iterable[Key]:
    """All ids in a relation, or in a field of one, in order."""
    if isinstance(value, Key):
        yield value
    elif isinstance(value, BaseModel):
        for _, entry in value:
            yield from keys(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from keys(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from keys(entry)
