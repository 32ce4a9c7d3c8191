"""Words for people that several parts of the harness print."""

from collections.abc import Sequence


def plural(count: int, one: str, many: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)
