"""Labels drawn over their volume. Fills are opaque, so that a colour in the picture is the colour in the legend.

Colours of 27 structures cannot all be distinguished: every region carries its label's number, as the legend does.
"""

from pathlib import Path

import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from scipy import ndimage

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import colour_of
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Geometry, read_nrrd
from harness.pictures import examples
from harness.pictures.frame import HEAD_IN, STYLE, Extent, at_mm, crop, new_figure, panel, save, whole
from harness.pictures.registry import picture
from harness.pictures.sections import Sections
from harness.pictures.slices import Upright, coronal_row, label_slices, upright

COLUMNS = 5
NUMBERED_MM = 4.0
"""A region gets its number when a circle of this radius fits in, and the largest region of a label always."""


def read_over(volume_path: Path, labels_path: Path) -> tuple[Upright, Upright, dict[int, str]]:
    """A volume, its labels on the same grid, and their names. Raises ItemFault."""
    volume = read_nrrd(volume_path)
    labels, names = read_segmentation(labels_path)
    _same_grid(volume.geometry, labels.geometry, labels_path)
    return upright(volume), upright(labels), names


def _same_grid(volume: Geometry, labels: Geometry, path: Path) -> None:
    if not volume.same_as(labels):
        raise ItemFault("lies on another grid than its volume", where=path.name, fix="resample it on the volume's grid")


def _painted(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """RGBA image of a label slice: labels opaque, background clear. Rounded here, as the legend's patches are."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for label in range(1, 256):
        palette[label] = np.rint(np.array((*colour_of(label), 1.0)) * 255)
    return palette[labels]


def places(labels: npt.NDArray[np.uint8], step: tuple[float, float]) -> list[tuple[int, int, int]]:
    """Where numbers stand in a label slice: (label, row, column) of the innermost pixel of each region.

    step: size of a pixel in mm along rows and columns. Both sides of a structure are regions of their own.
    """
    found = []
    for label in np.unique(labels[labels > 0]):
        regions, count = ndimage.label(np.pad(labels == label, 1))
        inmost = []
        for region in range(1, count + 1):
            depth = ndimage.distance_transform_edt(regions == region, sampling=step)
            row, column = np.unravel_index(int(depth.argmax()), depth.shape)
            inmost.append((float(depth.max()), int(label), int(row) - 1, int(column) - 1))
        inmost.sort(key=lambda entry: -entry[0])
        found += [entry[1:] for number, entry in enumerate(inmost) if number == 0 or entry[0] >= NUMBERED_MM]
    return found


def _overlay(axes: Axes, labels: npt.NDArray[np.uint8], edges: Extent, origin: str) -> None:
    """Paint a label slice and write the numbers, as `sections.Paint` is called."""
    panel(axes, _painted(labels), edges, origin=origin, interpolation="nearest")
    x0, x1 = edges[:2]
    r0, r1 = edges[2:] if origin == "lower" else edges[:1:-1]
    rows, columns = labels.shape
    for label, row, column in places(labels, ((r1 - r0) / rows, (x1 - x0) / columns)):
        axes.text(
            at_mm(column, (x0, x1), columns),
            at_mm(row, (r0, r1), rows),
            str(label),
            fontsize=6.5,
            color="black",
            ha="center",
            va="center",
            clip_on=True,
            path_effects=[withStroke(linewidth=1.4, foreground="white")],
        )


@picture("labels_over", needs="overlay", example=examples.volume_and_labels)
def labels_over(volume_path: Path, labels_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Labels (.seg.nrrd) in colour over their volume: two axial slices and a coronal one, with a numbered legend.

    The axial slices lie at the pelvis and at mid-thigh of the labelled range.
    Raises ItemFault when an input cannot be read or the grids differ.
    """
    volume, labels, names = read_over(volume_path, labels_path)
    (x0, x1), (z0, z1) = volume.x, volume.z
    sections = Sections(volume, labels, _overlay)
    lower, upper = label_slices(labels.data)
    present = [v for v in sorted(names) if np.any(labels.data == v)]
    foot_in = 1.05 + 0.2 * -(-len(present) // COLUMNS)
    height_in = 6.0 + foot_in
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(9.6, height_in, title, evidence)
        coronal, *stack = _tall_and_two(figure, x1 - x0, z1 - z0, foot_in)
        sections.coronal(coronal, coronal_row(labels))
        filled = labels.data > 0
        x_span, y_span = crop(filled, 2, volume.x), crop(filled, 1, volume.y)
        for axes, k, name in zip(stack, (upper, lower), ("pelvis", "mid-thigh"), strict=True):
            sections.axial(axes, k, name, x_span, y_span, coronal)
        patches = [Patch(color=colour_of(v), label=f"{v} {names[v].replace('_', ' ')}") for v in present]
        if patches:
            place = (0.5, 0.36 / height_in)
            figure.legend(
                handles=patches,
                loc="lower center",
                bbox_to_anchor=place,
                ncols=COLUMNS,
                fontsize=8,
                frameon=False,
                handlelength=1.1,
            )
        figure.text(0.5, 0.16 / height_in, _range_note(filled, volume.z), fontsize=8, ha="center", va="bottom")
        save(figure, out_png)


def _range_note(filled: npt.NDArray[np.bool_], z: tuple[float, float]) -> str:
    levels = np.flatnonzero(filled.any(axis=(1, 2)))
    if not levels.size:
        return "Nothing is labelled."
    low, high = (at_mm(int(k), z, len(filled)) for k in (levels[0], levels[-1]))
    reach = f"Labels reach from z = {whole(low)} to {whole(high)} mm"
    return f"{reach}; muscle above and below is in the volume, but not labelled. ◄ axial slices."


def _tall_and_two(figure: Figure, width_mm: float, height_mm: float, foot_in: float) -> list[Axes]:
    """A high panel of this size in mm at the left and two panels over each other at the right."""
    width_in, height_in = (float(v) for v in figure.get_size_inches())
    room = height_in - HEAD_IN - foot_in
    left_w = min(0.44 * width_in, room * width_mm / height_mm)
    axes = [figure.add_axes((0.7 / width_in, foot_in / height_in, left_w / width_in, room / height_in))]
    start, between = 0.7 + left_w + 0.65, 0.75
    each = (room - between) / 2
    for position in (1, 0):
        bottom = foot_in + position * (each + between)
        box = (start / width_in, bottom / height_in, 1 - (start + 0.15) / width_in, each / height_in)
        axes.append(figure.add_axes(box))
    return axes
