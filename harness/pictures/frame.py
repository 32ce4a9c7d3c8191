"""The frame of a picture: figure, panels in mm, letters of the patient's directions, grey window.

Figures are white with black type, so that they suit a light page, a dark page and paper; only the panels that show
MRI are black. Letters stand above the frame of a panel, never on the data.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from containers.contract.files import replacing

EVIDENCE_COLOURS = {
    "phantom": "#7b5cd6",
    "mutant": "#b8471b",
    "real data": "#0f7f6e",
    "simulation": "#2f6fb0",
    "recomputed from print": "#84560a",
}
PAPER, TEXT, SOFT, MRI = "#ffffff", "#1a1f27", "#586273", "#000000"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": "#8a93a0",
    "axes.facecolor": PAPER,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "figure.facecolor": PAPER,
}
DPI = 110
MARGIN_MM = 15.0
HEAD_IN, GAP_IN = 1.0, 0.75

Extent = tuple[float, float, float, float]


def save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        figure.savefig(stream, format="png", metadata={"Software": None})


def new_figure(width_in: float, height_in: float, title: str, evidence: str) -> Figure:
    """A figure with its title at the left and the kind of evidence at the right of the top line."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI)
    top = 1 - 0.27 / height_in
    figure.text(0.015, top, title, fontsize=11, fontweight="bold", va="center")
    box = {"boxstyle": "round,pad=0.35", "facecolor": EVIDENCE_COLOURS.get(evidence, "#5a6470"), "edgecolor": "none"}
    figure.text(
        0.985, top, evidence.upper(), fontsize=9, fontweight="bold", color="white", va="center", ha="right", bbox=box
    )
    return figure


def panel(axes: Axes, image: npt.NDArray[Any], extent: Extent, **options: Any) -> None:
    """Draw one slice with its extent (left, right, bottom, top) in mm.

    Rows run from bottom to top, unless another `origin` is given.
    """
    axes.imshow(image, extent=extent, aspect="equal", **{"cmap": "gray", "origin": "lower", **options})
    axes.set_facecolor(MRI)
    axes.tick_params(labelsize=7, length=2)


def name_panel(axes: Axes, title: str, left: str, right: str, up: str) -> None:
    """Title, and under it, just above the frame, the letters of the patient's directions."""
    axes.set_title(title, pad=15)
    for x, letter, align in ((0.0, left, "left"), (0.5, up, "center"), (1.0, right, "right")):
        axes.annotate(
            letter,
            (x, 1.0),
            xycoords="axes fraction",
            xytext=(0, 3),
            textcoords="offset points",
            ha=align,
            va="bottom",
            fontsize=8,
            fontweight="bold",
            annotation_clip=False,
        )


def window(data: npt.NDArray[Any]) -> tuple[float, float]:
    """Grey window: 0 (or the smallest value) to the 99.5th percentile of what is not background."""
    finite = data[np.isfinite(data)]
    inside = finite[finite > 0]
    high = float(np.percentile(inside, 99.5)) if inside.size else 1.0
    return min(0.0, float(finite.min()) if finite.size else 0.0), high


def row_of_panels(figure: Figure, widths: list[float], heights: list[float], foot_in: float) -> list[Axes]:
    """Axes side by side, all at the same scale, each as wide and high as its field of view in mm asks."""
    width_in, height_in = (float(v) for v in figure.get_size_inches())
    room_w, room_h = width_in - GAP_IN * len(widths) - 0.5, height_in - HEAD_IN - foot_in
    scale = min(room_w / sum(widths), room_h / max(heights))
    left = (width_in - scale * sum(widths) - GAP_IN * len(widths) - 0.3) / 2
    axes = []
    for width, height in zip(widths, heights, strict=True):
        left += GAP_IN - 0.1
        box = (left / width_in, (foot_in + room_h - scale * height) / height_in)
        axes.append(figure.add_axes((*box, scale * width / width_in, scale * height / height_in)))
        left += scale * width + 0.1
    return axes


def crop(filled: npt.NDArray[np.bool_], axis: int, edges: tuple[float, float]) -> tuple[float, float]:
    """Range in mm along an axis (0 z, 1 y, 2 x) that holds everything filled, with a margin; all when nothing is."""
    others = tuple(a for a in range(3) if a != axis)
    found = np.flatnonzero(filled.any(axis=others))
    if not found.size:
        return edges
    low, high = edges
    step = (high - low) / filled.shape[axis]
    return max(low, low + found[0] * step - MARGIN_MM), min(high, low + (found[-1] + 1) * step + MARGIN_MM)


def whole(value: float) -> str:
    """A whole number with a true minus sign."""
    return f"{value:.0f}".replace("-", "−")


def at_mm(index: int, edges: tuple[float, float], count: int) -> float:
    """Position in mm of a slice's centre."""
    return edges[0] + (index + 0.5) * (edges[1] - edges[0]) / count
