"""The T2-weighted image that the mixture is fitted to: read, and refused where the measures would mean nothing."""

import numpy as np

from containers.composition.anatomy import Labels
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.crop import padded
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.turn import nearest_lps, turn_of
from containers.toolkit.images.volume import Geometry, Volume

EIGHT_BIT_MAX = 255
WITHIN_45_DEGREES = 0.7071
AXES = ("left-right", "anterior-posterior", "superior-inferior")


def read_image(item: Item, job: Job, labels: Labels, result: Result) -> tuple[Volume, Labels]:
    """Read the input `image`; give it and the labels on one grid, k across the slices.

    Axial slices that are stored with another axis last are turned, and labels that were cropped to their segments are
    padded. Raises ItemFault for

    - one slice: a muscle's volume and its levels need more;
    - slices that are not axial: the paper's are, and what lies behind a muscle is looked for within a slice;
    - another grid than that of the labels, which then are of another scan or another reconstruction;
    - negative intensities, unless parameter `intensities` says signed;
    - integers from 0 to 255: a picture whose window cut off or bent the signal, unless `eight_bit` accepts it.
    """
    path = item.inputs["image"]
    image = read_volume(path, result.warn, finite=True)
    if _is_axial_in_another_order(image.geometry):
        image = nearest_lps(image)
    geometry, labels = image.geometry, _on_grid_of(image, labels, item.inputs["labels"].name, result)
    if geometry.size[2] < 2:
        raise ItemFault("has a single slice", where=path.name, fix="give the whole stack of slices")
    axis = int(np.abs(np.asarray(geometry.directions[2])).argmax())
    if abs(geometry.directions[2][2]) < WITHIN_45_DEGREES:
        raise ItemFault(
            f"has slices that follow each other {AXES[axis]}, axial ones are needed",
            where=path.name,
            fix="give the axial series, or correct the orientation in its header",
        )
    if not geometry.same_as(labels.geometry):
        raise ItemFault(
            f"is not on the grid of {item.inputs['labels'].name}: {geometry.difference(labels.geometry)}",
            where=path.name,
            fix="segment this image, or bring its labels to its grid",
        )
    if image.data.min() < 0 and job.parameters["intensities"] == "magnitude":
        raise ItemFault(
            f"has negative intensities (down to {float(image.data.min()):g}), which no magnitude image has",
            where=path.name,
            fix="give the magnitude image, with its own rescale slope and intercept",
        )
    if job.parameters["eight_bit"] == "refuse" and _is_eight_bit(image):
        raise ItemFault(
            "has whole numbers from 0 to 255 only, as a windowed picture has",
            where=path.name,
            fix="give the scanner's images, or set parameter eight_bit to 'accept' where their scale is linear",
        )
    return image, labels


def _is_axial_in_another_order(geometry: Geometry) -> bool:
    """Whether slices are axial though they do not follow each other along k: by the axis that is nearest to superior,
    whose voxels are the longest."""
    axis = int(np.abs(np.asarray(geometry.directions)[:, 2]).argmax())
    return axis != 2 and geometry.spacing_mm[axis] >= 0.99 * max(geometry.spacing_mm)


def _on_grid_of(image: Volume, labels: Labels, where: str, result: Result) -> Labels:
    """The labels in the image's order of axes, and padded where they were cropped."""
    volume = Volume(labels.data, labels.geometry, labels.facts)
    if turn_of(labels.geometry).order != turn_of(image.geometry).order:
        volume = nearest_lps(volume)
    if not volume.geometry.same_as(image.geometry) and (larger := padded(volume, image.geometry)) is not None:
        size = " x ".join(map(str, image.geometry.size))
        result.warn(f"{where} was cropped to its segments and is padded to the {size} voxels of the image")
        volume = larger
    return Labels(np.asarray(volume.data, np.uint8), volume.geometry, labels.values, volume.facts)


def _is_eight_bit(image: Volume) -> bool:
    if image.data.dtype.itemsize == 1:
        return True
    low, high = float(image.data.min()), float(image.data.max())
    # A constant image has a fault of its own, and an image scaled to 0..1 is not a picture of 8 bits.
    return (
        0 <= low < high <= EIGHT_BIT_MAX
        and high > 1
        and all(bool((page == np.rint(page)).all()) for page in image.data)
    )
