"""The reference anatomy, second part: core muscles, unlabelled tissue (fillers), and the envelopes of skin and fascia.

Frame, knots and units are those of `phantoms.shared.tubes`. Organs are there so that the chest and abdomen stations
show something plausible; nothing is measured on them.
"""

from phantoms.shared.tube_kernel import FILLER
from phantoms.shared.tubes import Knot, Tube
from phantoms.thigh.anatomy_template import muscle

CORE: tuple[Tube, ...] = (
    muscle(
        "multifidus",
        (230, 19, 72, 14, 13, 0, 0),
        (100, 20, 76, 17, 15, 0, 0),
        (60, 18, 78, 17, 13, 0, 0),
        (25, 14, 80, 12, 8, 0, 0),
    ),
    muscle(
        "abdominal_oblique",
        (270, 116, -20, 60, 8, 90, 0.008),
        (150, 122, -18, 66, 10, 90, 0.0095),
        (100, 127, -26, 64, 11, 88, 0.0095),
        (75, 124, -42, 46, 11, 84, 0.009),
        (50, 112, -66, 24, 8, 65, 0.006),
    ),
    muscle(
        "rectus_abdominis",
        (270, 35, -91, 30, 7, 8, 0.001),
        (100, 34, -91, 32, 8, 8, 0.001),
        (40, 28, -84, 26, 8, 8, 0.001),
        (0, 20, -72, 18, 7, 10, 0),
        (-20, 14, -62, 9, 6, 10, 0),
    ),
)


def _filler(structure: str, *knots: Knot, signed: bool = False, cap_mm: float = 15.0, cortex_mm: float = 0.0) -> Tube:
    return Tube(structure, FILLER, knots, cap_mm=cap_mm, cortex_mm=cortex_mm, signed=signed)


FILLERS: tuple[Tube, ...] = (
    # The first that contains a point wins.
    _filler("fluid", (470, 0, 50, 8, 7, 0, 0), (60, 0, 54, 8, 7, 0, 0), cap_mm=5),
    _filler(
        "other_bone",
        (470, 0, 34, 15, 13, 0, 0),
        (250, 0, 28, 18, 16, 0, 0),
        (100, 0, 20, 26, 22, 0, 0),
        (80, 0, 24, 26, 22, 0, 0),
        cap_mm=5,
    ),
    _filler("other_bone", (500, 0, 58, 9, 14, 0, 0), (100, 0, 62, 9, 18, 0, 0), cap_mm=5),
    _filler(
        "other_bone",
        (95, 20, 48, 34, 22, -20, 0),
        (50, 10, 60, 38, 15, -15, 0),
        (5, 0, 74, 22, 9, 0, 0),
        (-30, 0, 72, 10, 7, 0, 0),
        cap_mm=6,
    ),
    _filler("other_bone", (-372, 78, -34, 20, 9, 0, 0), (-412, 78, -36, 17, 9, 0, 0), cap_mm=15),
    _filler(
        "other_bone",
        (-419, 76, 5, 37, 25, 0, 0),
        (-440, 76, 4, 33, 23, 0, 0),
        (-500, 76, -4, 16, 17, 0, 0),
        (-600, 76, -6, 13, 14, 0, 0),
        cap_mm=3,
    ),
    _filler("other_bone", (-435, 108, 18, 9, 9, 0, 0), (-600, 104, 14, 6, 6, 0, 0), cap_mm=6),
    _filler("other_muscle", (-395, 62, 34, 12, 9, 0, 0), (-450, 58, 32, 20, 18, 0, 0), (-600, 58, 34, 24, 24, 0, 0)),
    _filler("other_muscle", (-400, 92, 36, 12, 9, 0, 0), (-450, 94, 34, 20, 17, 0, 0), (-600, 94, 34, 22, 22, 0, 0)),
    _filler(
        "other_muscle", (-445, 100, -10, 10, 12, 0, 0), (-500, 98, -12, 14, 18, 0, 0), (-600, 98, -12, 15, 20, 0, 0)
    ),
    _filler("fluid", (30, 0, -32, 24, 14, 0, 0), (0, 0, -30, 34, 22, 0, 0), (-20, 0, -24, 20, 14, 0, 0), cap_mm=18),
    _filler("bowel", (25, 0, 36, 20, 16, 0, 0), (-30, 0, 38, 16, 14, 0, 0), (-50, 0, 36, 9, 9, 0, 0)),
    _filler(
        "organ",
        (285, -50, -10, 66, 66, 0, 0),
        (240, -62, -12, 62, 70, 0, 0),
        (170, -84, 0, 34, 54, 0, 0),
        cap_mm=35,
        signed=True,
    ),
    _filler("organ", (265, 88, 42, 22, 32, 0, 0), (195, 92, 36, 20, 26, 0, 0), cap_mm=25, signed=True),
    _filler("organ", (205, 62, 40, 26, 20, 0, 0), (115, 66, 38, 22, 18, 0, 0), cap_mm=28),
    _filler("organ", (375, 18, -30, 34, 30, 0, 0), (285, 32, -36, 50, 36, 0, 0), cap_mm=28, signed=True),
    _filler("lung", (455, 58, 0, 34, 48, 0, 0), (380, 70, 0, 54, 74, 0, 0), (265, 78, 6, 56, 78, 0, 0), cap_mm=30),
    _filler(
        "bowel",
        (225, 40, -42, 36, 26, 20, 0),
        (120, 46, -44, 40, 30, 20, 0),
        (70, 36, -40, 34, 28, 10, 0),
        (30, 20, -34, 22, 18, 0, 0),
        cap_mm=20,
    ),
    _filler(
        "intermuscular",
        (255, 0, -8, 112, 80, 0, 0),
        (150, 0, -8, 112, 82, 0, 0),
        (95, 0, -8, 110, 80, 0, 0),
        (40, 0, -8, 90, 70, 0, 0),
        cap_mm=20,
    ),
    _filler("other_muscle", (560, 0, 10, 180, 120, 0, 0), (100, 0, 0, 180, 120, 0, 0), cap_mm=3),
)

LEG_ENVELOPE: tuple[Knot, ...] = (
    (10, 92, 14, 74, 84, 0, 0),
    (-40, 92, 10, 77, 90, 0, 0),
    (-90, 92, 6, 76, 86, 0, 0),
    (-150, 93, 3, 72, 81, 0, 0),
    (-220, 91, 1, 68, 77, 0, 0),
    (-300, 82, 2, 58, 67, 0, 0),
    (-360, 76, 4, 50, 58, 0, 0),
    (-420, 75, 6, 48, 55, 0, 0),
    (-470, 75, 12, 47, 52, 0, 0),
    (-620, 76, 16, 46, 50, 0, 0),
)
TRUNK_ENVELOPE: tuple[Knot, ...] = (
    (560, 0, 14, 70, 68, 0, 0),
    (470, 0, 12, 96, 82, 0, 0),
    (440, 0, 8, 150, 92, 0, 0),
    (380, 0, 4, 164, 104, 0, 0),
    (290, 0, 0, 148, 106, 0, 0),
    (200, 0, 0, 136, 102, 0, 0),
    (100, 0, -2, 142, 102, 0, 0),
    (50, 0, 2, 158, 100, 0, 0),
    (0, 0, 6, 166, 98, 0, 0),
    (-25, 0, 8, 150, 86, 0, 0),
    (-50, 0, 10, 60, 60, 0, 0),
)
SUBCUTANEOUS_SHAPE: tuple[tuple[float, float, float], ...] = (
    # (z, thickness relative to the mid-thigh's, shift of the skin's centre to Posterior as a share of it)
    (560, 0.6, 0.0),
    (380, 0.8, 0.0),
    (200, 1.2, -0.1),
    (100, 1.6, 0.0),
    (30, 1.7, 0.5),
    (-40, 1.6, 0.5),
    (-120, 1.25, 0.2),
    (-220, 1.0, 0.0),
    (-330, 0.85, 0.0),
    (-420, 0.6, 0.0),
    (-620, 0.6, 0.0),
)
