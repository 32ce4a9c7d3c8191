"""Words for people that several parts of the harness print."""


def plural(count: int, one: str, many: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
