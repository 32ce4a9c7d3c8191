"""From components to tissues: which voxels, or which part of each voxel, are fat.

The lowest mean is muscle, the highest fat (T2-weighted HASTE: muscle dark, fat bright); those between are the middle.
A rule is `<assignment>_<middle>`:

    hard        each voxel to its most probable component; below the lowest mean to muscle, above the highest to fat,
                whatever the tails of wider components say: a class is an interval of intensity
    posterior   each voxel in parts, by the probabilities of the components
    _muscle, _fat, _shared   the middle is muscle, is fat, is half of each
    _left_out   the middle is neither, and does not count
    _unmixed    the middle is a mixture within the voxel: fat part (x - muscle mean) / (fat mean - muscle mean), 0 to 1

Fat in streaks thinner than a voxel never reaches the level of pure fat: then the brightest component holds mixed voxels
too, and no rule that rests on the components alone unmixes those.

nako_cbp does not print what became of the middle (Procedures: fat masks are taken off the muscle mask, which leaves the
middle in muscle). The toolbox of the method's authors (MuscleMap, mm_util.py) calls the highest component fat and the
middle undefined, and gives both as parts of all voxels. `hard_muscle` is both; the others say what hangs on it.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from containers.composition.mixture import em
from containers.composition.mixture.fit import MixtureFit
from containers.composition.mixture.histogram import Array

Assignment = Literal["hard", "posterior"]
Middle = Literal["muscle", "fat", "left_out", "shared", "unmixed"]
RULES = tuple(f"{assignment}_{middle}" for assignment in get_args(Assignment) for middle in get_args(Middle))


@dataclass(frozen=True)
class ClassShares:
    """Shares of the voxels by the rule's assignment of the components; muscle + middle + fat = 1."""

    muscle: float
    """Share that is muscle, 0 to 1."""
    middle: float
    """Share that is neither, 0 to 1."""
    fat: float
    """Share that is fat, 0 to 1."""
    fat_share: float | None
    """InterMAT by the rule, fat over muscle and fat, 0 to 1; None where nothing counts."""


def component_weights(fit: MixtureFit, levels: npt.ArrayLike, assignment: Assignment) -> Array:
    """Parts of muscle, middle and fat component in a voxel of each intensity: (3, ...) for levels (...), 1 together."""
    x = np.asarray(levels, dtype=np.float64)
    flat = x.reshape(-1)
    share = em.posteriors(flat, fit.parameters)[0]
    if assignment == "hard":
        last = len(share) - 1
        best = np.where(flat < fit.means[0], 0, np.where(flat > fit.means[-1], last, share.argmax(axis=0)))
        share = (best == np.arange(last + 1)[:, None]).astype(np.float64)
    return np.stack([share[0], share[1:-1].sum(axis=0), share[-1]]).reshape(3, *x.shape)


def tissue_weights(fit: MixtureFit, levels: npt.ArrayLike, rule: str) -> tuple[Array, Array]:
    """Muscle and fat part (0 to 1) of a voxel of each intensity, in the shape of `levels`; 1 together, less what is
    left out. Of a region: InterMAT = sum of fat over sum of both. Raises ValueError for a rule that is not in RULES."""
    assignment, middle = _parts_of(rule)
    x = np.asarray(levels, dtype=np.float64)
    muscle, between, fat = component_weights(fit, x, assignment)
    if middle == "left_out":
        return muscle, fat
    if middle == "unmixed":
        part = np.clip((x - fit.means[0]) / (fit.means[-1] - fit.means[0]), 0, 1)
    else:
        part = np.asarray({"muscle": 0.0, "shared": 0.5, "fat": 1.0}[middle])
    return muscle + (1 - part) * between, fat + part * between


def class_shares(fit: MixtureFit, values: npt.ArrayLike, rule: str, counts: npt.ArrayLike | None = None) -> ClassShares:
    """Shares among `values` (n,), each counted `counts` (n,) times, or once. Raises ValueError for an unknown rule."""
    number = np.ones(np.shape(values)) if counts is None else np.asarray(counts, dtype=np.float64)
    muscle, fat = ((number * weight).sum() for weight in tissue_weights(fit, values, rule))
    parts = component_weights(fit, values, _parts_of(rule)[0])
    dark, middle, bright = ((number * part).sum() / number.sum() for part in parts)
    share = float(fat / (muscle + fat)) if muscle + fat > 0 else None
    return ClassShares(float(dark), float(middle), float(bright), share)


def _parts_of(rule: str) -> tuple[Assignment, str]:
    if rule not in RULES:
        raise ValueError(f"{rule!r} is none of the rules {', '.join(RULES)}")
    assignment, _, middle = rule.partition("_")
    return ("hard" if assignment == "hard" else "posterior"), middle
