"""A vocabulary: the class names of one tool, and what those mean that this project calls otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from containers.toolkit.images.names.spelling import SIDES

Kind = Literal["muscle", "bone", "other"]


@dataclass(frozen=True)
class Vocabulary:
    """Class names as a tool writes them."""

    title: str
    """The tool and its class lists."""
    source: str
    """Where the names stand: repository and file, or package with its version."""
    muscles: tuple[str, ...]
    """Names of muscles and groups of muscles."""
    bones: tuple[str, ...]
    """Names of bones that thighs and backs are measured by."""
    others: tuple[str, ...]
    """All other names."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Structure by name without its side (see `spelling.parted`), for those names that are not the structure's own."""

    def kinds(self) -> dict[str, Kind]:
        """Kind of each name."""
        found: dict[str, Kind] = dict.fromkeys(self.others, "other")
        found.update(dict.fromkeys(self.bones, "bone"))
        found.update(dict.fromkeys(self.muscles, "muscle"))
        return found


def both(*names: str, form: str = "{name}_{side}") -> tuple[str, ...]:
    """Each name on the left and on the right. form: how the tool joins name and side."""
    return tuple(form.format(name=name, side=side) for name in names for side in SIDES)
