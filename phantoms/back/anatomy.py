"""A person's back: the reference spine scaled to a subject, as a function of position, with known volumes and InterMAT.

Invariants: the code at a point depends on the subject, the seed and the variant and on nothing else (no grid); labels
(not InterMAT) mirror each other where asymmetry, rotation and shift are zero; what `truth` says is measured on lattices
of the finished anatomy, never copied from the request.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Geometry
from phantoms.back import body, kernel, template
from phantoms.back.kernel import Back, SpineTables, codes_on_grid, count_planes, streaks_on_grid
from phantoms.back.subjects import SpineSubject
from phantoms.back.template import SpineTube
from phantoms.shared.tube_kernel import BONE, F64, MUSCLE, Frame
from phantoms.shared.tubes import as_arrays, fill_grid, rows_of

Variant = Literal["standard", "held_out"]

LABEL_OF_CODE = np.zeros(kernel.CODES, dtype=np.uint8)
LABEL_OF_CODE[1:9] = (1, 2, 3, 4, 1, 2, 3, 4)
"""InterMAT lies inside the muscle masks: the paper subtracts it from them."""
HELD_OUT_SHAPES = 836
"""Seed of the held-out anatomy's own muscle shapes, the same for all its persons."""
BOX_LOW, BOX_HIGH = np.array([-125.0, -5.0, 35.0]), np.array([125.0, 150.0, 645.0])
"""Patient-frame box that holds every labelled point of any subject."""
_Z_LOW, _Z_HIGH, _DZ = -20.0, 660.0, 2.0
_SOLVER_STEPS = ((4.0, 12.0), (3.0, 12.0), (2.5, 9.0), (2.0, 9.0), (1.7, 9.0))
_QUANTILE_STEP = (1.3, 1.3, 4.0)


@dataclass(frozen=True)
class Scales:
    """What is solved for, so that volumes come out as the subject's."""

    erector: float = 0.0
    """Logarithm of the scale of the erector spinae's semi-axes."""
    multifidus: float = 0.0
    """Logarithm of the scale of the multifidus' semi-axes."""
    left: float = 0.0
    """Logarithm of the ratio of left to right."""


@dataclass(frozen=True)
class SpineAnatomy:
    """The anatomy of one subject's back."""

    subject: SpineSubject
    """The subject that it was made for."""
    tables: SpineTables
    """The anatomy as arrays, for the kernels."""

    def codes(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """Tissue codes (k, j, i) at the voxel centres of a grid in LPS mm."""
        return fill_grid(codes_on_grid, self.tables, geometry)

    def labels(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """Labels 0..4 (k, j, i; see SPINE_LABELS) at the voxel centres of a grid in LPS mm."""
        return LABEL_OF_CODE[self.codes(geometry)]

    def levels(self, z_mm: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Spinal level of patient heights: index into LEVELS, -1 above T1, 18 below S1."""
        canonical = (np.asarray(z_mm, dtype=float) - self.subject.shift_mm[2]) / (self.subject.height_m / 1.70)
        bounds = np.concatenate([[template.S1_BOTTOM], template.LEVEL_TOPS[::-1]])
        return np.asarray(len(template.LEVELS) - np.searchsorted(bounds, canonical, side="right"), dtype=np.int64)

    def counts(self, step_mm: float, plane_mm: float, offset: tuple[float, float] = (0.0, 0.0)) -> F64:
        """Volumes in cm3 (18 levels, 9 codes: 1..4 lean muscle, 5..8 InterMAT) by point lattices in axial planes.

        The planes lie in the middle of equal slabs of each level, at most plane_mm thick. step_mm, offset: of the
        lattice in a plane, the second in parts of the first; without it the lattice is symmetric in x.
        """
        size = np.ceil((BOX_HIGH - BOX_LOW)[:2] / step_mm).astype(int)
        corner = (BOX_LOW + BOX_HIGH)[:2] / 2 + (np.array(offset) - (size - 1) / 2) * step_mm
        scale = self.subject.height_m / 1.70
        slabs = [int(np.ceil(height * scale / plane_mm)) for height in template.LEVEL_HEIGHTS]
        level = np.repeat(np.arange(len(slabs)), slabs)
        place = np.concatenate([(np.arange(n) + 0.5) / n for n in slabs])
        thickness = scale * np.repeat(np.divide(template.LEVEL_HEIGHTS, slabs), slabs)
        canonical = template.LEVEL_TOPS[level] - place * np.array(template.LEVEL_HEIGHTS)[level]
        heights = canonical * scale + self.subject.shift_mm[2]
        points = count_planes(*self.tables, corner, np.full(2, step_mm), tuple(size.tolist()), heights)
        total = np.zeros((len(slabs), 9))
        np.add.at(total, level, points * (thickness * step_mm**2 / 1000.0)[:, None])
        total[:, 0] = 0.0
        return total


def _varied(tubes: tuple[SpineTube, ...], seed: int, variant: Variant) -> tuple[SpineTube, ...]:
    """Individual variation by structure, both sides alike; the held-out variant also changes the shapes themselves."""
    rng, other = np.random.default_rng([seed, 22]), np.random.default_rng(HELD_OUT_SHAPES)
    done = []
    for tube in tubes:
        normal = rng.standard_normal(5) + (2.5 * other.standard_normal(5) if variant == "held_out" else 0.0)
        da, db, dx, dy, turn = np.clip(normal, -4, 4) * np.array([0.05, 0.05, 0.8, 0.8, 3.0])
        if tube.code == kernel.MULTIFIDUS:
            dx, turn = 0.3 * dx, 2.0 * turn
        squareness = tube.squareness
        if variant == "held_out":
            da, db, squareness = da + 0.08, db - 0.06, 0.6
        knots = tuple(
            (z, x + dx, y + dy, a * float(np.exp(da)), b * float(np.exp(db)), angle + turn, bend)
            for z, x, y, a, b, angle, bend in tube.knots
        )
        done.append(replace(tube, knots=knots, squareness=squareness))
    return tuple(done)


def _tube_rows(tube: SpineTube, z: F64, scales: Scales) -> F64:
    """Rows of one tube at heights z. Larger muscles grow away from the spine: to Posterior and, erector, laterally."""
    rows = rows_of(tube.knots, z, tube.cap_mm)
    if tube.relative:
        rows[:, 1] += template.canal_y(z)
    if tube.code in (kernel.ERECTOR_SPINAE, kernel.MULTIFIDUS):
        erector = tube.code == kernel.ERECTOR_SPINAE
        factor = float(np.exp(scales.erector if erector else scales.multifidus))
        if erector:
            rows[:, 0] += 0.55 * (factor - 1) * rows[:, 2]
        rows[:, 1] += 0.55 * (factor - 1) * rows[:, 3]
        rows[:, 2:4] *= factor
    return rows


def _envelopes(z: F64, fat_mm: float, back: F64) -> list[F64]:
    """Rows of the skin of trunk and arms, then of their fascia. back: y of the hindmost muscle or bone at each z."""
    shape = np.array(sorted(body.SUBCUTANEOUS_SHAPE))
    fat = fat_mm * np.interp(z, shape[:, 0], shape[:, 1])
    trunk, arms = (rows_of(knots, z, 5.0) for knots in (body.TRUNK_ENVELOPE, body.ARM_ENVELOPE))
    front = trunk[:, 1] - trunk[:, 3]
    # A squircle is shallower at the muscles' x than in the midline: 6 mm more leave room for it.
    rear = uniform_filter1d(back + 6.0, 25, mode="nearest")
    trunk[:, 1], trunk[:, 3] = (front + rear) / 2, (rear - front) / 2
    skin = []
    for rows, part in ((trunk, 1.0), (arms, 0.5)):
        outer = rows.copy()
        outer[:, 2:4] += part * fat[:, None]
        skin.append(outer)
    return [*skin, trunk, arms]


def _fat_mm(subject: SpineSubject) -> float:
    """Subcutaneous thickness at the waist in canonical mm, by BMI and sex (a linear rule of the phantom)."""
    thickness = 17 + 1.3 * (subject.bmi - 26) if subject.sex == "female" else 12 + 1.1 * (subject.bmi - 26)
    return max(thickness, 4.0)


def _waves(rng: np.random.Generator, short_mm: float, long_mm: float, lengthwise: float) -> F64:
    """Eight waves (wave vector, phase) with wavelengths in the axial plane between the two, and 1 to 2.5 `lengthwise`
    times that along the body: muscle fibres, and the fat between them, run that way."""
    angle, length = rng.uniform(0, np.pi, 8), rng.uniform(short_mm, long_mm, 8)
    k = 2 * np.pi / length
    along = k / (lengthwise * rng.uniform(1, 2.5, 8)) * rng.choice([-1.0, 1.0], 8)
    return np.column_stack([k * np.cos(angle), k * np.sin(angle), along, rng.uniform(0, 2 * np.pi, 8)])


def build(
    subject: SpineSubject, seed: int, variant: Variant, scales: Scales, threshold: F64 | None = None
) -> SpineAnatomy:
    """Tables of the anatomy for given scales; threshold: of the InterMAT field, per label 1..4 (none: no InterMAT)."""
    held_out = variant == "held_out"
    z = np.arange(_Z_LOW, _Z_HIGH + _DZ / 2, _DZ)
    tubes = (*template.CANALS, *template.BONES, *_varied(template.MUSCLES, seed, variant), *body.ARMS, *body.FILLERS)
    rows = [_tube_rows(tube, z, scales) for tube in tubes]
    nearest = template.canal_y(z) + 25.0
    behind = [nearest] + [
        np.where(r[:, 3] > 0.5, r[:, 1] + np.hypot(r[:, 2] * r[:, 5], r[:, 3] * r[:, 4]), nearest)
        for tube, r in zip(tubes, rows, strict=True)
        if tube.relative and tube.kind in (MUSCLE, BONE)
    ]
    envelopes = _envelopes(z, _fat_mm(subject), np.max(behind, axis=0))
    arrays = as_arrays(envelopes, tubes, rows, [t.code for t in tubes], [0.35, 0.2] * 2, z)
    arrays.box[:] += np.array([-2.0, 2.0, -2.0, 2.0])  # room for the sheath, which lies outside its tube
    turn = np.deg2rad(subject.rotation_deg)
    plane = (subject.bmi / 26) ** 0.25 * (1.02 if subject.sex == "male" else 0.95)
    numbers = (
        *subject.shift_mm, np.cos(turn), np.sin(turn), 0.0, subject.height_m / 1.70, plane, plane, plane,
        1.5 if held_out else 0.0, 2 * np.pi / 60.0,
    )  # fmt: skip
    rng = np.random.default_rng([seed, 23])
    left, right = np.exp(np.array([scales.left, -scales.left]) / 2).tolist()
    short, long = (20.0, 38.0) if held_out else (26.0, 50.0)
    back = Back(
        left_scale=left,
        right_scale=right,
        streak=_waves(rng, short, long, 3.0),
        spread=_waves(rng, 1.4 * short, 1.6 * long, 1.2),
        threshold=np.zeros(4) if threshold is None else threshold,
        label_low=float(template.S1_BOTTOM),
        label_high=float(template.LEVEL_TOPS[0]),
    )
    if held_out:
        back = back._replace(sheath_mm=1.0)
    arrays.outline[:, 3] += back.furrow_mm
    return SpineAnatomy(subject, SpineTables(arrays, Frame(*(float(number) for number in numbers)), back))


def intermat_shares(subject: SpineSubject, multifidus_part: float) -> tuple[float, float]:
    """InterMAT shares (0..1) of erector spinae and multifidus, from the share of both and the ratio of the two.

    multifidus_part: part of the multifidus in the volume of both, 0..1.
    """
    whole, ratio = subject.intermat_percent / 100, subject.multifidus_fat_ratio
    erector = whole / (1 - multifidus_part + ratio * multifidus_part)
    return erector, ratio * erector


def _thresholds(anatomy: SpineAnatomy) -> F64:
    """Per label the quantile of g that leaves the wanted share of the muscle below it, on a fine lattice."""
    step = np.array(_QUANTILE_STEP)
    size = np.ceil((BOX_HIGH - BOX_LOW) / step).astype(int)
    field = np.empty((size[2], size[1], size[0], 2), dtype=np.float32)
    streaks_on_grid(*anatomy.tables, BOX_LOW + 0.37 * step, step, field)
    label, g = field[..., 0], field[..., 1]
    inside = [np.asarray(g[label == value], dtype=float) for value in range(1, 5)]
    part = (inside[2].size + inside[3].size) / max(sum(v.size for v in inside), 1)
    erector, multifidus = intermat_shares(anatomy.subject, part)
    wanted = (erector, erector, multifidus, multifidus)
    return np.array([np.quantile(values, share) for values, share in zip(inside, wanted, strict=True)])


def fit(subject: SpineSubject, seed: int, variant: Variant = "standard") -> SpineAnatomy:
    """`_fit`, remembered for the last few subjects: many grids are sampled from one anatomy.

    Raises ItemFault where the muscles asked for do not fit next to the spine.
    """
    return _fit(subject.model_dump_json(), seed, variant)


@lru_cache(maxsize=4)
def _fit(subject_json: str, seed: int, variant: Variant) -> SpineAnatomy:
    """The anatomy whose lean volume, part of the multifidus, asymmetry and InterMAT are the subject's.

    Fixed-point steps for the sizes with the body at rest, so that the pose changes nothing but the place, then the
    thresholds; `truth` measures what came out.
    """
    subject = SpineSubject.model_validate_json(subject_json)
    at_rest = subject.model_copy(update={"rotation_deg": 0.0, "shift_mm": (0.0, 0.0, 0.0)})
    whole = subject.lean_cm3 / (1 - subject.intermat_percent / 100)
    multifidus = whole * subject.multifidus_share / 100
    part = subject.asymmetry_percent / 100
    wanted = -np.log1p(-part) if part > 0 else np.log1p(part)
    scales = Scales()
    for step in _SOLVER_STEPS:
        volume = build(at_rest, seed, variant, scales).counts(*step).sum(0)
        scales = Scales(
            erector=scales.erector + 0.5 * float(np.log((whole - multifidus) / (volume[1] + volume[2]))),
            multifidus=scales.multifidus + 0.5 * float(np.log(multifidus / (volume[3] + volume[4]))),
            left=scales.left + 0.5 * float(wanted - np.log((volume[1] + volume[3]) / (volume[2] + volume[4]))),
        )
    if max(scales.erector, scales.multifidus) > 0.6:
        raise ItemFault(
            f"{subject.lean_cm3:.0f} cm3 of lean muscle do not fit next to the spine at {subject.height_m} m",
            where="subject",
            fix="lower lmm_cm3_per_bmi or raise height_m",
        )
    sized = build(subject, seed, variant, scales)
    return build(subject, seed, variant, scales, _thresholds(sized))
