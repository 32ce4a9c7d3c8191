"""The labelled back muscles on their T2-weighted image: outlines of the labels, or the fat part of each voxel."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import colour_of
from containers.toolkit.images.volume import read_nrrd
from harness.pictures import examples
from harness.pictures.frame import HEAD_IN, STYLE, Extent, crop, new_figure, panel, save
from harness.pictures.label_picture import read_over
from harness.pictures.registry import picture
from harness.pictures.sections import Paint, Sections
from harness.pictures.slices import Upright, coronal_row, upright

AXIAL = {"thoracic": 0.65, "lumbar": 0.3}
"""Where the axial slices lie in the labelled range from its lower end: at T8 and L3 for T1 to S1."""
LEAST_SEEN = 5.0
"""Fat part in percent under which a voxel is not painted."""
WIDTH_IN, ROOM_IN, FOOT_IN = 9.6, 5.4, 1.1

Foot = Callable[[Figure], None]


def _draw(volume: Upright, over: Upright, paint: Paint, foot: Foot, out_png: Path, title: str, evidence: str) -> None:
    """A coronal and two axial slices through what is not 0 in `over`, cropped to it, painted by `paint`."""
    filled = over.data != 0
    if not filled.any():
        raise ItemFault("marks no voxel", where="overlay", fix="give labels or a fat map of this image")
    levels = np.flatnonzero(filled.any(axis=(1, 2)))
    row = coronal_row(Upright(filled.astype(np.float32), over.x, over.y, over.z))
    x_span, y_span, z_span = (crop(filled, axis, e) for axis, e in ((2, volume.x), (1, volume.y), (0, volume.z)))
    sections = Sections(volume, over, paint)
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(WIDTH_IN, ROOM_IN + HEAD_IN + FOOT_IN, title, evidence)
        sizes = [span[1] - span[0] for span in (x_span, y_span, z_span)]
        coronal, *stack = _tall_and_two(figure, *sizes)
        sections.coronal(coronal, row)
        coronal.set(xlim=x_span, ylim=z_span)
        for axes, (name, place) in zip(stack, AXIAL.items(), strict=True):
            level = int(levels[0] + round(place * (levels[-1] - levels[0])))
            sections.axial(axes, level, name, x_span, y_span, coronal)
        foot(figure)
        save(figure, out_png)


def _tall_and_two(figure: Figure, wide_mm: float, deep_mm: float, tall_mm: float) -> list[Axes]:
    """A high panel at the left and two panels over each other at the right, at a larger scale."""
    width_in, height_in = (float(v) for v in figure.get_size_inches())
    left_w = ROOM_IN * wide_mm / tall_mm
    axes = [figure.add_axes((0.8 / width_in, FOOT_IN / height_in, left_w / width_in, ROOM_IN / height_in))]
    start, between = 0.8 + left_w + 0.8, 0.8
    each = min((ROOM_IN - between) / 2, (width_in - start - 0.2) * deep_mm / wide_mm)
    for bottom in (FOOT_IN + ROOM_IN - each, FOOT_IN + ROOM_IN - 2 * each - between):
        box = (start / width_in, bottom / height_in, each * wide_mm / deep_mm / width_in, each / height_in)
        axes.append(figure.add_axes(box))
    return axes


@picture("back_labels", needs="overlay", example=examples.volume_and_labels)
def back_labels(volume_path: Path, labels_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Outlines of the labels (.seg.nrrd) on their image. Raises ItemFault for other grids or nothing labelled."""
    volume, labels, names = read_over(volume_path, labels_path)
    present = [value for value in sorted(names) if np.any(labels.data == value)]

    def paint(axes: Axes, values: npt.NDArray[np.generic], box: Extent, origin: str) -> None:
        rows, columns = values.shape
        x = box[0] + (np.arange(columns) + 0.5) * (box[1] - box[0]) / columns
        # An image drawn from above has its first row at the upper end of the extent.
        first, last = (box[3], box[2]) if origin == "upper" else (box[2], box[3])
        y = first + (np.arange(rows) + 0.5) * (last - first) / rows
        for value in present:
            inside = (values == value).astype(float)
            if 0 < inside.sum() < inside.size:
                axes.contour(x, y, inside, levels=[0.5], colors=[colour_of(value)], linewidths=1.3)

    def foot(figure: Figure) -> None:
        lines = [Line2D([], [], color=colour_of(v), label=names[v].replace("_", " ")) for v in present]
        figure.legend(handles=lines, loc="lower center", ncols=4, fontsize=8, frameon=False)

    _draw(volume, labels, paint, foot, out_png, title, evidence)


@picture("back_intermat", needs="overlay", example=examples.two_volumes)
def back_intermat(volume_path: Path, map_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """The fat part of each labelled voxel (NRRD, percent) in colour on its image. Raises ItemFault for other grids."""
    plain, fat = read_nrrd(volume_path), read_nrrd(map_path)
    if not plain.geometry.same_as(fat.geometry):
        raise ItemFault("lies on another grid than its volume", where=map_path.name, fix="measure this image")
    scale = Normalize(0.0, 100.0)

    def paint(axes: Axes, values: npt.NDArray[np.generic], box: Extent, origin: str) -> None:
        shown = np.ma.masked_less(np.asarray(values, float), LEAST_SEEN)
        panel(axes, shown, box, cmap="autumn", norm=scale, origin=origin, interpolation="nearest")

    def foot(figure: Figure) -> None:
        bar = figure.add_axes((0.25, 0.42 / float(figure.get_size_inches()[1]), 0.5, 0.02))
        label = f"fat part of a labelled voxel (%); under {LEAST_SEEN:g} % the image is seen"
        figure.colorbar(ScalarMappable(scale, "autumn"), cax=bar, orientation="horizontal", label=label)

    _draw(upright(plain), upright(fat), paint, foot, out_png, title, evidence)
