"""The T2-weighted image that the mixture is fitted to: read, and refused where the measures would mean nothing."""

from dataclasses import replace

import numpy as np

from containers.composition.anatomy import Labels
from containers.composition.same_voxels import differ, same_voxels
from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.crop import padded
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.turn import slices_last
from containers.toolkit.images.volume import Volume

EIGHT_BIT_MAX = 255
THICKER = 1.05
"""Factor by which the voxels are longer across the slices than within them, where that tells which those are."""
AXES = ("left-right", "anterior-posterior", "superior-inferior")


def read_image(item: Item, job: Job, labels: Labels, result: Result) -> tuple[Volume, Labels]:
    """Read the input `image`; give it and the labels on one grid, k across the slices.

    Labels that were cropped to their segments are padded. Raises ItemFault for

    - one slice: a muscle's volume and its levels need more;
    - slices that are not axial, by their thickness: the paper's are, and what lies behind a muscle is looked for within
      a slice. In which order a file stores the axes makes no difference;
    - another grid than that of the labels, which then are of another scan or another reconstruction (`same_voxels`);
    - negative intensities, unless parameter `intensities` says signed;
    - integers from 0 to 255: a picture whose window cut off or bent the signal, unless `eight_bit` accepts it.
    """
    path = item.inputs["image"]
    image = slices_last(read_volume(path, result.warn, finite=True))
    geometry, labels = image.geometry, _on_grid_of(image, labels, item.inputs["labels"].name, result)
    if geometry.size[2] < 2:
        raise ItemFault("has a single slice", where=path.name, fix="give the whole stack of slices")
    thickest = int(np.argmax(geometry.spacing_mm))
    axis = int(np.abs(np.asarray(geometry.directions[thickest])).argmax())
    if axis != 2 and geometry.spacing_mm[thickest] > THICKER * geometry.spacing_mm[2]:
        raise ItemFault(
            f"has slices that follow each other {AXES[axis]}, axial ones are needed",
            where=path.name,
            fix="give the axial series, or correct the orientation in its header",
        )
    where, grid = item.inputs["labels"].name, labels.geometry
    if not same_voxels(geometry, grid, (path.name, where), job, result):
        fix = "segment this image, or bring its labels to its grid"
        raise differ(geometry, grid, path.name, f"is not on the grid of {where}", fix)
    image = Volume(image.data, grid, image.facts)
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


def _on_grid_of(image: Volume, labels: Labels, where: str, result: Result) -> Labels:
    """The labels, padded where they were cropped."""
    if labels.geometry.same_as(image.geometry):
        return labels
    larger = padded(Volume(labels.data, labels.geometry, labels.facts), image.geometry)
    if larger is None:
        return labels
    size = " x ".join(map(str, image.geometry.size))
    result.warn(f"{where} was cropped to its segments and is padded to the {size} voxels of the image")
    return replace(labels, data=np.asarray(larger.data, np.uint8), geometry=larger.geometry, facts=larger.facts)


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
