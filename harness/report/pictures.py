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
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from containers.contract.errors import ItemFault
from containers.contract.files import replacing
from containers.contract.labels import colour_of
from containers.contract.segmentation import read_segmentation
from containers.contract.table import read_table
from containers.contract.volume import Geometry, read_nrrd
from harness.report.slices import Upright, coronal_row, label_slices, sagittal_column, upright

EVIDENCE_COLOURS = {"phantom": "#7b5cd6", "mutant": "#b8471b", "real data": "#0f7f6e", "simulation": "#2f6fb0"}
BACKGROUND, TEXT, SEAM, GAP = "#14161a", "#e9edf2", "#ffb000", "#ff5c4d"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": "#6b7480",
    "axes.facecolor": "#000000",
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "figure.facecolor": BACKGROUND,
}
DPI = 110
DIMMED = 0.3
MARGIN_MM = 25.0
DASHES = (0, (4, 3))
HEAD_IN, FOOT_IN = 0.8, 0.5


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        figure.savefig(stream, format="png", metadata={"Software": None})


def _figure(width_in: float, height_in: float, title: str, evidence: str) -> Figure:
    """A figure with its title at the left and the kind of evidence at the right of the top line."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI)
    top = 1 - 0.27 / height_in
    figure.text(0.015, top, title, fontsize=11, fontweight="bold", va="center")
    box = {"boxstyle": "round,pad=0.35", "facecolor": EVIDENCE_COLOURS.get(evidence, "#5a6470"), "edgecolor": "none"}
    figure.text(
        0.985, top, evidence.upper(), fontsize=9, fontweight="bold", color="white", va="center", ha="right", bbox=box
    )
    return figure


def _panel(axes: Axes, image: npt.NDArray[Any], extent: tuple[float, float, float, float], **options: Any) -> Any:
    """Draw one slice with its extent (left, right, bottom, top) in mm; rows run from bottom to top unless told."""
    drawn = axes.imshow(image, extent=extent, aspect="equal", **{"cmap": "gray", "origin": "lower", **options})
    axes.tick_params(labelsize=7, length=2)
    return drawn


def _mark(axes: Axes, left: str, right: str, up: str) -> None:
    """Letters of the patient's directions at the edges of a panel."""
    for x, y, letter in ((0.03, 0.5, left), (0.97, 0.5, right), (0.5, 0.97, up)):
        halo = {"boxstyle": "round,pad=0.15", "facecolor": "black", "alpha": 0.55, "edgecolor": "none"}
        axes.text(x, y, letter, transform=axes.transAxes, ha="center", va="center", fontweight="bold", bbox=halo)


def _window(data: npt.NDArray[Any]) -> tuple[float, float]:
    """Grey window: 0 (or the smallest value) to the 99.5th percentile of what is not background."""
    finite = data[np.isfinite(data)]
    inside = finite[finite > 0]
    high = float(np.percentile(inside, 99.5)) if inside.size else 1.0
    return min(0.0, float(finite.min()) if finite.size else 0.0), high


def _row(figure: Figure, widths: list[float], heights: list[float]) -> list[Axes]:
    """Axes side by side, each as wide and high as its field of view in mm asks, under the title line."""
    width_in, height_in = figure.get_size_inches()
    room_w, room_h = width_in - 0.55 * len(widths) - 0.2, height_in - HEAD_IN - FOOT_IN
    scale = min(room_w / sum(widths), room_h / max(heights))
    gap = (width_in - scale * sum(widths) - 0.55 * len(widths)) / 2
    axes, left = [], gap
    for width, height in zip(widths, heights, strict=True):
        left += 0.5
        box = (left / width_in, (FOOT_IN + (room_h - scale * height) / 2) / height_in)
        axes.append(figure.add_axes((*box, scale * width / width_in, scale * height / height_in)))
        left += scale * width + 0.05
    return axes


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


def fused_with_seams(volume_path: Path, seams_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Coronal and sagittal slice of a fused volume (NRRD), with the overlaps of neighbouring stations marked.

    The coronal slice lies where there is most signal, the sagittal one in the middle of the right thigh.
    Raises ItemFault when an input cannot be read.
    """
    volume, pairs = upright(read_nrrd(volume_path)), _seams(seams_path)
    low, high = _window(volume.data)
    (x0, x1), (y0, y1), (z0, z1) = volume.x, volume.y, volume.z
    row, column = coronal_row(volume), sagittal_column(volume)
    with matplotlib.style.context(["default", STYLE]):
        figure = _figure(8.6, 7.4, title, evidence)
        front, side = _row(figure, [x1 - x0, y1 - y0], [z1 - z0] * 2)
        _panel(front, volume.data[:, row, :], (x0, x1, z0, z1), vmin=low, vmax=high)
        _panel(side, volume.data[:, :, column], (y0, y1, z0, z1), vmin=low, vmax=high)
        _mark(front, "R", "L", "S")
        _mark(side, "A", "P", "S")
        for number, (low_mm, high_mm, correlation) in enumerate(pairs, start=1):
            bottom, top = sorted((low_mm, high_mm))
            colour = SEAM if high_mm >= low_mm else GAP
            for axes in (front, side):
                # strips at the sides only: the seam itself stays free to be looked at
                for start, stop in ((0, 0.025), (0.975, 1)):
                    axes.axhspan(bottom, top, start, stop, facecolor=colour, alpha=0.75, edgecolor="none")
                axes.axhline(bottom, color=colour, linewidth=0.8, linestyle=DASHES)
                axes.axhline(top, color=colour, linewidth=0.8, linestyle=DASHES)
            note = f"{'overlap' if high_mm >= low_mm else 'gap'} {number}, {top - bottom:.0f} mm"
            if correlation is not None:
                note += f", r = {correlation:.4f}"
            halo = {"boxstyle": "round,pad=0.2", "facecolor": "black", "alpha": 0.6, "edgecolor": "none"}
            above: dict[str, Any] = {"textcoords": "offset points", "xytext": (4, 4), "va": "bottom", "fontsize": 8}
            front.annotate(note, (x0 + 0.04 * (x1 - x0), top), color=colour, bbox=halo, **above)
        front.set(xlabel="left (mm)", ylabel="superior (mm)", title="coronal")
        side.set(xlabel="posterior (mm)", title="sagittal, right side")
        _save(figure, out_png)


def _painted(labels: npt.NDArray[np.uint8], opacity: float) -> npt.NDArray[np.float64]:
    """RGBA image of a label slice; background is clear."""
    palette = np.zeros((256, 4))
    for label in range(1, 256):
        palette[label] = (*colour_of(label), opacity)
    return palette[labels]


def _read_over(volume_path: Path, labels_path: Path) -> tuple[Upright, Upright, dict[int, str]]:
    volume = read_nrrd(volume_path)
    labels, names = read_segmentation(labels_path)
    _same_grid(volume.geometry, labels.geometry, labels_path)
    return upright(volume), upright(labels), names


def _same_grid(volume: Geometry, labels: Geometry, path: Path) -> None:
    if not volume.same_as(labels):
        raise ItemFault(
            "lies on another grid than its volume", where=path.name, mend="resample it on the volume's grid"
        )


def labels_over(volume_path: Path, labels_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Labels (.seg.nrrd) in colour over their volume: two axial slices and a coronal one, with a legend.

    The axial slices lie at the pelvis and at mid-thigh of the labelled range.
    Raises ItemFault when an input cannot be read or the grids differ.
    """
    volume, labels, names = _read_over(volume_path, labels_path)
    low, high = _window(volume.data)
    (x0, x1), (y0, y1), (z0, z1) = volume.x, volume.y, volume.z
    lower, upper = label_slices(labels.data)
    present = [v for v in sorted(names) if np.any(labels.data == v)]
    columns = 5
    lines = -(-len(present) // columns)
    foot_in = 0.75 + 0.2 * lines
    with matplotlib.style.context(["default", STYLE]):
        figure = _figure(9.6, 5.6 + foot_in, title, evidence)
        coronal, *stack = _tall_and_stack(figure, x1 - x0, z1 - z0, 2, foot_in)
        row = coronal_row(labels)
        _panel(coronal, volume.data[:, row, :], (x0, x1, z0, z1), vmin=low, vmax=high)
        _panel(coronal, _painted(labels.data[:, row, :], 0.6), (x0, x1, z0, z1), interpolation="nearest")
        _mark(coronal, "R", "L", "S")
        coronal.set(xlabel="left (mm)", ylabel="superior (mm)", title="coronal")
        for axes, k, name in zip(stack, (upper, lower), ("pelvis", "mid-thigh"), strict=True):
            extent = (x0, x1, y1, y0)
            _panel(axes, volume.data[k], extent, vmin=low, vmax=high, origin="upper")
            _panel(axes, _painted(labels.data[k], 0.6), extent, origin="upper", interpolation="nearest")
            _zoom(axes, labels)
            _mark(axes, "R", "L", "A")
            z = z0 + (k + 0.5) * (z1 - z0) / len(volume.data)
            axes.set_title(f"axial, {name}, z = {z:.0f} mm")
            coronal.axhline(z, color=TEXT, linewidth=0.8, linestyle=DASHES)
        patches = [Patch(color=colour_of(v), label=names[v].replace("_", " ")) for v in present]
        if patches:
            figure.legend(
                handles=patches, loc="lower center", ncols=columns, fontsize=8, frameon=False, handlelength=1.1
            )
        _save(figure, out_png)


def _zoom(axes: Axes, labels: Upright) -> None:
    """Show an axial panel around all labels only, with a margin; the same window for every slice of a volume."""
    for where, (low, high), collapsed, limit in (
        (2, labels.x, (0, 1), axes.set_xlim),
        (1, labels.y, (0, 2), axes.set_ylim),
    ):
        filled = np.flatnonzero((labels.data > 0).any(axis=collapsed))
        if filled.size:
            step = (high - low) / labels.data.shape[where]
            start = max(low, low + filled[0] * step - MARGIN_MM)
            stop = min(high, low + (filled[-1] + 1) * step + MARGIN_MM)
            # y runs down: anterior is at the top of an axial slice
            limit((start, stop) if where == 2 else (stop, start))


def _tall_and_stack(figure: Figure, width_mm: float, height_mm: float, stacked: int, foot_in: float) -> list[Axes]:
    """A high panel of this size in mm at the left and `stacked` panels over each other at the right."""
    width_in, height_in = figure.get_size_inches()
    room = height_in - HEAD_IN - foot_in
    left_w = min(0.44 * width_in, room * width_mm / height_mm)
    axes = [figure.add_axes((0.65 / width_in, foot_in / height_in, left_w / width_in, room / height_in))]
    start = 0.65 + left_w + 0.65
    each = (room - 0.5 * (stacked - 1)) / stacked
    for position in reversed(range(stacked)):
        bottom = foot_in + position * (each + 0.5)
        axes.append(
            figure.add_axes((start / width_in, bottom / height_in, 1 - (start + 0.15) / width_in, each / height_in))
        )
    return axes


def fat_fraction(volume_path: Path, labels_path: Path | None, out_png: Path, title: str, evidence: str) -> None:
    """A fat-fraction map in per cent (NRRD), axial and coronal, 0 to 100 % with a scale; outlines of the labels.

    Values outside 0 to 100 % (noise) are drawn at the ends of the scale. What has no label is dimmed: a ratio of two
    noises in air would outshine the muscles. Raises ItemFault.
    """
    if labels_path is None:
        volume, labels = upright(read_nrrd(volume_path)), None
        level = len(volume.data) // 2
        row = coronal_row(volume)
    else:
        volume, labels, _ = _read_over(volume_path, labels_path)
        level, row = label_slices(labels.data)[0], coronal_row(labels)
    (x0, x1), (y0, y1), (z0, z1) = volume.x, volume.y, volume.z
    with matplotlib.style.context(["default", STYLE]):
        figure = _figure(9.6, 6.2, title, evidence)
        coronal, axial = _tall_and_stack(figure, x1 - x0, z1 - z0, 1, 1.35)
        options = {"cmap": "viridis", "vmin": 0.0, "vmax": 100.0, "interpolation": "nearest"}
        seen = np.ones(volume.data.shape) if labels is None else np.where(labels.data > 0, 1.0, DIMMED)
        _panel(axial, volume.data[level], (x0, x1, y1, y0), origin="upper", alpha=seen[level], **options)
        _panel(coronal, volume.data[:, row, :], (x0, x1, z0, z1), alpha=seen[:, row, :], **options)
        if labels is not None:
            _zoom(axial, labels)
            _outline(axial, labels.data[level], (x0, x1, y0, y1))
            _outline(coronal, labels.data[:, row, :], (x0, x1, z0, z1))
        _mark(axial, "R", "L", "A")
        _mark(coronal, "R", "L", "S")
        axial.set(xlabel="left (mm)", ylabel="posterior (mm)", title="axial")
        coronal.set(xlabel="left (mm)", ylabel="superior (mm)", title="coronal")
        bar = figure.add_axes((0.25, 0.55 / 6.2, 0.5, 0.14 / 6.2))
        scale = ScalarMappable(Normalize(0.0, 100.0), "viridis")
        note = "" if labels is None else "; dimmed where nothing is labelled"
        figure.colorbar(scale, cax=bar, orientation="horizontal", label=f"proton density fat fraction (%){note}")
        _save(figure, out_png)


def _outline(axes: Axes, labels: npt.NDArray[np.uint8], box: tuple[float, float, float, float]) -> None:
    """Thin outline of everything labelled, on pixel centres; `box` is (x low, x high, row low, row high) in mm."""
    rows, columns = labels.shape
    x = box[0] + (np.arange(columns) + 0.5) * (box[1] - box[0]) / columns
    y = box[2] + (np.arange(rows) + 0.5) * (box[3] - box[2]) / rows
    inside = (labels > 0).astype(float)
    if 0 < inside.sum() < inside.size:
        axes.contour(x, y, inside, levels=[0.5], colors=["white"], linewidths=0.7)


def bland_altman(measured_path: Path, expected_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Difference against mean of two tables with equal columns, one panel per quantity (the name before the dot).

    Lines: mean difference and mean plus or minus 1.96 standard deviations (limits of agreement, Bland and Altman
    1986). Entries without a value in either table are left out. Raises ItemFault when columns or rows differ.
    """
    measured, expected = read_table(measured_path), read_table(expected_path)
    if list(measured) != list(expected) or any(len(measured[n]) != len(expected[n]) for n in measured):
        raise ItemFault(
            "has other columns or rows than the measured table", where=expected_path.name, mend="pair the tables"
        )
    groups: dict[str, list[tuple[float, float]]] = {}
    for name in measured:
        for a, b in zip(measured[name], expected[name], strict=True):
            if isinstance(a, (int, float)) and isinstance(b, (int, float)):
                groups.setdefault(name.split(".")[0], []).append((float(a), float(b)))
    if not groups:
        raise ItemFault("has no column with numbers", where=measured_path.name, mend="give measured values")
    with matplotlib.style.context(["default", STYLE]):
        columns = min(3, len(groups))
        lines = -(-len(groups) // columns)
        width_in, height_in = 3.6 * columns + 0.4, 3.1 * lines + 0.8
        figure = _figure(width_in, height_in, title, evidence)
        panels = list(figure.subplots(lines, columns, squeeze=False).flat)
        for unused in panels[len(groups) :]:
            unused.remove()
        left, bottom, top = 0.85 / width_in, 0.55 / height_in, 1 - 1.1 / height_in
        figure.subplots_adjust(left, bottom, 1 - 0.2 / width_in, top, wspace=0.32, hspace=0.55)
        for axes, (name, pairs) in zip(panels, groups.items(), strict=False):
            values = np.array(pairs)
            means, gaps = values.mean(axis=1), values[:, 0] - values[:, 1]
            bias, spread = float(gaps.mean()), float(gaps.std(ddof=1)) if len(gaps) > 1 else 0.0
            axes.scatter(means, gaps, s=14, color=EVIDENCE_COLOURS.get(evidence, TEXT), edgecolors=TEXT, linewidths=0.4)
            for level, style in ((bias, "-"), (bias - 1.96 * spread, "--"), (bias + 1.96 * spread, "--")):
                axes.axhline(level, color=SEAM, linestyle=style, linewidth=1)
            axes.set(xlabel="mean of measured and expected", ylabel="measured − expected")
            axes.locator_params(nbins=4)
            axes.set_title(f"{name}\nbias {bias:.3g}, limits ±{1.96 * spread:.3g}, n = {len(gaps)}", fontsize=9)
        _save(figure, out_png)
