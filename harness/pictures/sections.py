"""A coronal section with axial ones next to it, through a volume with something painted over it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from matplotlib.axes import Axes

from harness.pictures.frame import Extent, at_mm, name_panel, panel, whole, window
from harness.pictures.slices import Upright

Span = tuple[float, float]
Paint = Callable[[Axes, npt.NDArray[Any], Extent, str], None]
"""Paints one slice of what lies over the volume: axes, the slice, its extent (left, right, bottom, top) in mm as it is
drawn, and which side its first row is on: `lower` or `upper`."""


@dataclass(frozen=True)
class Sections:
    """The sections of one picture."""

    volume: Upright
    """What is drawn in grey."""
    over: Upright
    """What is painted over it, on the same grid."""
    paint: Paint
    """How it is painted."""

    def coronal(self, axes: Axes, row: int) -> None:
        """The section through row `row` along y."""
        low, high = window(self.volume.data)
        edges = (*self.volume.x, *self.volume.z)
        panel(axes, self.volume.data[:, row, :], edges, vmin=low, vmax=high)
        self.paint(axes, self.over.data[:, row, :], edges, "lower")
        y = at_mm(row, self.volume.y, self.volume.data.shape[1])
        name_panel(axes, f"coronal, y = {whole(y)} mm", "R", "L", "S")
        axes.set(xlabel="x, to the left (mm)", ylabel="z, to superior (mm)")

    def axial(self, axes: Axes, level: int, name: str, x_span: Span, y_span: Span, coronal: Axes) -> None:
        """The section at plane `level` along z, cropped to the spans in mm; `coronal` gets a mark at its height."""
        low, high = window(self.volume.data)
        (y0, y1) = self.volume.y
        edges = (*self.volume.x, y1, y0)
        panel(axes, self.volume.data[level], edges, vmin=low, vmax=high, origin="upper")
        self.paint(axes, self.over.data[level], edges, "upper")
        # y runs down: anterior is at the top of an axial slice
        axes.set(xlim=x_span, ylim=y_span[::-1])
        z = at_mm(level, self.volume.z, len(self.volume.data))
        name_panel(axes, f"axial, {name}, z = {whole(z)} mm", "R", "L", "A")
        coronal.annotate(
            "◄", (1.0, z), xycoords=coronal.get_yaxis_transform(), va="center", fontsize=8, annotation_clip=False
        )
