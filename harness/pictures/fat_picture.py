"""A fat-fraction map, with the edge of its labels."""

from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from containers.toolkit.images.volume import read_nrrd
from harness.pictures import examples
from harness.pictures.frame import (
    HEAD_IN,
    STYLE,
    at_mm,
    crop,
    name_panel,
    new_figure,
    panel,
    row_of_panels,
    save,
    whole,
)
from harness.pictures.label_picture import read_over
from harness.pictures.registry import picture
from harness.pictures.slices import coronal_row, label_slices, upright

DIMMED = 0.3
"""Opacity of what has no label."""


@picture("fat_fraction", needs="overlay", example=examples.volume_and_labels)
def fat_fraction(volume_path: Path, labels_path: Path | None, out_png: Path, title: str, evidence: str) -> None:
    """A fat-fraction map in per cent (NRRD), axial and coronal, 0 to 100 % with a scale; outlines of the labels.

    Both panels are cropped to what is labelled, with the same x range and scale. Values outside 0 to 100 % (noise)
    are drawn at the ends of the scale. What has no label is dimmed: a ratio of two noises in air would outshine the
    muscles. Raises ItemFault.
    """
    if labels_path is None:
        volume, labels = upright(read_nrrd(volume_path)), None
        level = len(volume.data) // 2
        row = coronal_row(volume)
    else:
        volume, labels, _ = read_over(volume_path, labels_path)
        level, row = label_slices(labels.data)[0], coronal_row(labels)
    (x0, x1), (y0, y1), (z0, z1) = volume.x, volume.y, volume.z
    filled = np.ones(volume.data.shape, dtype=bool) if labels is None else labels.data > 0
    spans = [crop(filled, axis, edges) for axis, edges in ((2, volume.x), (1, volume.y), (0, volume.z))]
    x_span, y_span, z_span = spans
    with matplotlib.style.context(["default", STYLE]):
        wide, deep, tall = (high - low for low, high in spans)
        foot_in, width_in = 1.45, 9.6
        # The row fills the width, unless it would get too high.
        room_h = min(6.0, max(tall, deep) * (width_in - 2.0) / (2 * wide))
        height_in = room_h + HEAD_IN + foot_in
        figure = new_figure(width_in, height_in, title, evidence)
        coronal, axial = row_of_panels(figure, [wide, wide], [tall, deep], foot_in)
        options = {"cmap": "viridis", "vmin": 0.0, "vmax": 100.0, "interpolation": "nearest"}
        seen = np.where(filled, 1.0, DIMMED)
        panel(axial, volume.data[level], (x0, x1, y1, y0), origin="upper", alpha=seen[level], **options)
        panel(coronal, volume.data[:, row, :], (x0, x1, z0, z1), alpha=seen[:, row, :], **options)
        if labels is not None:
            _outline(axial, labels.data[level], (x0, x1, y0, y1))
            _outline(coronal, labels.data[:, row, :], (x0, x1, z0, z1))
        # y runs down: anterior is at the top of an axial slice
        axial.set(xlim=x_span, ylim=y_span[::-1], xlabel="x, to the left (mm)", ylabel="y, to posterior (mm)")
        coronal.set(xlim=x_span, ylim=z_span, xlabel="x, to the left (mm)", ylabel="z, to superior (mm)")
        name_panel(axial, f"axial, z = {whole(at_mm(level, volume.z, len(volume.data)))} mm", "R", "L", "A")
        name_panel(coronal, f"coronal, y = {whole(at_mm(row, volume.y, volume.data.shape[1]))} mm", "R", "L", "S")
        bar = figure.add_axes((0.25, 0.55 / height_in, 0.5, 0.14 / height_in))
        scale = ScalarMappable(Normalize(0.0, 100.0), "viridis")
        note = "" if labels is None else "; dimmed where nothing is labelled, white line: edge of the labels"
        figure.colorbar(scale, cax=bar, orientation="horizontal", label=f"proton density fat fraction (%){note}")
        save(figure, out_png)


def _outline(axes: Axes, labels: npt.NDArray[np.uint8], box: tuple[float, float, float, float]) -> None:
    """Thin outline of everything labelled, on pixel centres; `box` is (x low, x high, row low, row high) in mm."""
    rows, columns = labels.shape
    x: Any = box[0] + (np.arange(columns) + 0.5) * (box[1] - box[0]) / columns
    y: Any = box[2] + (np.arange(rows) + 0.5) * (box[3] - box[2]) / rows
    inside = (labels > 0).astype(float)
    if 0 < inside.sum() < inside.size and min(rows, columns) > 1:
        axes.contour(x, y, inside, levels=[0.5], colors=["white"], linewidths=0.7)
