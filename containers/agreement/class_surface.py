"""Surface measures per class, and what they are for classes without voxels.

- absent from both: undefined;
- missed, or false positive: a distance to nothing does not exist, so Hausdorff 95 is undefined (other tools give
  infinity or the image's diagonal: a number that no body has); surface Dice is 0, as no surface lies near the other.
Means: surface Dice over the classes of the truth, like Dice, so that a missed class counts 0; Hausdorff 95 over the
classes that are in both, with `classes_missed` to read with it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from containers.agreement.overlap import ClassAgreement
from containers.agreement.surface import surfaces
from containers.contract.errors import RequestFault
from containers.contract.stage import Job
from containers.toolkit.images.volume import Geometry


@dataclass(frozen=True)
class ClassSurface:
    """Surface measures of one class."""

    hausdorff_95_mm: float | None
    """Hausdorff 95 in mm; None where the class is not in both maps."""
    dice: dict[float, float | None]
    """Surface Dice, 0 to 1, by tolerance in mm; None where the class is in neither map."""


def surface_tolerances(job: Job) -> list[float]:
    """Parameter `surface_tolerances_mm`. Raises RequestFault unless it has different numbers of 0 or more."""
    given = job.parameters["surface_tolerances_mm"]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 for value in given)
    if not numbers or len({f"{value:g}" for value in given}) != len(given):
        raise RequestFault(
            f"{given} are not different distances in mm",
            where="parameters.surface_tolerances_mm",
            fix="give, for example, [1, 3], or [] for no surface measures",
        )
    return [float(value) for value in given]


def class_surfaces(
    labels: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.uint8],
    grid: Geometry,
    classes: list[ClassAgreement],
    values: dict[str, tuple[int, int]],
    tolerances: list[float],
) -> dict[str, ClassSurface]:
    """Measures by class. labels, truth: label maps (k, j, i) on `grid`. values: label and true label of each class; 0
    where a map does not declare it."""
    both = [one.name for one in classes if one.state == "in both"]
    pairs = surfaces(labels, truth, (values[name] for name in both), grid)
    found = {
        name: ClassSurface(pair.hausdorff_95_mm, {tolerance: pair.dice(tolerance) for tolerance in tolerances})
        for name, pair in zip(both, pairs, strict=True)
    }
    for one in classes:
        if one.name not in found:
            none = None if one.state == "absent from both" else 0.0
            found[one.name] = ClassSurface(None, dict.fromkeys(tolerances, none))
    return found
