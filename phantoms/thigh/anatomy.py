"""A person's anatomy: the template scaled to a subject, as a function of position, with known volumes.

Invariants: the label at a point depends on the subject and on nothing else (no grid); both sides mirror each other
where asymmetry, rotation and shift are zero; volumes and ratios of `truth` are measured on lattices of the finished
anatomy, never copied from the request.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import (
    ANTERIOR,
    HAMSTRINGS,
    MUSCLES,
    POSTERIOR,
    QUADRICEPS,
    THIGH_LABELS,
    label_of,
)
from containers.toolkit.images.volume import Geometry
from phantoms.shared import anatomy_kernel as kernel
from phantoms.shared.anatomy_kernel import Tables, Thigh, codes_on_grid, count_lattice
from phantoms.shared.subjects import Subject
from phantoms.shared.tissues import tissue_of
from phantoms.shared.tube_kernel import F64, MUSCLE, Frame
from phantoms.shared.tubes import Tube, as_arrays, fill_grid, rows_of
from phantoms.thigh import anatomy_body as body
from phantoms.thigh import anatomy_template as template

Variant = Literal["standard", "held_out"]
Shift = tuple[float, float, float]

FILLER_CODES = {
    "intermuscular": kernel.INTERMUSCULAR,
    "organ": kernel.ORGAN,
    "lung": kernel.LUNG,
    "other_bone": kernel.OTHER_BONE,
    "other_muscle": kernel.OTHER_MUSCLE,
    "bowel": kernel.BOWEL,
    "fluid": kernel.FLUID,
}
LABEL_OF_CODE = np.zeros(64, dtype=np.uint8)
LABEL_OF_CODE[1:28] = np.arange(1, 28)
LABEL_OF_CODE[kernel.ILIAC_CORTEX] = label_of("iliac_bone")
LABEL_OF_CODE[kernel.FEMUR_CORTEX] = label_of("femur")

HELD_OUT_SHAPES = 20201
"""Seed of the held-out anatomy's own muscle shapes, the same for all its persons."""
LATTICE_SHIFTS: tuple[Shift, ...] = tuple((0.8192 * n % 1, 0.6710 * n % 1, 0.5497 * n % 1) for n in range(6))
"""Multiples of the inverse powers of 1.2207, the root of x^4 = x + 1: evenly spread in the unit cube."""
LARGEST_PLANE = 1.3
"""In-plane scale at which the labelled structures come within 10 mm of the edge of the field of view."""
FASCIA_MM = 1.6
"""Canonical width of the fat between two touching muscles."""
_Z_LOW, _Z_HIGH, _DZ = -620.0, 560.0, 2.0
_BOX_LOW, _BOX_HIGH = np.array([-220.0, -150.0, -530.0]), np.array([220.0, 160.0, 140.0])
"""Patient-frame box that holds every labelled structure of any subject."""


@dataclass(frozen=True)
class Scales:
    """What is solved for, so that volumes come out as the subject's."""

    plane: float = 1.0
    """In-plane scale."""
    posterior: float = 0.0
    """Change of the logarithm of the hamstrings' radii."""
    left: float = 0.0
    """Logarithm of the ratio of the left to the right leg's scale."""


@dataclass(frozen=True)
class Anatomy:
    """The anatomy of one subject."""

    subject: Subject
    """The subject that it was made for."""
    tables: Tables
    """The anatomy as arrays, for the kernels."""

    def codes(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """Tissue codes (k, j, i) at the voxel centres of a grid in LPS mm."""
        return fill_grid(codes_on_grid, self.tables, geometry)

    def labels(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """Labels 0..27 (k, j, i) at the voxel centres of a grid in LPS mm."""
        return LABEL_OF_CODE[self.codes(geometry)]

    def volumes(self, step_mm: float, offset: Shift = (0.0, 0.0, 0.0), texture: float = 0.0) -> tuple[F64, F64]:
        """Volumes in cm3 (2 sides: Left, Right; 28 labels) by a point lattice, and mean texture factors of the labels.

        offset: shift of the lattice in parts of a step; without it the lattice is symmetric in x.
        """
        size = np.ceil((_BOX_HIGH - _BOX_LOW) / step_mm).astype(int)
        low = (_BOX_LOW + _BOX_HIGH) / 2 + (np.array(offset) - (size - 1) / 2) * step_mm
        count, weight = count_lattice(*self.tables, low, np.full(3, step_mm), tuple(size.tolist()), texture)
        per_label = np.zeros((2, 28))
        weighted = np.zeros((2, 28))
        for code in range(1, 64):
            label = LABEL_OF_CODE[code]
            if label:
                per_label[:, label] += count[:, code]
                weighted[:, label] += weight[:, code]
        factor = np.divide(weighted.sum(0), per_label.sum(0), out=np.ones(28), where=per_label.sum(0) > 0)
        return per_label * step_mm**3 / 1000.0, factor


def _varied(tubes: tuple[Tube, ...], seed: int, variant: Variant) -> tuple[Tube, ...]:
    """Individual variation by structure (both sides alike); the held-out variant also changes the shapes themselves."""
    rng, other = np.random.default_rng([seed, 2]), np.random.default_rng(HELD_OUT_SHAPES)
    change = {}
    for name in dict.fromkeys(t.structure for t in tubes):
        normal = rng.standard_normal(5) + (3.0 * other.standard_normal(5) if variant == "held_out" else 0.0)
        change[name] = normal * np.array([0.05, 0.05, 1.5, 1.5, 3.0])
    done = []
    for tube in tubes:
        da, db, dx, dy, turn = change[tube.structure] if tube.kind == MUSCLE else (0.0,) * 5
        squareness = tube.squareness
        if variant == "held_out":
            # Flatter, squarer muscles, lower bellies: shapes that no tube of the standard anatomy takes.
            da, db, squareness = da + 0.10, db - 0.08, 0.55
        muscle = tube.kind == MUSCLE
        dy += 2.0 if muscle and variant == "held_out" else 0.0
        knots = tuple(
            (
                z - (10.0 if muscle and variant == "held_out" and -300 < z < -60 else 0.0),
                x + dx, y + dy, a * np.exp(da), b * np.exp(db), angle + turn, bend,
            )
            for z, x, y, a, b, angle, bend in tube.knots
        )  # fmt: skip
        done.append(replace(tube, knots=knots, squareness=squareness))
    return tuple(done)


def _envelopes(z: F64, fat_mm: float) -> list[F64]:
    """Rows of the skin of leg and trunk, then of their fascia. fat_mm: canonical thickness at mid-thigh."""
    shape = np.array(sorted(body.SUBCUTANEOUS_SHAPE))
    smooth = PchipInterpolator(shape[:, 0], shape[:, 1:])(z)
    fascia = [rows_of(knots, z, 15.0) for knots in (body.LEG_ENVELOPE, body.TRUNK_ENVELOPE)]
    skin = []
    for rows in fascia:
        outer = rows.copy()
        there = rows[:, 2] > 1.0
        outer[there, 2] += fat_mm * smooth[there, 0]
        outer[there, 3] += fat_mm * smooth[there, 0]
        outer[there, 1] += fat_mm * smooth[there, 1] * smooth[there, 0]
        skin.append(outer)
    return [*skin, *fascia]


def _fat_mm(subject: Subject, plane: float) -> float:
    """Subcutaneous thickness at mid-thigh in canonical mm, by BMI and sex (a linear rule of the phantom)."""
    bmi = subject.weight_kg / subject.height_m**2
    thickness = 12.0 + 0.9 * (bmi - 26) if subject.sex == "female" else 6.5 + 0.6 * (bmi - 26)
    return max(thickness, 2.5) / plane


def build(subject: Subject, seed: int, variant: Variant, scales: Scales) -> Anatomy:
    """Tables of the anatomy for given scales."""
    z = np.arange(_Z_LOW, _Z_HIGH + _DZ / 2, _DZ)
    tubes = _varied((*template.BONES, *template.THIGH, *template.PELVIS, *body.CORE), seed, variant) + body.FILLERS
    rows = []
    for tube in tubes:
        radii = 0.0
        if tube.structure in HAMSTRINGS:
            radii = scales.posterior
        elif tube.structure in QUADRICEPS:
            radii = -0.6 * scales.posterior
        row = rows_of(tube.knots, z, tube.cap_mm)
        row[:, 2:4] *= np.exp(radii)
        rows.append(row)
    labels = {name: value for value, name in THIGH_LABELS.items()} | FILLER_CODES
    codes = [labels[t.structure] for t in tubes]
    envelopes = _envelopes(z, _fat_mm(subject, scales.plane))
    rng = np.random.default_rng([seed, 3])
    direction = rng.standard_normal((8, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    waves = np.column_stack([direction * (2 * np.pi / rng.uniform(18, 45, 8))[:, None], rng.uniform(0, 2 * np.pi, 8)])
    turn = np.deg2rad(subject.rotation_deg)
    numbers = (
        *subject.shift_mm, np.cos(turn), np.sin(turn), np.tan(np.deg2rad(subject.abduction_deg)),
        subject.height_m / 1.70, scales.plane,
        scales.plane * np.exp(scales.left / 2), scales.plane * np.exp(-scales.left / 2),
        2.0 if variant == "held_out" else 0.0, 2 * np.pi / 70.0,
    )  # fmt: skip
    frame = Frame(*(float(number) for number in numbers))
    arrays = as_arrays(envelopes, tubes, rows, codes, [0.15] * 4, z)
    return Anatomy(subject, Tables(arrays, frame, Thigh(FASCIA_MM, waves)))


def _sum(volumes: F64, names: tuple[str, ...]) -> float:
    return float(sum(volumes[label_of(n)] for n in names))


def fit(subject: Subject, seed: int, variant: Variant = "standard") -> Anatomy:
    """`_fit`, remembered for the last few subjects: many grids are sampled from one anatomy."""
    return _fit(subject.model_dump_json(), seed, variant)


@lru_cache(maxsize=4)
def _fit(subject_json: str, seed: int, variant: Variant) -> Anatomy:
    """The anatomy whose total muscle volume, P/A ratio (hamstrings over quadriceps) and asymmetry are the subject's.

    Fixed-point steps on ever finer lattices, with the body at rest so that the pose changes nothing but the place;
    `truth` then measures what came out.
    """
    subject = Subject.model_validate_json(subject_json)
    scales = Scales(plane=np.sqrt(subject.tmv_cm3 / 9300 * 1.7 / subject.height_m))
    at_rest = subject.model_copy(update={"rotation_deg": 0.0, "shift_mm": (0.0, 0.0, 0.0), "abduction_deg": 0.0})
    for step_mm in (6.0, 5.0, 5.0, 3.5, 3.5):
        sides, _factor = build(at_rest, seed, variant, scales).volumes(step_mm)
        both = sides.sum(0)
        left, right = (_sum(s, MUSCLES) for s in sides)
        ratio = _sum(both, HAMSTRINGS) / _sum(both, QUADRICEPS)
        part = subject.asymmetry_percent / 100
        wanted = -np.log1p(-part) if part > 0 else np.log1p(part)
        scales = Scales(
            plane=scales.plane * float(np.sqrt(subject.tmv_cm3 / _sum(both, MUSCLES))),
            posterior=scales.posterior + float(np.log(subject.pa_ratio / ratio)) / 2.4,
            left=scales.left + 0.6 * float(wanted - np.log(left / right)),
        )
    if scales.plane > LARGEST_PLANE:
        raise ItemFault(
            f"{subject.tmv_cm3:.0f} cm3 of muscle at {subject.height_m} m do not fit the field of view",
            where="subject",
            fix="lower tmv_cm3 or raise height_m",
        )
    return build(subject, seed, variant, scales)


def truth(anatomy: Anatomy, step_mm: float, texture: float = 0.0) -> tuple[dict[str, float], dict[str, float]]:
    """Volumes (cm3) per structure, side sums and ratios, PDFF of the muscles (%); and the precision of each.

    Six lattices of the given step, shifted along each axis by multiples of irrational parts of it, give six estimates.
    The value is their mean; the precision is the half-width of its 95 % interval (Student's t, 5 degrees of freedom),
    and at least 1e-4 of the value.
    """
    runs = [anatomy.volumes(step_mm, shift, texture) for shift in LATTICE_SHIFTS]

    def quantities(sides: F64, factor: F64) -> dict[str, float]:
        both = sides.sum(0)
        left, right = (_sum(s, MUSCLES) for s in sides)
        values = {f"volume_cm3.{name}": float(both[value]) for value, name in THIGH_LABELS.items()}
        for side, volume in zip(("left", "right"), sides, strict=True):
            values |= {f"volume_cm3_{side}.{name}": float(volume[value]) for value, name in THIGH_LABELS.items()}
        for name in MUSCLES:
            value = label_of(name)
            fat = tissue_of(value, anatomy.subject).fat
            values[f"pdff_percent.{name}"] = 100 * fat * float(factor[value])
        tmv = _sum(both, MUSCLES)
        return values | {
            "tmv_cm3": tmv,
            "tvi_cm3_per_m2": tmv / anatomy.subject.height_m**2,
            "pa_ratio_hamstrings_quadriceps": _sum(both, HAMSTRINGS) / _sum(both, QUADRICEPS),
            "pa_ratio_posterior_anterior": _sum(both, POSTERIOR) / _sum(both, ANTERIOR),
            "asymmetry_percent": 100 * abs(left - right) / max(left, right),
        }

    found = [quantities(*run) for run in runs]
    values = {name: float(np.mean([f[name] for f in found])) for name in found[0]}
    precision = {
        name: max(2.571 * float(np.std([f[name] for f in found], ddof=1)) / len(found) ** 0.5, 1e-4 * abs(value))
        for name, value in values.items()
    }
    return values, precision
