"""Heat map of odds ratios over two z-scores, with the odds ratio and its interval written in each cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from containers.contract.errors import ItemFault
from harness.pictures.frame import SOFT, STYLE, TEXT, new_figure, save

MAP = "PuOr_r"
"""Diverging about 1, distinguished by people who do not see red and green."""


def heat_plot(
    cells: Mapping[tuple[float, float], tuple[float, Sequence[str]]],
    out_png: Path,
    title: str,
    evidence: str,
    *,
    axes_names: tuple[str, str],
    notes: Sequence[str],
    marked: frozenset[tuple[float, float]] = frozenset(),
) -> None:
    """cells: (x, y) -> (odds ratio, lines under it). marked: cells with a frame. Raises ItemFault without cells."""
    if not cells:
        raise ItemFault("has no odds ratio to draw", where=title, fix="give results with combined odds ratios")
    xs, ys = (sorted({place[axis] for place in cells}) for axis in (0, 1))
    span = max(max(abs(np.log(ratio)) for ratio, _ in cells.values()), 0.05)
    low, high = float(np.exp(-span)), float(np.exp(span))
    norm = LogNorm(low, high)
    with matplotlib.style.context(["default", STYLE]):
        height_in = 6.0 + 0.16 * len(notes)
        figure = new_figure(8.4, height_in, title, evidence)
        foot = (0.75 + 0.16 * len(notes)) / height_in
        axes = figure.add_axes((0.11, foot, 0.72, 1 - foot - 0.7 / height_in))
        colours = matplotlib.colormaps[MAP]
        for (x, y), (ratio, lines) in cells.items():
            column, row = xs.index(x), ys.index(y)
            colour = colours(norm(ratio))
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
            ink = "white" if np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5 else TEXT
            place = (column + 0.5, row + 0.5 + (0.16 if lines else 0))
            axes.text(*place, f"{ratio:.2f}", ha="center", va="center", fontsize=12, fontweight="bold", color=ink)
            if lines:
                axes.text(column + 0.5, row + 0.36, "\n".join(lines), ha="center", va="center", fontsize=7, color=ink)
        for x, y in sorted(marked & set(cells)):
            inner = (xs.index(x) + 0.04, ys.index(y) + 0.04)
            axes.add_patch(Rectangle(inner, 0.92, 0.92, fill=False, edgecolor=TEXT, linewidth=1.6))
        axes.set(xlim=(0, len(xs)), ylim=(0, len(ys)), xlabel=axes_names[0], ylabel=axes_names[1])
        for axis, values in ((axes.xaxis, xs), (axes.yaxis, ys)):
            axis.set_ticks([i + 0.5 for i in range(len(values))], [f"{v:+g}".replace("-", "−") for v in values])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.add_axes((0.87, foot, 0.025, 1 - foot - 0.7 / height_in))
        scale = figure.colorbar(ScalarMappable(norm, MAP), cax=bar, label="odds ratio")
        ticks = [t for t in (0.25, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 4) if low <= t <= high]
        scale.ax.yaxis.set_major_locator(FixedLocator(ticks))
        scale.ax.yaxis.set_minor_locator(NullLocator())
        scale.ax.yaxis.set_major_formatter(ScalarFormatter())
        figure.text(0.015, 0.12 / height_in, "\n".join(notes), fontsize=7.5, color=SOFT, va="bottom", linespacing=1.4)
        save(figure, out_png)
