"""Estimates with their intervals in rows, by group: odds ratios, pooled differences, printed or simulated.

Invariant: nothing is estimated here. What has no value is written as undefined, never drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

from containers.contract.errors import ItemFault
from harness.pictures.frame import EVIDENCE_COLOURS, SOFT, STYLE, TEXT, new_figure, save

ROW_IN, HEAD_IN, FOOT_IN = 0.27, 0.6, 0.85
WIDTH_IN, LEFT_IN, RIGHT_IN = 9.6, 2.6, 3.0
RATIO_TICKS = (0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10)


@dataclass(frozen=True)
class Row:
    """One estimate."""

    label: str
    """What stands at its left."""
    centre: float | None
    """The estimate; None where there is none."""
    low: float | None = None
    """Lower limit; None where there is none."""
    high: float | None = None
    """Upper limit; None where there is none."""
    second: tuple[float | None, float | None, float | None] | None = None
    """Centre, low and high of what stands under it, drawn hollow; None for nothing."""
    note: str = ""
    """What stands at its right; empty for nothing."""


@dataclass(frozen=True)
class Group:
    """Rows under one heading."""

    heading: str
    """What stands over the rows."""
    rows: Sequence[Row]
    """The rows from top to bottom."""


def text_of(row: Row, digits: int = 2) -> str:
    """`1.60 [1.45, 1.77]`."""
    if row.centre is None:
        return "undefined"
    ends = "" if row.low is None or row.high is None else f" [{row.low:.{digits}f}, {row.high:.{digits}f}]"
    return f"{row.centre:.{digits}f}{ends}".replace("-", "−")


def _draw(axes: Axes, row: Row, at: float, colour: str) -> None:
    if row.centre is None:
        return
    lift = 0.13 if row.second else 0.0
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [at - lift] * 2, color=colour, linewidth=1.6, solid_capstyle="butt")
    axes.scatter([row.centre], [at - lift], s=26, marker="s", color=colour, zorder=3, linewidths=0)
    centre, low, high = row.second or (None, None, None)
    if centre is not None:
        if low is not None and high is not None:
            axes.plot([low, high], [at + 0.2] * 2, color=TEXT, linewidth=0.9)
        axes.scatter([centre], [at + 0.2], s=20, marker="D", facecolor="white", edgecolor=TEXT, zorder=3, linewidths=1)


def _scale(axes: Axes, values: list[float], reference: float, *, log: bool) -> None:
    low, high = min([*values, reference]), max([*values, reference])
    if log:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.06, high * 1.06)
        axes.xaxis.set_major_locator(FixedLocator([t for t in RATIO_TICKS if low / 1.06 <= t <= high * 1.06]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.05 * (high - low) or 1.0
        axes.set_xlim(low - margin, high + margin)


def interval_plot(
    groups: Sequence[Group], out_png: Path, title: str, evidence: str, *, xlabel: str, log: bool, notes: Sequence[str]
) -> None:
    """Rows of estimates with their intervals, the text of each at the right. log: ratios, about 1; else about 0.

    Raises ItemFault when no row has a value.
    """
    rows = [row for group in groups for row in group.rows]
    ends = [v for row in rows for v in (row.centre, row.low, row.high, *(row.second or ())) if v is not None]
    if not ends:
        raise ItemFault("has no estimate to draw", where=title, fix="give results with estimates")
    lines = len(rows) + len(groups)
    height_in = HEAD_IN + FOOT_IN + 0.16 * max(0, len(notes) - 1) + ROW_IN * lines
    foot_in = FOOT_IN + 0.16 * max(0, len(notes) - 1)
    colour = EVIDENCE_COLOURS.get(evidence, TEXT)
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(WIDTH_IN, height_in, title, evidence)
        box = (LEFT_IN / WIDTH_IN, foot_in / height_in, 1 - (LEFT_IN + RIGHT_IN) / WIDTH_IN)
        axes = figure.add_axes((*box, 1 - (HEAD_IN + foot_in) / height_in), ylim=(lines - 0.4, -0.6))
        reference = 1.0 if log else 0.0
        _scale(axes, ends, reference, log=log)
        axes.axvline(reference, color=SOFT, linewidth=0.9, linestyle="--")
        place, at = axes.get_yaxis_transform(), 0
        for group in groups:
            axes.text(-0.6, at, group.heading, transform=place, va="center", fontsize=8.5, fontweight="bold")
            at += 1
            for row in group.rows:
                _draw(axes, row, at, colour)
                axes.text(-0.03, at, row.label, transform=place, ha="right", va="center", fontsize=8)
                said = f"{text_of(row)}   {row.note}".rstrip()
                axes.text(1.03, at, said, transform=place, va="center", fontsize=7.5)
                at += 1
        axes.set(yticks=[], xlabel=xlabel)
        axes.tick_params(labelsize=8)
        axes.spines[["left", "right", "top"]].set_visible(False)
        figure.text(0.015, 0.12 / height_in, "\n".join(notes), fontsize=7.5, color=SOFT, va="bottom", linespacing=1.4)
        save(figure, out_png)
