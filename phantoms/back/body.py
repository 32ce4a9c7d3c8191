"""The trunk around the reference spine: organs, cavities, chest wall, arms, and the outlines of fascia and skin.

Frame and knots are those of `spine_template`; y is absolute here. Nothing is measured on these tubes. They are there so
that the image has what a segmenter must not take for back muscle.
"""

from phantoms.back import kernel
from phantoms.back.template import SpineTube
from phantoms.shared.tube_kernel import BONE, FILLER
from phantoms.shared.tubes import Knot


def _filler(structure: str, code: int, *knots: Knot, cap_mm: float = 15.0, signed: bool = False) -> SpineTube:
    return SpineTube(structure, FILLER, knots, code=code, cap_mm=cap_mm, signed=signed, relative=False)


FILLERS: tuple[SpineTube, ...] = (
    # The first that contains a point wins. Positive x of a signed tube is the patient's Left.
    _filler("aorta", kernel.VESSEL, (505, 14, 14, 12, 12, 0, 0), (400, 22, 22, 12, 12, 0, 0),
            (300, 10, 16, 10, 10, 0, 0), (220, 6, 0, 9, 9, 0, 0), (150, 3, -6, 8, 8, 0, 0), signed=True, cap_mm=5),
    _filler("vena_cava", kernel.VESSEL, (300, -18, -2, 11, 9, 0, 0), (220, -18, 0, 11, 8, 0, 0),
            (145, -14, -4, 11, 8, 0, 0), signed=True, cap_mm=5),
    _filler("iliac_vessels", kernel.VESSEL, (150, 10, -6, 8, 7, 0, 0), (90, 36, -18, 8, 7, 0, 0),
            (20, 56, -44, 8, 8, 0, 0), cap_mm=5),
    _filler("trachea", kernel.AIRWAY, (640, 0, 6, 9, 8, 0, 0), (490, 0, 6, 9, 8, 0, 0), cap_mm=5),
    _filler("oesophagus", kernel.OTHER_MUSCLE, (640, 4, 22, 7, 4, 0, 0), (320, 4, 14, 8, 5, 0, 0), signed=True),
    _filler("heart_blood", kernel.VESSEL, (430, 10, -34, 28, 22, 0, 0), (360, 34, -44, 24, 20, 0, 0), signed=True),
    _filler("heart", kernel.MYOCARDIUM, (445, 10, -34, 42, 34, 0, 0), (345, 34, -46, 44, 34, 0, 0), cap_mm=25,
            signed=True),
    _filler("gall_bladder", kernel.FLUID, (262, -62, -52, 15, 12, 0, 0), (225, -56, -58, 13, 12, 0, 0), signed=True),
    _filler("kidney_pelvis", kernel.FLUID, (245, 50, 34, 7, 5, 30, 0), (225, 50, 34, 7, 5, 30, 0), cap_mm=8),
    _filler("kidney", kernel.KIDNEY, (290, 50, 44, 24, 20, 30, 0), (190, 62, 38, 24, 20, 30, 0), cap_mm=30),
    _filler("liver", kernel.LIVER, (362, -62, -4, 58, 62, 0, 0), (310, -64, -8, 66, 74, 0, 0),
            (250, -78, -4, 48, 66, 0, 0), (185, -96, 6, 26, 46, 0, 0), cap_mm=35, signed=True),
    _filler("spleen", kernel.SPLEEN, (345, 92, 42, 22, 34, -20, 0), (270, 100, 36, 20, 30, -20, 0), cap_mm=25,
            signed=True),
    _filler("stomach", kernel.BOWEL_FLUID, (350, 56, -10, 34, 34, 0, 0), (285, 50, -38, 44, 30, 0, 0), cap_mm=28,
            signed=True),
    _filler("lung", kernel.LUNG, (560, 46, 8, 26, 34, 0, 0), (520, 62, 6, 42, 58, 0, 0), (440, 76, 2, 62, 84, 0, 0),
            (360, 82, 0, 58, 86, 0, 0), (310, 92, 30, 44, 54, 0, 0), cap_mm=40),
    _filler("mediastinum", kernel.VISCERAL_FAT, (560, 0, -4, 34, 40, 0, 0), (330, 0, -10, 50, 62, 0, 0), cap_mm=20),
    _filler("colon", kernel.BOWEL, (270, 100, -6, 20, 24, 0, 0), (120, 104, -20, 20, 22, 0, 0), cap_mm=20),
    _filler("small_bowel", kernel.BOWEL, (265, 30, -52, 68, 30, 0, 0), (150, 34, -48, 74, 34, 0, 0),
            (60, 10, -44, 70, 34, 0, 0), (0, 0, -40, 60, 30, 0, 0), cap_mm=25),
    _filler("abdominal_cavity", kernel.VISCERAL_FAT, (345, 0, -6, 120, 84, 0, 0), (280, 0, -10, 126, 80, 0, 0),
            (180, 0, -16, 122, 74, 0, 0), (100, 0, -22, 116, 66, 0, 0), (0, 0, -26, 100, 60, 0, 0), cap_mm=25),
    _filler("paraspinal_fat", kernel.INTERMUSCULAR, (640, 0, 70, 60, 38, 0, 0), (500, 0, 84, 70, 34, 0, 0),
            (300, 0, 70, 72, 40, 0, 0), (150, 0, 66, 76, 44, 0, 0), (0, 0, 76, 110, 44, 0, 0), cap_mm=3),
    _filler("scapular_fat", kernel.INTERMUSCULAR, (560, 100, 62, 46, 30, -30, 0), (420, 104, 66, 40, 24, -36, 0)),
    _filler("chest_wall", kernel.CHEST_WALL, (560, 0, 0, 200, 140, 0, 0), (285, 0, 0, 200, 140, 0, 0), cap_mm=3),
)  # fmt: skip
ARMS: tuple[SpineTube, ...] = (
    SpineTube("humerus", BONE, ((620, 176, 8, 22, 22, 0, 0), (560, 186, 8, 22, 22, 0, 0),
              (500, 206, 10, 12, 12, 0, 0), (200, 216, 14, 12, 12, 0, 0)), code=kernel.MARROW, cap_mm=8.0,
              cortex_mm=3.0, relative=False),
)  # fmt: skip

TRUNK_ENVELOPE: tuple[Knot, ...] = (
    # b and y are those of the front; the back follows the muscles (see spine_anatomy).
    (660, 0, 14, 60, 60, 0, 0),
    (610, 0, 12, 66, 62, 0, 0),
    (575, 0, 12, 110, 70, 0, 0),
    (545, 0, 8, 150, 84, 0, 0),
    (490, 0, 6, 160, 98, 0, 0),
    (430, 0, 4, 158, 106, 0, 0),
    (360, 0, 2, 152, 106, 0, 0),
    (290, 0, 0, 142, 100, 0, 0),
    (220, 0, -4, 136, 96, 0, 0),
    (150, 0, -6, 140, 94, 0, 0),
    (100, 0, -4, 150, 94, 0, 0),
    (40, 0, 0, 162, 96, 0, 0),
    (-20, 0, 4, 168, 98, 0, 0),
)
ARM_ENVELOPE: tuple[Knot, ...] = (
    (600, 166, 6, 20, 24, 0, 0),
    (570, 180, 8, 40, 44, 0, 0),
    (520, 200, 10, 44, 50, 0, 0),
    (440, 212, 12, 36, 46, 0, 0),
    (300, 218, 14, 34, 42, 0, 0),
    (180, 222, 10, 28, 36, 0, 0),
    (60, 226, 0, 22, 28, 0, 0),
    (-20, 228, 0, 18, 22, 0, 0),
)
SUBCUTANEOUS_SHAPE: tuple[tuple[float, float], ...] = (
    # (z, thickness relative to the waist's)
    (-20, 1.5), (60, 1.4), (130, 1.2), (200, 1.0), (300, 0.75), (420, 0.65), (540, 0.6), (660, 0.5),
)  # fmt: skip
