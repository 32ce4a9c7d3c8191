"""The input set `graded_masks`: how far a segmentation of a given Dice is off in muscle volume and P/A ratio.

True label maps of phantom persons are given faults of graded strength. For every fault and strength, mean Dice is
found, and mean and SD between persons of the natural logarithm of measured over true P/A ratio and TMV. `levels.json`
states them as settings of `ukb_cohort`, so that a simulation can carry them to odds ratios.

Faults move the boundary of every structure along its normal, outward where positive, by

- `boundary`: strength times a smooth random field of SD 1 (correlation about 15 mm), new for each person and
  structure: a network's unsystematic error;
- `depth`: strength times a normal number, new for each person and structure: a muscle drawn too large or too small;
- `erosion`: minus the strength, for everybody: a systematic error.

Where two structures claim a voxel, the one whose moved boundary is further away takes it. A voxel's distance from the
boundary is known to within a voxel only; a uniform random part of a voxel stands in for the rest, so that volumes
change in proportion to shifts of less than a voxel. A strength of 0 gives the true labels back exactly.

The errors are those of these faults and no network's: a real network's errors at the same Dice may be more or less
alike between persons, and only what differs between persons misclassifies them.
"""

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from containers.contract.files import write_json
from containers.contract.request import Strict
from containers.toolkit.images.labels import HAMSTRINGS, MUSCLES, QUADRICEPS, THIGH_LABELS, label_of
from containers.toolkit.images.volume import Geometry
from phantoms.cohorts.tables import F64, SCHEMA_VERSION
from phantoms.shared.subjects import draw_subject
from phantoms.thigh.anatomy import fit

Labels = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Fault = Literal["boundary", "depth", "erosion"]

STRENGTHS_MM: dict[Fault, tuple[float, ...]] = {
    "boundary": (0.5, 1.0, 2.0, 3.0, 4.0),
    "depth": (0.25, 0.5, 1.0, 1.5, 2.0),
    "erosion": (0.25, 0.5, 1.0, 1.5, 2.0),
}
CORRELATION_MM = 15.0
FIRST_SEED = 700_000
"""Of the persons: none of the other cases', the training's or the tests' persons."""
SPACING_MM = {"small": (4.0, 4.0, 6.0), "full": (2.0, 2.0, 3.0)}
DITHER_SEED = 35
MARGIN_MM = 16.0
"""Around a structure: boundaries do not move further."""
FIELD_MM = ((-225.0, -150.0, -540.0), (225.0, 180.0, 140.0))
"""Box that holds every labelled structure."""


class Parameters(Strict):
    """Parameters of `graded_masks`."""

    preset: Literal["small", "full"] = "small"
    """Size of a voxel: 4 x 4 x 6 mm (`small`) or 2 x 2 x 3 mm (`full`)."""
    seed: int = Field(default=0, ge=0)
    """Start of the random draws of persons and faults."""
    persons: int = Field(default=12, ge=2, le=200)
    """Number of persons, of both sexes in turn."""
    strengths_mm: dict[Fault, tuple[float, ...]] = Field(default_factory=lambda: dict(STRENGTHS_MM))
    """Strengths of each fault, in mm."""


def grid(preset: str) -> Geometry:
    """The voxel grid of a preset, in LPS."""
    spacing = SPACING_MM[preset]
    low, high = FIELD_MM
    size = tuple(int((b - a) / step) for a, b, step in zip(low, high, spacing, strict=True))
    return Geometry((size[0], size[1], size[2]), spacing, low)


def moved(labels: Labels, spacing_mm: tuple[float, float, float], shifts: dict[int, list[F32 | float]]) -> list[Labels]:
    """Label maps (k, j, i) with every structure's boundary moved, one for each entry of the lists of `shifts`.

    shifts: label -> per map the outward shift in mm, a number or a field on the structure's box (see `boxes`).
    spacing_mm: along i, j, k. The dither of a voxel is the same in all maps.
    """
    maps = len(next(iter(shifts.values())))
    best = [np.zeros(labels.shape, dtype=np.float32) for _ in range(maps)]
    out = [np.zeros_like(labels) for _ in range(maps)]
    rng = np.random.default_rng(DITHER_SEED)
    for label, box in boxes(labels, spacing_mm).items():
        distance = signed_distance(labels[box] == label, spacing_mm, rng)
        for shift, scores, chosen in zip(shifts[label], best, out, strict=True):
            score = distance - np.float32(shift) if isinstance(shift, float) else distance - shift
            wins = score < scores[box]
            scores[box][wins] = score[wins]
            chosen[box][wins] = label
    return out


def boxes(labels: Labels, spacing_mm: tuple[float, float, float]) -> dict[int, tuple[slice, ...]]:
    """Per label that occurs its bounding box (slices along k, j, i), widened by MARGIN_MM."""
    wide = [math.ceil(MARGIN_MM / step) for step in reversed(spacing_mm)]
    found = {}
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            found[label] = tuple(
                slice(max(0, s.start - w), min(n, s.stop + w)) for s, w, n in zip(box, wide, labels.shape, strict=True)
            )
    return found


def signed_distance(
    mask: npt.NDArray[np.bool_], spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> F32:
    """Distance in mm to the mask's surface (k, j, i), negative inside; a uniform part of a voxel is dithered away."""
    sampling = tuple(reversed(spacing_mm))
    outside = ndimage.distance_transform_edt(~mask, sampling=sampling)
    inside = ndimage.distance_transform_edt(mask, sampling=sampling)
    part = min(spacing_mm) * rng.random(mask.shape, dtype=np.float32)
    distance: F32 = np.where(mask, part - inside, outside - part).astype(np.float32)
    return distance


def smooth_field(shape: tuple[int, ...], spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> F32:
    """A smooth random field (k, j, i) of mean 0 and SD 1."""
    # The correlation length of filtered white noise is sqrt(2) times the filter's SD.
    sigma = [CORRELATION_MM / math.sqrt(2) / step for step in reversed(spacing_mm)]
    # Drawn on a wider box, so that small structures do not each get mean 0.
    wide = tuple(n + 2 * math.ceil(s) for n, s in zip(shape, sigma, strict=True))
    smooth = ndimage.gaussian_filter(rng.standard_normal(wide, dtype=np.float32), sigma, mode="wrap")
    scale = math.sqrt(math.prod(2 * math.sqrt(math.pi) * s for s in sigma))
    inner = tuple(slice((w - n) // 2, (w - n) // 2 + n) for w, n in zip(wide, shape, strict=True))
    field: F32 = smooth[inner] * np.float32(scale)
    return field


def _shifts(
    labels: Labels, geometry: Geometry, fault: Fault, strengths: tuple[float, ...], seed: int
) -> dict[int, list[F32 | float]]:
    rng = np.random.default_rng([seed, 36, list(STRENGTHS_MM).index(fault)])
    shifts: dict[int, list[F32 | float]] = {}
    for label, box in boxes(labels, geometry.spacing_mm).items():
        if fault == "boundary":
            field = smooth_field(labels[box].shape, geometry.spacing_mm, rng)
            shifts[label] = [np.float32(strength) * field for strength in strengths]
        elif fault == "depth":
            normal = float(rng.standard_normal())
            shifts[label] = [strength * normal for strength in strengths]
        else:
            shifts[label] = [-strength for strength in strengths]
    return shifts


def compare(truth: Labels, found: Labels) -> dict[str, float]:
    """Mean Dice over the structures, and log of measured over true P/A ratio (hamstrings over quadriceps) and TMV."""
    pairs = np.bincount(truth.ravel().astype(np.int64) * 28 + found.ravel(), minlength=28 * 28).reshape(28, 28)
    true, got, both = pairs.sum(1), pairs.sum(0), np.diag(pairs)
    dice = [2 * both[v] / (true[v] + got[v]) for v in THIGH_LABELS if true[v]]

    def total(counts: npt.NDArray[Any], names: tuple[str, ...]) -> float:
        return float(sum(counts[label_of(name)] for name in names))

    pa = [total(n, HAMSTRINGS) / total(n, QUADRICEPS) for n in (got, true)]
    return {
        "dice": float(np.mean(dice)),
        "pa_error": math.log(pa[0] / pa[1]),
        "tmv_error": math.log(total(got, MUSCLES) / total(true, MUSCLES)),
    }


def person_errors(p: Parameters, number: int) -> list[dict[str, Any]]:
    """One row per fault and strength, for one person."""
    seed = FIRST_SEED + 1000 * p.seed + number
    subject = draw_subject(seed, "female" if number % 2 else "male")
    geometry = grid(p.preset)
    labels = fit(subject, seed).labels(geometry)
    rows = []
    for fault, strengths in p.strengths_mm.items():
        maps = moved(labels, geometry.spacing_mm, _shifts(labels, geometry, fault, strengths, seed))
        for strength, found in zip(strengths, maps, strict=True):
            rows.append({"person": number, "fault": fault, "strength_mm": strength, **compare(labels, found)})
    return rows


def levels_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Levels of a simulation: no error, then every fault and strength with its Dice and the errors' mean and SD."""
    none = {"id": "none_0", "facts": {"fault": "none", "strength_mm": 0.0, "dice": 1.0}, "parameters": {}}
    levels: list[dict[str, Any]] = [none]
    for fault, strength in dict.fromkeys((row["fault"], row["strength_mm"]) for row in rows):
        own = [row for row in rows if (row["fault"], row["strength_mm"]) == (fault, strength)]
        parameters: dict[str, float] = {}
        for what in ("pa", "tmv"):
            errors: F64 = np.array([row[f"{what}_error"] for row in own])
            parameters |= {f"{what}_error_bias": float(errors.mean()), f"{what}_error_sd": float(errors.std(ddof=1))}
        dice: F64 = np.array([row["dice"] for row in own])
        facts = {
            "fault": fault,
            "strength_mm": strength,
            "dice": float(dice.mean()),
            "dice_sd": float(dice.std(ddof=1)),
        }
        name = f"{fault}_{strength:g}".replace(".", "p")
        levels.append({"id": name, "facts": {**facts, "persons": len(own)}, "parameters": parameters})
    return levels


def make(parameters: dict[str, Any], folder: Path) -> None:
    """Fill `folder` with `levels.json` and `errors.json`. Raises pydantic's ValidationError for wrong parameters."""
    p = Parameters.model_validate(parameters)
    rows = [row for number in range(p.persons) for row in person_errors(p, number)]
    write_json(folder / "errors.json", {"schema_version": SCHEMA_VERSION, "rows": rows})
    write_json(folder / "levels.json", {"schema_version": SCHEMA_VERSION, "levels": levels_of(rows)})
    write_json(
        folder / "phantom.json",
        {
            "schema_version": SCHEMA_VERSION,
            "name": "graded_masks",
            "parameters": p.model_dump(mode="json"),
            "files": {"levels": "levels.json", "errors": "errors.json"},
            "facts": {},
            "truth": {},
        },
    )
