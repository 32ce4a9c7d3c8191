"""The reference spine and its muscles: tubes in the canonical half-body frame of `phantoms.shared.tubes`, in mm.

Differences: y of a knot counts from the middle of the spinal canal at its height (`canal_y`), so that everything here
follows the curves of the spine; z = 0 is the hip joint's height, as there. Levels are slabs between axial planes at the
upper ends of the vertebrae. Sizes are round figures of general anatomical knowledge and of no participant's image.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from phantoms.back import kernel
from phantoms.shared.tube_kernel import BONE, CANAL, MUSCLE
from phantoms.shared.tubes import Knot, Tube

LEVELS = (*(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6)), "S1")
LEVEL_HEIGHTS = (19, 20, 21, 21.5, 22, 23, 23.5, 24, 25, 26, 27, 29, 33, 34, 35, 35, 35, 30)
"""Height of each level with its disc, T1 first, for a person of 1.70 m: 483 mm from T1 to S1."""
S1_BOTTOM = 65.0
LEVEL_TOPS = S1_BOTTOM + np.cumsum(LEVEL_HEIGHTS[::-1])[::-1]
"""Canonical height of the upper end of each level, T1 first."""
_CANAL_Y = (
    (-20, 84), (40, 76), (65, 67), (95, 58), (130, 50), (165, 45), (200, 43), (234, 44), (267, 47), (296, 51),
    (349, 58), (398, 63), (444, 65), (488, 62), (529, 56), (560, 50), (640, 44),
)  # fmt: skip
"""Height and y of the middle of the spinal canal: lordosis and kyphosis of a supine adult."""


@dataclass(frozen=True)
class SpineTube(Tube):
    """One tube of the back."""

    code: int = field(kw_only=True)
    """Tissue code, of `phantoms.back.kernel`."""
    relative: bool = field(default=True, kw_only=True)
    """Whether y counts from the middle of the spinal canal."""


def canal_y(z: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """y of the middle of the spinal canal at canonical heights."""
    table = np.array(_CANAL_Y, dtype=float)
    curve: npt.NDArray[np.float64] = PchipInterpolator(table[:, 0], table[:, 1])(np.clip(z, -20, 640))
    return curve


def _muscle(structure: str, *knots: Knot, code: int = kernel.OTHER_MUSCLE) -> SpineTube:
    return SpineTube(structure, MUSCLE, knots, code=code, cap_mm=12.0, squareness=0.3)


MUSCLES: tuple[SpineTube, ...] = (
    _muscle(
        "erector_spinae",
        (620, 22, 20, 13, 8, -10, 0),
        (560, 25, 20, 14, 8, -12, 0),
        (529, 28, 20, 16, 8, -14, 0),
        (488, 31, 19, 19, 8, -15, 0),
        (444, 33, 18, 21, 8.5, -16, 0),
        (398, 35, 18, 22, 9.5, -16, 0),
        (349, 37, 19, 23, 11, -16, 0),
        (296, 39, 21, 25, 13, -15, 0),
        (267, 40, 23, 26, 15, -14, 0),
        (234, 42, 25, 27, 16.5, -12, 0),
        (200, 43, 27, 27, 17.5, -10, 0),
        (165, 43, 28, 26, 17, -8, 0),
        (130, 42, 29, 24, 14, -6, 0),
        (95, 38, 29, 20, 10, -4, 0),
        (65, 30, 26, 14, 7, 0, 0),
        (40, 24, 22, 8, 4, 0, 0),
        code=kernel.ERECTOR_SPINAE,
    ),
    _muscle(
        "multifidus",
        (620, 9, 15, 6, 7, 0, 0),
        (529, 9, 15, 6, 7.5, 15, 0),
        (444, 9, 15, 6, 7.5, 15, 0),
        (349, 9.5, 16, 6.5, 8, 15, 0),
        (296, 10, 18, 7, 9.5, 12, 0),
        (267, 10.5, 20, 7.5, 11, 10, 0),
        (234, 11, 22, 8, 12.5, 8, 0),
        (200, 12.5, 23, 9, 13.5, 6, 0),
        (165, 14.5, 23, 11, 14.5, 4, 0),
        (130, 17, 22, 13.5, 14.5, 0, 0),
        (95, 18.5, 20, 15, 13, -10, 0),
        (65, 17, 17, 13, 9, -15, 0),
        (30, 12, 14, 7, 5, -10, 0),
        code=kernel.MULTIFIDUS,
    ),
    _muscle(
        "psoas",
        (285, 24, -16, 6, 7, 0, 0),
        (234, 33, -21, 12, 13, 0, 0),
        (200, 37, -22, 15, 16, 0, 0),
        (165, 42, -25, 18, 18, 0, 0),
        (130, 47, -30, 20, 19, 0, 0),
        (95, 54, -42, 21, 18, 0, 0),
        (50, 66, -72, 20, 17, 0, 0),
        (10, 78, -100, 18, 14, 0, 0),
    ),
    _muscle(
        "quadratus_lumborum",
        (290, 56, 4, 9, 6, -20, 0),
        (234, 62, 4, 14, 8, -20, 0),
        (180, 71, 2, 18, 9, -20, 0),
        (140, 78, -4, 16, 8, -20, 0),
    ),
    _muscle(
        "trapezius",
        (620, 30, 34, 24, 7, -20, 0),
        (548, 46, 32, 48, 5.5, -12, -0.002),
        (488, 46, 32, 46, 4.5, -12, -0.002),
        (420, 30, 33, 30, 3.5, -8, 0),
        (349, 16, 33, 15, 3, -4, 0),
        (305, 8, 34, 7, 2.5, 0, 0),
    ),
    _muscle(
        "rhomboideus",
        (550, 32, 28, 22, 3.5, -12, 0),
        (500, 44, 26, 32, 4, -14, 0),
        (450, 52, 23, 26, 3.5, -18, 0),
    ),
    _muscle(
        "latissimus_dorsi",
        (450, 122, -14, 34, 8, -62, -0.003),
        (398, 112, 2, 46, 7, -50, -0.004),
        (340, 98, 12, 44, 6, -42, -0.004),
        (280, 84, 22, 34, 4.5, -34, -0.003),
        (215, 72, 30, 18, 3, -24, 0),
    ),
    _muscle(
        "subscapularis",
        (545, 100, -4, 30, 7, -32, 0),
        (490, 96, 0, 36, 8, -34, 0),
        (430, 96, 2, 24, 6, -36, 0),
    ),
    _muscle(
        "infraspinatus",
        (545, 108, 14, 30, 8, -30, 0),
        (490, 102, 18, 34, 9, -32, 0),
        (430, 100, 16, 22, 7, -34, 0),
    ),
    _muscle(
        "gluteus_medius",
        (130, 122, -58, 30, 8, 112, 0.004),
        (90, 124, -48, 52, 14, 110, 0.004),
        (30, 132, -60, 50, 20, 104, 0.004),
    ),
    _muscle(
        "gluteus_maximus",
        (95, 62, 22, 22, 7, -24, -0.003),
        (65, 72, 18, 44, 13, -24, -0.003),
        (20, 86, 6, 66, 20, -24, -0.003),
    ),
    _muscle(
        "iliacus",
        (125, 96, -72, 24, 6, 118, 0.003),
        (80, 84, -76, 44, 12, 120, 0.003),
        (30, 76, -92, 34, 14, 124, 0.003),
    ),
)

_SHAPE_LEVELS = (0.5, 6.5, 12.5, 15.5, 17.5, 18.0)
_SHAPES = {
    # at the middle of T1, T7, L1, L4 and S1, and at the lower end of S1
    "body_a": (13, 14, 19, 22, 25, 25),
    "body_b": (9, 12, 15, 17, 17, 15),
    "canal_a": (10, 8.5, 10.5, 12, 13.5, 12),
    "canal_b": (8, 8, 8.5, 8.5, 8, 5),
    "spinous": (30, 25, 27, 34, 24, 8),
    "spinous_a": (2.6, 2.6, 3.2, 4.0, 3.6, 3),
}


def _size(name: str, level: float) -> float:
    """A size of the vertebra at a level counted from 0 (top of T1) to 18 (bottom of S1)."""
    return float(np.interp(level, _SHAPE_LEVELS, _SHAPES[name]))


def _bone(structure: str, cortex_mm: float, cap_mm: float, *knots: Knot) -> SpineTube:
    return SpineTube(structure, BONE, knots, code=kernel.MARROW, cap_mm=cap_mm, squareness=0.15, cortex_mm=cortex_mm)


def _vertebra(n: int) -> list[SpineTube]:
    """The bones of level n and the disc below it."""
    top, height = float(LEVEL_TOPS[n]), LEVEL_HEIGHTS[n]
    bottom, middle = top - height, n + 0.5
    a, b, ca, cb = (_size(name, middle) for name in ("body_a", "body_b", "canal_a", "canal_b"))
    front = -(cb + b + 1.5)
    sacral, lumbar = LEVELS[n] == "S1", LEVELS[n].startswith("L")
    disc = 0.0 if sacral else (0.28 if lumbar else 0.2) * height
    waist = (top + bottom + disc) / 2
    arch = 0.9 * height
    tubes = [
        _bone(
            "vertebral_body", 1.0, 1.0,
            (top, 0, front, 1.05 * a, 1.05 * b, 0, 0), (waist, 0, front, 0.95 * a, 0.95 * b, 0, 0),
            (bottom + disc, 0, front, 1.05 * a, 1.05 * b, 0, 0),
        ),
        _bone(
            "neural_arch", 1.3, 4.0,
            (top - 0.05 * height, 0, 1.0, ca + 5, cb + 4.5, 0, 0),
            (top - arch, 0, 1.0, ca + 5, cb + 5.5, 0, 0),
        ),
    ]  # fmt: skip
    if disc:
        tubes.append(
            SpineTube(
                "disc", BONE,
                ((bottom + disc, 0, front, 1.0 * a, 1.0 * b, 0, 0), (bottom, 0, front, 1.0 * a, 1.0 * b, 0, 0)),
                code=kernel.DISC, cap_mm=0.5, squareness=0.15, cortex_mm=3.0,
            )
        )  # fmt: skip
    reach, half = _size("spinous", middle), _size("spinous_a", middle)
    drop = 0.0 if lumbar or sacral else 0.5 * height
    start, end = top - 0.3 * height, top - (0.98 if lumbar else 0.9) * height - drop
    tubes.append(
        _bone(
            "spinous_process", 1.0, 4.0,
            (start, 0, cb + 2 + 0.35 * reach, half, 0.4 * reach, 0, 0),
            (end, 0, cb + 2 + (0.5 if lumbar else 0.62) * reach, 1.2 * half, (0.5 if lumbar else 0.36) * reach, 0, 0),
        )
    )  # fmt: skip
    if lumbar:
        tubes += [
            _bone("transverse_process", 1.0, 4.0,
                (top - 0.3 * height, ca + 18, -3, 15, 3.5, 6, 0), (top - 0.6 * height, ca + 18, -2, 16, 4, 6, 0)),
            _bone("facet", 1.2, 5.0,
                (bottom + 0.35 * height, ca + 4, 8, 7, 6, 30, 0), (bottom - 0.1 * height, ca + 5, 9, 8, 7, 30, 0)),
        ]  # fmt: skip
    elif sacral:
        tubes += [
            _bone("sacral_ala", 1.2, 6.0,
                (top + 3, 34, -16, 22, 13, 12, 0), (bottom, 32, -10, 26, 17, 15, 0), (20, 24, 2, 22, 16, 15, 0)),
            _bone("sacrum_body", 1.2, 4.0, (bottom, 0, front, a, b, 0, 0), (20, 0, front + 4, 20, 13, 0, 0)),
            _bone("sacral_crest", 1.2, 4.0, (top - 8, 0, 5, 16, 6, 0, 0), (20, 0, 6, 14, 5, 0, 0)),
        ]  # fmt: skip
    else:
        tubes += [
            _bone("transverse_process", 1.0, 5.0,
                (top - 0.1 * height, ca + 12, 6, 12, 4, 28, 0), (top - 0.7 * height, ca + 12, 7, 13, 4.5, 28, 0)),
            _bone("rib_neck", 1.0, 5.0,
                (top + 0.1 * height, ca + 16, -6, 17, 4.5, 18, 0), (top - 0.5 * height, ca + 20, -1, 20, 4.5, 20, 0)),
        ]  # fmt: skip
    return tubes


BONES: tuple[SpineTube, ...] = (
    *(tube for n in range(len(LEVELS)) for tube in _vertebra(n)),
    _bone("iliac_bone", 1.5, 10.0,
        (148, 110, -64, 30, 4, 118, 0.002), (125, 104, -62, 50, 5.5, 118, 0.002),
        (95, 96, -54, 62, 7, 120, 0.002), (60, 84, -44, 58, 8, 122, 0.002), (20, 76, -50, 44, 12, 118, 0)),
    _bone("scapula", 1.0, 6.0,
        (548, 104, 5, 34, 2.6, -32, 0), (490, 100, 9, 40, 2.6, -34, 0), (425, 96, 9, 22, 2.4, -36, 0)),
)  # fmt: skip


def _canal(code: int, part: float, low: float, high: float) -> SpineTube:
    heights = [high, *(float(z) for z in LEVEL_TOPS if low + 5 < z < high - 5), low]
    knots: list[Knot] = []
    for z in heights:
        level = float(np.interp(-z, -np.array([*LEVEL_TOPS, S1_BOTTOM]), np.arange(len(LEVELS) + 1)))
        knots.append((z, 0, 0, part * _size("canal_a", level), part * _size("canal_b", level), 0, 0))
    return SpineTube("canal", CANAL, tuple(knots), code=code, cap_mm=15.0, squareness=0.0)


CANALS: tuple[SpineTube, ...] = (
    _canal(kernel.CORD, 0.52, 255.0, 640.0),
    _canal(kernel.CSF, 0.86, 45.0, 640.0),
    _canal(kernel.INTERMUSCULAR, 1.0, 40.0, 640.0),
)
"""Cord to L1, CSF around it to S1, and epidural fat: the first that contains a point wins."""
