"""InterMAT and lean volume of the labelled muscles from a T2-weighted image (nako_cbp, Procedures).

A Gaussian mixture is fitted to the intensities inside the masks, its components become muscle and fat by a rule, the
fat is taken off the masks, and what is left is lean muscle. Per structure, side and spinal level: `measure_intermat`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.composition.adipose import Adipose, adipose_signal
from containers.composition.anatomy import Labels
from containers.composition.areas import LeanShare
from containers.composition.bias_field import bias_field
from containers.composition.image import read_image
from containers.composition.levels import Level, Slabs, slabs_of
from containers.composition.mixture.rules import class_shares
from containers.composition.mixture_file import write_mixture
from containers.composition.structures import Structures
from containers.composition.swapped import outside_body
from containers.composition.tissue import (
    ALL_RULES,
    WHOLE,
    Scope,
    Voxels,
    fit_scopes,
    muscle_level,
    scopes_of,
    tissue_parts,
)
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.doubts import Doubt, read_doubts
from containers.toolkit.images.volume import Volume
from containers.toolkit.images.writing import ImageWriter

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """Muscle and fat of a region."""

    voxels: float
    """How many voxels there are, parts of voxels included."""
    volume: float
    """Volume in cm3."""
    lean: float | None
    """Volume without fat, in cm3; None where nothing counts as muscle or fat."""
    intermat: float | None
    """Share of InterMAT in %; None where nothing counts as muscle or fat."""


Regions = dict[str, Region]
"""Region by name: structures, `level_*`, and WHOLE, also those without a voxel."""


@dataclass(frozen=True)
class Intermat:
    """What an image says of muscle and fat inside the labels."""

    regions: Regions
    """Muscle and fat by region."""
    reason: str
    """Why a region that is there has no InterMAT; empty where it has."""
    labels: npt.NDArray[np.uint8]
    """Label of each labelled voxel, (n,)."""
    parts: tuple[Array, Array]
    """Muscle part and fat part of each of these voxels by `class_rule`; NaN where it is undefined."""
    slabs: Slabs
    """Where these voxels lie along z."""
    doubts: tuple[Doubt, ...]
    """What is doubtful of the image."""

    def lean_share(self, level: Level) -> LeanShare:
        """The part of a structure that is muscle, 0 to 1, within a slab; None where nothing counts there."""
        part = self.slabs.part(level)
        inside = np.flatnonzero(part)
        muscle, fat = (
            np.bincount(self.labels[inside], part[inside] * tissue[inside], minlength=256) for tissue in self.parts
        )

        def share(values: tuple[int, ...]) -> float | None:
            lean, all_of_it = (float(sums[list(values)].sum()) for sums in (muscle, muscle + fat))
            return lean / all_of_it if all_of_it > 0 else None

        return share


def measure_intermat(
    item: Item, labels: Labels, structures: Structures, levels: list[Level], job: Job, result: Result
) -> Intermat:
    """Write the fat map, the mixture and the metrics that belong to no one structure; return the regions.

    Raises ItemFault for an image or intensities that cannot be used.
    """
    with result.step("read_image"):
        image, labels = read_image(item, job, labels, result)
    muscles = {name: values[0] for name, values in structures.items() if len(values) == 1}
    places = np.flatnonzero(np.isin(labels.data, list(muscles.values())))
    labelled = np.zeros(labels.data.shape, bool)
    labelled.reshape(-1)[places] = True
    plain = Voxels(places, labels.data.reshape(-1)[places], image.data.reshape(-1)[places])
    scopes = scopes_of(muscles, job.parameters["mixture_scope"])
    rule = job.parameters["class_rule"]
    if job.parameters["bias_correction"] == "n4":
        _, before, _ = _tissue(item, image, labelled, plain, scopes, (rule,), job)
        with result.step("bias_field"):
            image = _corrected(image, labelled, result)
        result.metric("intermat_percent_uncorrected", *_share(before, rule))
    voxels = Voxels(places, plain.labels, image.data.reshape(-1)[places])
    with result.step("mixture"):
        fitted, parts, adipose = _tissue(item, image, labelled, voxels, scopes, ALL_RULES, job)
    _describe(voxels, fitted, parts, adipose, result)
    result.details["intermat_percent_by_rule"] = _by_rule(voxels, structures, parts)
    write_mixture(result.file("mixture", "mixture.json"), voxels, fitted, adipose, rule)
    reason = "" if rule in parts else f"class_rule {rule}: {adipose.reason}"
    if reason:
        result.warn(f"InterMAT is undefined by {reason}")
        nothing = np.full(len(places), np.nan)
        parts[rule] = nothing, nothing
    with result.step("write_map"):
        fat = np.zeros(labels.data.shape, np.float32)
        fat.reshape(-1)[places] = np.nan_to_num(100.0 * parts[rule][1])
        facts = {"contrast": "intermat", "sample units": "percent"}
        volume = Volume(fat, labels.geometry, facts)
        ImageWriter.of(item, job, result).volume("intermat", volume, compress=True)
    with result.step("regions"):
        slabs = slabs_of(labels.geometry, places)
        weights = _weights(voxels, structures, {f"level_{n.name}": slabs.part(n) for n in levels})
        regions = _regions(weights, parts[rule], labels.geometry.voxel_cm3)
    doubts = read_doubts(image.facts)
    # A whole thigh holds bone, which has no signal either.
    judged = job.parameters["intensities"] == "magnitude" and "thigh" not in structures
    outside = outside_body(plain.values) if judged else None
    if outside is not None:
        result.warn(outside.text)
        doubts.append(outside)
    return Intermat(regions, reason, voxels.labels, parts[rule], slabs, tuple(doubts))


def _tissue(
    item: Item,
    image: Volume,
    labelled: npt.NDArray[np.bool_],
    voxels: Voxels,
    scopes: Mapping[str, tuple[int, ...]],
    rules: tuple[str, ...],
    job: Job,
) -> tuple[list[Scope], dict[str, tuple[Array, Array]], Adipose]:
    """Fits, parts by rule, and the adipose signal."""
    fitted = fit_scopes(voxels, scopes, job.parameters, job.seed, item.inputs["image"].name)
    adipose = adipose_signal(image.data, labelled, image.geometry, muscle_level(fitted))
    return fitted, tissue_parts(voxels, fitted, rules, adipose), adipose


def _corrected(image: Volume, labelled: npt.NDArray[np.bool_], result: Result) -> Volume:
    """The image over its N4 field, and how far the field reaches inside the labels."""
    field = bias_field(image, labelled)
    low, high = (float(v) for v in np.percentile(field[labelled], (5, 95)))
    result.metric("bias_field_percent", 100.0 * (high / low - 1.0))
    result.details["bias_field"] = {"p5": round(low, 6), "p95": round(high, 6)}
    return Volume(np.asarray(image.data, np.float32) / field, image.geometry, image.facts)


def _share(parts: Mapping[str, tuple[Array, Array]], rule: str) -> tuple[float | None, str]:
    """InterMAT in percent of all voxels by a rule, or None with the reason."""
    if rule not in parts:
        return None, "no adipose tissue was found behind the muscles"
    muscle, fat = (float(part.sum()) for part in parts[rule])
    return (100.0 * fat / (muscle + fat), "") if muscle + fat > 0 else (None, "the rule leaves every voxel out")


def _by_rule(
    voxels: Voxels, structures: Structures, parts: Mapping[str, tuple[Array, Array]]
) -> dict[str, dict[str, float | None]]:
    """InterMAT in percent by structure (and WHOLE), then by rule; None where a rule gives none."""
    chosen = {WHOLE: np.ones(len(voxels.places), bool)} | {name: voxels.of(v) for name, v in structures.items()}
    return {
        name: {
            rule: _share({rule: (parts[rule][0][inside], parts[rule][1][inside])} if rule in parts else {}, rule)[0]
            for rule in ALL_RULES
        }
        for name, inside in chosen.items()
    }


def _describe(
    voxels: Voxels,
    fitted: list[Scope],
    parts: Mapping[str, tuple[Array, Array]],
    adipose: Adipose,
    result: Result,
) -> None:
    """Metrics and details of the mixtures, the reference and all rules."""
    result.metric("adipose_signal", adipose.signal, adipose.reason)
    for rule in ALL_RULES:
        result.metric(f"intermat_percent_by_rule.{rule}", *_share(parts, rule))
    details: dict[str, Any] = {}
    for scope in fitted:
        fit, prefix = scope.fit, "" if scope.name == WHOLE else f"{scope.name}."
        for number, (weight, mean, variance) in enumerate(zip(*fit.parameters, strict=True), start=1):
            result.metric(f"mixture_weight.{prefix}component_{number}", weight)
            result.metric(f"mixture_mean.{prefix}component_{number}", mean)
            result.metric(f"mixture_sd.{prefix}component_{number}", variance**0.5)
        result.metric(f"mixture_iterations.{scope.name}", fit.iterations)
        result.metric(f"mixture_converged.{scope.name}", int(fit.converged))
        for note in fit.notes:
            result.warn(f"mixture of {scope.name}: {note}")
        shares = {rule: class_shares(fit, voxels.values[scope.chosen], rule) for rule in ALL_RULES[1:]}
        details[scope.name] = {
            "method": fit.method,
            "tolerance": fit.tolerance,
            "log_likelihood": fit.log_likelihood,
            "weights_to_go": fit.convergence.weights_to_go,
            "notes": list(fit.notes),
            "classes_by_rule": {
                rule: {"muscle": s.muscle, "middle": s.middle, "fat": s.fat} for rule, s in shares.items()
            },
        }
    result.details["mixture"] = details


def _weights(voxels: Voxels, structures: Structures, levels: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Part of each voxel in each region."""
    yield WHOLE, np.ones(len(voxels.places))
    for name, values in structures.items():
        yield name, voxels.of(values).astype(np.float64)
    yield from levels.items()


def _regions(weights: Iterator[tuple[str, Array]], parts: tuple[Array, Array], voxel_cm3: float) -> Regions:
    found = {}
    for name, weight in weights:
        count = float(weight.sum())
        muscle, fat = (float(weight @ part) for part in parts)
        defined = muscle + fat > 0
        intermat, lean = (100.0 * fat / (muscle + fat), muscle * voxel_cm3) if defined else (None, None)
        found[name] = Region(count, count * voxel_cm3, lean, intermat)
    return found
