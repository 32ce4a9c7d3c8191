"""A fused volume with the overlaps of its stations."""

import json
from pathlib import Path

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import read_nrrd
from harness.pictures import examples
from harness.pictures.frame import (
    HEAD_IN,
    STYLE,
    TEXT,
    at_mm,
    name_panel,
    new_figure,
    panel,
    row_of_panels,
    save,
    whole,
    window,
)
from harness.pictures.registry import picture
from harness.pictures.slices import coronal_row, sagittal_column, upright

SEAM, GAP = "#d98200", "#c9281c"


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
        raise ItemFault(f"is not a readable seam report ({error})", where=path.name, fix="fuse again") from error
    return found


def _seam_bar(axes: Axes, bottom: float, top: float, colour: str, number: int) -> None:
    """A bar at the right, outside the frame, over the z range of an overlap; its number next to it."""
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


def _example(folder: Path) -> tuple[Path, Path]:
    pair = {"overlap_z_mm": [20.0, 30.0], "contrasts": {"water": {"correlation": 0.99}}}
    return examples.volume(folder), examples.json_file(folder, {"pairs": [pair]}, "seams.json")


@picture("fused_with_seams", needs="overlay", example=_example)
def fused_with_seams(volume_path: Path, seams_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Coronal and sagittal slice of a fused volume (NRRD); bars next to them show the overlaps of stations.

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
