"""The table of relations in reference_results/README.md, made from their classes.

`python -m harness.claims.relation_table` rewrites it between its two marks.
"""

import sys
from typing import Any, get_args

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from containers.contract.files import write_text
from harness.claims.loader import FOLDER
from harness.claims.relations.base import Relation
from harness.claims.relations.keys import Key
from harness.claims.relations.registry import kinds

README = FOLDER / "README.md"
BEGIN = "<!-- made by: python -m harness.claims.relation_table -->"
END = "<!-- end of what is made -->"
HEAD = ("| kind | claim = | also tried: excuses | explains |", "|---|---|---|---|")


def _is_id(part: Any) -> bool:
    """Whether an annotation, or a part of one, stands for an id of a printed number."""
    if isinstance(part, AfterValidator):
        return isinstance(part.func, type) and issubclass(part.func, Key)
    if isinstance(part, FieldInfo):
        return _is_id(part.annotation) or any(_is_id(more) for more in part.metadata)
    if isinstance(part, type) and issubclass(part, BaseModel):
        return any(_is_id(info) for info in part.model_fields.values())
    return any(_is_id(more) for more in get_args(part))


def _row(kind: str, made: type[Relation]) -> str:
    fields = [f"*{name}*" if _is_id(info) else name for name, info in made.model_fields.items() if name != "kind"]
    first = f"`{kind}` {{{', '.join(fields)}}}" + (" **b**" if made.bounds_only else "")
    cells = [first, *(text.replace("|", "\\|") for text in (made.in_words, made.excused, made.explained))]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def table() -> str:
    """The table in Markdown: a row for each kind, by name; ids in italics."""
    return "\n".join([*HEAD, *(_row(kind, made) for kind, made in sorted(kinds().items()))])


def with_table(text: str) -> str:
    """The README's text with the table of the classes as they are. Raises ValueError where a mark is missing."""
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:start]}\n{table()}\n{text[end:]}"


def main() -> int:
    """Write the table into the README; says whether it changed."""
    old = README.read_text(encoding="utf-8")
    new = with_table(old)
    if new != old:
        write_text(README, new)
    print(f"{README.name}: {'written' if new != old else 'as it was'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
