"""NIfTI into LPS. For import and training only: the pipeline speaks NRRD, and stage images go without nibabel."""

from pathlib import Path
from typing import Any

import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Geometry, Volume


def read_nifti(path: Path) -> Volume:
    """A 3-D NIfTI file in LPS, data (k, j, i) in the file's own type, scaled where its header says so.

    Raises ItemFault when it is no NIfTI, is not 3-D, or carries no usable affine.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image: Any = nibabel.load(path)
        data = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, dtype=float)
    except (OSError, ValueError, EOFError, ImageFileError) as error:
        raise ItemFault(f"is not a readable NIfTI file ({error})", where=path.name, fix="write it again") from error
    if data.ndim != 3:
        raise ItemFault(f"has {data.ndim} axes, 3 are needed", where=path.name, fix="give one scalar volume a file")
    # NIfTI counts RAS; LPS has x and y the other way round.
    steps, origin = affine[:3, :3].T * [-1.0, -1.0, 1.0], affine[:3, 3] * [-1.0, -1.0, 1.0]
    try:
        geometry = Geometry.of_steps((data.shape[0], data.shape[1], data.shape[2]), steps, origin)
    except ValueError as error:
        raise ItemFault(f"has no usable affine: {error}", where=path.name, fix="correct its sform or qform") from error
    return Volume(np.ascontiguousarray(data.transpose(2, 1, 0)), geometry)
