"""How participants or studies were selected: a flow of boxes, each with its printed number and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
from matplotlib.patches import FancyBboxPatch

from harness.pictures.frame import SOFT, STYLE, TEXT, new_figure, save

AGREES, DIFFERS = "#14713d", "#b3261e"


@dataclass(frozen=True)
class Stage:
    """One box."""

    label: str
    """What stands in it."""
    number: float
    """Number of persons in it, as printed."""
    left_out: tuple[float, str] | None = None
    """Number and words of those who leave after it; None for the last box."""


def selection(stages: Sequence[Stage], out_png: Path, title: str, evidence: str, *, notes: Sequence[str]) -> None:
    """Boxes from top to bottom; next to each step, whether the numbers subtract to the next one."""
    with matplotlib.style.context(["default", STYLE]):
        height_in = 1.0 + 1.0 * len(stages) + 0.16 * len(notes)
        figure = new_figure(9.0, height_in, title, evidence)
        foot = (0.35 + 0.16 * len(notes)) / height_in
        axes = figure.add_axes((0.02, foot, 0.96, 1 - foot - 0.6 / height_in), xlim=(0, 10), ylim=(-len(stages), 0))
        axes.axis("off")
        for at, stage in enumerate(stages):
            _box(figure_axes=axes, x=0.2, y=-at - 0.75, width=4.2, text=f"{stage.number:,.0f} {stage.label}")
            if at + 1 == len(stages):
                continue
            axes.annotate("", (2.3, -at - 1.22), (2.3, -at - 0.78), arrowprops={"arrowstyle": "->", "color": SOFT})
            if stage.left_out is None:
                continue
            number, words = stage.left_out
            _box(figure_axes=axes, x=5.4, y=-at - 1.2, width=4.4, text=f"{number:,.0f} {words}")
            left, after = stage.number - number, stages[at + 1].number
            same = left == after
            said = f"{stage.number:,.0f} − {number:,.0f} = {left:,.0f}" + ("" if same else f", printed {after:,.0f}")
            axes.text(
                2.45,
                -at - 1.0,
                ("✓ " if same else "✗ ") + said,
                fontsize=8,
                va="center",
                color=AGREES if same else DIFFERS,
            )
        figure.text(0.015, 0.1 / height_in, "\n".join(notes), fontsize=7.5, color=SOFT, va="bottom", linespacing=1.4)
        save(figure, out_png)


def _box(*, figure_axes: matplotlib.axes.Axes, x: float, y: float, width: float, text: str) -> None:
    patch = FancyBboxPatch((x, y), width, 0.5, boxstyle="round,pad=0.02", facecolor="#eef1f5", edgecolor="#8a93a0")
    figure_axes.add_patch(patch)
    figure_axes.text(x + width / 2, y + 0.25, text, ha="center", va="center", fontsize=9, color=TEXT)
