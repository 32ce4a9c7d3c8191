"""Muscle and fat in every labelled voxel: the mixture fitted to its intensities, the adipose reference, the rule.

The voxels are a flat list in the order of their places in the array; all arrays here follow it. What a rule leaves out
counts neither as muscle nor as fat; by every other rule the two are 1 together.

Rule `partial_volume`: an image of T2-weighted signal is linear in the volumes of the tissues in a voxel, and the blur
of the echo train moves signal but keeps its sum. With the muscle component's mean m and the signal s of pure adipose
tissue, a voxel of signal x that is not of the muscle component holds (x - m) / (s - m) fat, cut to 0 and 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.composition.adipose import Adipose
from containers.composition.mixture.fit import MixtureFit, fit_mixture
from containers.composition.mixture.rules import RULES, component_weights, tissue_weights
from containers.composition.structures import SIDES, side_labels
from containers.contract.errors import ItemFault

Array = npt.NDArray[np.float64]
PARTIAL_VOLUME = "partial_volume"
ALL_RULES = (PARTIAL_VOLUME, *RULES)
WHOLE = "all"
"""Name of the scope of all labelled voxels."""


@dataclass(frozen=True)
class Voxels:
    """Labelled voxels of an image."""

    places: npt.NDArray[np.intp]
    """Flat places in the array (k, j, i), ascending."""
    labels: npt.NDArray[np.uint8]
    """Label of each."""
    values: npt.NDArray[np.generic]
    """Intensity of each."""

    def of(self, labels: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Which voxels have one of the labels."""
        return np.asarray(np.isin(self.labels, labels))


@dataclass(frozen=True)
class Scope:
    """The voxels that one mixture was fitted to."""

    name: str
    """Name of the scope: a side, a structure, or all."""
    chosen: npt.NDArray[np.bool_]
    """Which of the labelled voxels are in it."""
    fit: MixtureFit
    """The mixture."""


def scopes_of(values: Mapping[str, int], scope: str) -> dict[str, tuple[int, ...]]:
    """Labels by the name of each scope. Raises ItemFault where sides are wanted that the labels do not part."""
    if scope == "participant":
        return {WHOLE: tuple(values.values())}
    if scope == "structure":
        return {name: (value,) for name, value in values.items()}
    sides = {side: side_labels(values, side) for side in SIDES}
    if not all(sides.values()):
        fix = "give labels by side, or set mixture_scope to 'participant'"
        raise ItemFault("does not part left from right, which mixture_scope asks for", where="input labels", fix=fix)
    return sides


def fit_scopes(
    voxels: Voxels, scopes: Mapping[str, tuple[int, ...]], parameters: Mapping[str, Any], seed: int, where: str
) -> list[Scope]:
    """Fit a mixture to each scope that has voxels. Raises ItemFault, naming the image `where`, if one cannot be."""
    fitted = []
    for name, labels in scopes.items():
        chosen = voxels.of(labels)
        if not chosen.any():
            continue
        try:
            fit = fit_mixture(
                voxels.values[chosen],
                components=parameters["mixture_components"],
                method=parameters["mixture_method"],
                max_iterations=parameters["mixture_max_iterations"],
                tolerance=parameters["mixture_tolerance"] or None,
                seed=seed,
                initialisation=parameters["mixture_initialisation"],
                signed=parameters["intensities"] == "signed",
            )
        except ItemFault as fault:
            part = "" if name == WHOLE else f" ({name})"
            raise ItemFault(fault.what, where=f"{where} inside the labels{part}", fix=fault.fix) from fault
        fitted.append(Scope(name, chosen, fit))
    return fitted


def muscle_level(scopes: list[Scope]) -> tuple[float, float]:
    """Mean and standard deviation of the muscle component of the scope with most voxels."""
    fit = max(scopes, key=lambda scope: int(scope.chosen.sum())).fit
    return float(fit.means[0]), float(np.sqrt(fit.variances[0]))


def tissue_parts(
    voxels: Voxels, scopes: list[Scope], rules: tuple[str, ...], adipose: Adipose
) -> dict[str, tuple[Array, Array]]:
    """Muscle part and fat part of each voxel by rule; without `partial_volume` where there is no adipose signal."""
    found: dict[str, tuple[Array, Array]] = {}
    for rule in rules:
        if rule != PARTIAL_VOLUME or adipose.signal is not None:
            found[rule] = np.zeros(len(voxels.values)), np.zeros(len(voxels.values))
    for scope in scopes:
        levels, back = np.unique(voxels.values[scope.chosen], return_inverse=True)
        for rule, (muscle, fat) in found.items():
            parts = _partial_volume(scope.fit, levels, adipose) if rule == PARTIAL_VOLUME else None
            muscle_part, fat_part = parts or tissue_weights(scope.fit, levels, rule)
            muscle[scope.chosen], fat[scope.chosen] = muscle_part[back], fat_part[back]
    return found


def _partial_volume(fit: MixtureFit, levels: npt.NDArray[np.generic], adipose: Adipose) -> tuple[Array, Array]:
    """Muscle and fat part by the rule of the module's docstring, for levels (L,). The adipose signal is known."""
    pure_muscle, pure_fat = float(fit.means[0]), float(adipose.signal or 0.0)
    part = np.clip((np.asarray(levels, np.float64) - pure_muscle) / (pure_fat - pure_muscle), 0.0, 1.0)
    fat = (1.0 - component_weights(fit, levels, "posterior")[0]) * part
    return 1.0 - fat, fat
