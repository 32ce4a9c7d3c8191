"""Pictures for the report. Sides are drawn as radiologists do: the patient's right at the left of the image.

Invariants: axes are in mm with equal scale; the kind of evidence stands in the image itself; equal inputs give equal
bytes (fixed style, the font that comes with matplotlib, no date or software name in the file). Oblique grids are
drawn along the patient axis nearest to each grid axis, which is what a viewer's native slices show.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from containers.contract.errors import ItemFault
from containers.contract.volume import read_nrrd
from harness.pictures.agreement_plot import bland_altman
from harness.pictures.back_picture import back_intermat, back_labels
from harness.pictures.class_plot import per_class
from harness.pictures.cohort_plot import age_groups, concordance, subgroups
from harness.pictures.frame import (
    HEAD_IN,
    STYLE,
    TEXT,
    at_mm,
    crop,
    name_panel,
    new_figure,
    panel,
    row_of_panels,
    save,
    whole,
    window,
)
from harness.pictures.label_picture import labels_over, read_over
from harness.pictures.meta_plot import forest_plot as forest
from harness.pictures.meta_plot import funnel_plot as funnel
from harness.pictures.mixture_plot import measured_against_true, mixture_histogram
from harness.pictures.results_plot import combined_odds, odds_ratios, pooled_by_muscle
from harness.pictures.sensitivity_plot import sensitivity
from harness.pictures.simulation_plot import attenuation, performance
from harness.pictures.slices import coronal_row, label_slices, sagittal_column, upright
from harness.pictures.statistics_plot import calibration_plot as calibration
from harness.pictures.statistics_plot import nomogram_plot as nomogram

__all__ = [
    "age_groups",
    "attenuation",
    "back_intermat",
    "back_labels",
    "bland_altman",
    "calibration",
    "combined_odds",
    "concordance",
    "fat_fraction",
    "forest",
    "funnel",
    "fused_with_seams",
    "labels_over",
    "measured_against_true",
    "mixture_histogram",
    "nomogram",
    "odds_ratios",
    "per_class",
    "performance",
    "pooled_by_muscle",
    "sensitivity",
    "subgroups",
]

SEAM, GAP = "#d98200", "#c9281c"
DIMMED = 0.3


def _seams(path: Path) -> list[tuple[float, float, float | None]]:
    """Pairs of stations in fusion's seam report: upper station's lowest and lower station's highest z in mm, and the
    smallest correlation over contrasts. Raises ItemFault."""
    try:
        pairs = json.loads(path.read_text(encoding="utf-8"))["pairs"]
        found = []
        for pair in pairs:
            correlations = [c["correlation"] for c in pair["contrasts"].values() if c["correlation"] is not None]
            low, high = pair["overlap_z_mm"]
            found.append((float(low), float(high), min(correlations, default=None)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ItemFault(f"is not a readable seam report ({error})", where=path.name, mend="fuse again") from error
    return found


def _seam_bar(axes: Axes, bottom: float, top: float, colour: str, number: int) -> None:
    """A bar at the right, outside the frame, over the z range of an overlap; its number beside it."""
    span = abs(axes.get_ylim()[1] - axes.get_ylim()[0])
    height = max(top - bottom, 0.006 * span)
    box = Rectangle(
        (1.015, (top + bottom - height) / 2),
        0.03,
        height,
        transform=axes.get_yaxis_transform(),
        clip_on=False,
        facecolor=colour,
        edgecolor="none",
    )
    axes.add_patch(box)
    axes.text(
        1.06, (top + bottom) / 2, str(number), transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=TEXT
    )


def fused_with_seams(volume_path: Path, seams_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Coronal and sagittal slice of a fused volume (NRRD); bars beside them show the overlaps of stations.

    The coronal slice lies where there is most signal, the sagittal one in the middle of the right side's signal.
    Raises ItemFault when an input cannot be read.
    """
    volume, pairs = upright(read_nrrd(volume_path)), _seams(seams_path)
    low, high = window(volume.data)
    (x0, x1), (y0, y1), (z0, z1) = volume.x, volume.y, volume.z
    _, rows, columns = volume.data.shape
    row, column = coronal_row(volume), sagittal_column(volume)
    with matplotlib.style.context(["default", STYLE]):
        foot_in = 0.65 + 0.2 * max(1, len(pairs))
        # The row fills the width, unless it would get too high.
        room_h = min(5.6, (z1 - z0) * (8.6 - 2.0) / (x1 - x0 + y1 - y0))
        height_in = room_h + HEAD_IN + foot_in
        figure = new_figure(8.6, height_in, title, evidence)
        front, side = row_of_panels(figure, [x1 - x0, y1 - y0], [z1 - z0] * 2, foot_in)
        panel(front, volume.data[:, row, :], (x0, x1, z0, z1), vmin=low, vmax=high)
        panel(side, volume.data[:, :, column], (y0, y1, z0, z1), vmin=low, vmax=high)
        name_panel(front, f"coronal, y = {whole(at_mm(row, volume.y, rows))} mm", "R", "L", "S")
        name_panel(side, f"sagittal, x = {whole(at_mm(column, volume.x, columns))} mm", "A", "P", "S")
        notes = []
        for number, (low_mm, high_mm, correlation) in enumerate(pairs, start=1):
            bottom, top = sorted((low_mm, high_mm))
            for axes in (front, side):
                _seam_bar(axes, bottom, top, SEAM if high_mm >= low_mm else GAP, number)
            note = f"{'overlap' if high_mm >= low_mm else 'gap'} {number}: {top - bottom:.0f} mm"
            notes.append(note + (f", correlation of the two stations r = {correlation:.4f}" if correlation else ""))
        front.set(xlabel="x, to the left (mm)", ylabel="z, to superior (mm)")
        side.set(xlabel="y, to posterior (mm)")
        figure.text(0.06, 0.12 / height_in, "\n".join(notes), fontsize=8, va="bottom", linespacing=1.4)
        save(figure, out_png)


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
