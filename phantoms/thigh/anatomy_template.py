"""The reference anatomy: tubes along z in the canonical half-body frame, in mm.

Frame: x lateral from the midline (both sides are mirror images), y to Posterior, z to Superior with z = 0 at the
centre of the femoral head; a person of 1.70 m. A tube is a list of knots

    (z, centre x, centre y, semi-axis a, semi-axis b, angle of a in degrees from +x towards +y, bend in 1/mm)

from top to bottom. In the rotated frame (u along a, v along b) a point has the level

    f = sqrt((1 - q) (U^2 + V^2) + q sqrt(U^4 + V^4)),  U = u / a,  V = (v - bend u^2) / b,

q being the tube's squareness: f < 1 inside. The bend is a shear, so it leaves the area pi a b (q = 0) as it is.
Semi-axes close to zero over `cap_mm` at both ends, as those of an ellipsoid. The shapes are drawn from general
anatomical knowledge of a supine adult and from no participant's image.
"""

from dataclasses import dataclass

from phantoms.shared.anatomy_kernel import BONE, MUSCLE

Knot = tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Tube:
    """One tube along z in the canonical frame; several tubes may share a structure."""

    structure: str
    """Name of the structure that it belongs to."""
    kind: int
    """Class of the tube in the order of precedence."""
    knots: tuple[Knot, ...]
    """Outlines from top to bottom, as the module defines them."""
    cap_mm: float = 12.0
    """Length over which the semi-axes close at both ends, in mm."""
    squareness: float = 0.2
    """Squareness of the outline; 0 is an ellipse."""
    cortex_mm: float = 0.0
    """Thickness of a bone's cortex, in mm; 0 for none."""
    signed: bool = False
    """Whether it is on one side only (organs), with centre x positive to the patient's Left."""


def _bone(structure: str, cortex_mm: float, cap_mm: float, *knots: Knot) -> Tube:
    return Tube(structure, BONE, knots, cap_mm=cap_mm, squareness=0.1, cortex_mm=cortex_mm)


def muscle(structure: str, *knots: Knot, fullness: float = 1.14) -> Tube:
    """`fullness` swells the drawn semi-axes until neighbours meet, as muscles in a compartment do."""
    swollen = tuple((z, x, y, a * fullness, b * fullness, angle, bend) for z, x, y, a, b, angle, bend in knots)
    return Tube(structure, MUSCLE, swollen)


BONES: tuple[Tube, ...] = (
    _bone(
        "femur",
        4.0,
        8.0,
        (0, 126, 10, 13, 14, 0, 0),
        (-30, 126, 6, 19, 18, 0, 0),
        (-60, 118, 2, 18, 18, 0, 0),
        (-100, 113, -4, 15, 15, 0, 0),
        (-200, 103, -8, 13.5, 14, 0, 0),
        (-300, 93, -6, 15, 15, 0, 0),
        (-360, 83, -2, 24, 20, 0, 0),
        (-390, 78, 2, 38, 26, 0, 0),
        (-415, 76, 6, 38, 28, 0, 0),
    ),
    _bone("femur", 1.5, 23.0, (23, 88, 0, 23, 23, 0, 0), (-23, 88, 0, 23, 23, 0, 0)),
    _bone("femur", 1.5, 8.0, (2, 104, 2, 22, 11, 4, 0), (-36, 110, 4, 22, 12, 4, 0)),
    _bone(
        "iliac_bone",
        1.5,
        10.0,
        (97, 98, -2, 40, 6, 120, 0.002),
        (80, 94, 0, 66, 6.5, 122, 0.002),
        (50, 84, 6, 60, 7, 120, 0.002),
        (25, 76, 14, 42, 10, 115, 0.001),
        (0, 74, 12, 30, 14, 110, 0),
    ),
    _bone("iliac_bone", 1.5, 25.0, (34, 76, 4, 28, 31, 0, 0), (-34, 76, 4, 28, 31, 0, 0)),
    _bone("iliac_bone", 1.5, 8.0, (4, 42, -30, 38, 9, 29, 0), (-34, 36, -34, 34, 9, 29, 0)),
    _bone(
        "iliac_bone", 1.5, 8.0, (-26, 14, -36, 11, 8, 60, 0), (-55, 30, -8, 13, 7, 60, 0), (-80, 52, 22, 12, 9, 60, 0)
    ),
    _bone("iliac_bone", 1.5, 12.0, (0, 72, 30, 16, 15, 0, 0), (-40, 66, 42, 14, 16, 0, 0), (-82, 60, 42, 15, 14, 0, 0)),
)

THIGH: tuple[Tube, ...] = (
    muscle(
        "sartorius",
        (85, 120, -68, 8, 7, 20, 0),
        (50, 114, -74, 11, 8, 20, 0),
        (0, 96, -76, 14, 8, 20, 0),
        (-60, 74, -70, 15, 9, -10, 0),
        (-140, 54, -58, 15, 9, -30, 0),
        (-220, 38, -42, 15, 9, -50, 0),
        (-300, 29, -8, 14, 8, -75, 0),
        (-370, 32, 26, 13, 7, -100, 0),
        (-415, 38, 36, 8, 5, -100, 0),
    ),
    muscle(
        "rectus_femoris",
        (40, 106, -52, 8, 7, 0, 0),
        (0, 108, -60, 14, 10, 0, 0),
        (-60, 106, -64, 22, 14, 0, 0),
        (-140, 102, -64, 26, 17, 0, 0),
        (-220, 98, -60, 24, 15, 0, 0),
        (-300, 88, -52, 17, 10, 0, 0),
        (-345, 82, -48, 9, 5, 0, 0),
    ),
    muscle(
        "vastus_lateralis",
        (-30, 142, -14, 16, 8, 95, 0.004),
        (-80, 139, -14, 36, 16, 95, 0.006),
        (-150, 137, -14, 48, 24, 95, 0.007),
        (-220, 130, -14, 48, 25, 95, 0.007),
        (-300, 116, -12, 40, 19, 95, 0.008),
        (-350, 104, -14, 27, 13, 100, 0.008),
        (-385, 98, -22, 13, 8, 100, 0),
    ),
    muscle(
        "vastus_medialis",
        (-80, 84, -20, 14, 6, 70, 0),
        (-150, 72, -27, 28, 11, 65, -0.004),
        (-220, 62, -24, 36, 16, 70, -0.006),
        (-300, 52, -14, 40, 21, 78, -0.007),
        (-350, 48, -8, 34, 20, 82, -0.008),
        (-390, 48, -6, 18, 12, 85, -0.006),
    ),
    muscle(
        "vastus_intermedius",
        (-60, 114, -22, 18, 8, 20, 0.012),
        (-120, 112, -28, 34, 15, 15, 0.012),
        (-220, 104, -32, 38, 16, 8, 0.012),
        (-300, 94, -28, 30, 11, 5, 0.012),
        (-350, 86, -26, 20, 6, 0, 0.01),
    ),
    muscle(
        "adductor_magnus",
        (-55, 48, 22, 16, 10, -10, 0),
        (-100, 56, 26, 31, 21, -10, 0),
        (-160, 62, 26, 37, 22, -12, 0),
        (-220, 66, 21, 33, 18, -15, 0),
        (-280, 64, 18, 23, 13, -15, 0),
        (-340, 56, 14, 11, 8, 0, 0),
        (-375, 48, 10, 5, 4, 0, 0),
    ),
    muscle(
        "adductor_longus",
        (-32, 20, -44, 12, 6, 20, 0),
        (-80, 46, -40, 22, 12, 15, 0),
        (-140, 60, -31, 25, 14, 12, 0),
        (-200, 72, -18, 20, 10, 15, 0),
        (-255, 82, -2, 10, 5, 20, 0),
    ),
    muscle(
        "adductor_brevis",
        (-36, 26, -22, 12, 6, 10, 0),
        (-75, 50, -14, 25, 11, 10, 0),
        (-120, 70, -6, 23, 11, 8, 0),
        (-165, 88, 4, 12, 5, 5, 0),
    ),
    muscle(
        "gracilis",
        (-38, 14, -18, 12, 6, 80, 0),
        (-90, 24, -2, 19, 7, 85, 0),
        (-150, 28, 6, 20, 8, 88, 0),
        (-220, 31, 14, 18, 8, 92, 0),
        (-300, 34, 26, 13, 8, 100, 0),
        (-370, 38, 38, 8, 6, 110, 0),
        (-410, 42, 42, 5, 4, 110, 0),
    ),
    muscle(
        "semimembranosus",
        (-95, 72, 56, 8, 5, 0, 0),
        (-160, 66, 55, 15, 8, 0, 0),
        (-220, 62, 51, 22, 13, 10, 0),
        (-290, 59, 45, 26, 19, 15, 0),
        (-350, 56, 44, 22, 17, 10, 0),
        (-400, 52, 42, 12, 9, 0, 0),
    ),
    muscle(
        "semitendinosus",
        (-70, 72, 56, 8, 6, 0, 0),
        (-120, 80, 65, 18, 12, 0, 0),
        (-180, 78, 68, 22, 14, 0, 0),
        (-250, 73, 67, 19, 12, 5, 0),
        (-320, 60, 61, 11, 8, 0, 0),
        (-390, 48, 52, 5, 4, 0, 0),
    ),
    muscle(
        "biceps_femoris",
        (-75, 84, 58, 9, 7, -10, 0),
        (-130, 100, 63, 18, 13, -10, 0),
        (-200, 110, 56, 25, 18, -20, 0),
        (-280, 108, 50, 27, 19, -20, 0),
        (-350, 101, 47, 20, 15, -25, 0),
        (-405, 98, 42, 11, 9, -20, 0),
    ),
)

PELVIS: tuple[Tube, ...] = (
    muscle(
        "gluteus_maximus",
        (85, 64, 70, 30, 9, -20, -0.003),
        (50, 80, 74, 60, 16, -22, -0.0035),
        (0, 94, 78, 74, 24, -24, -0.0035),
        (-45, 102, 75, 68, 25, -22, -0.003),
        (-90, 114, 63, 48, 21, -25, -0.003),
        (-130, 128, 47, 32, 15, -35, -0.003),
        (-165, 134, 34, 17, 8, -50, 0),
    ),
    muscle(
        "gluteus_medius",
        (98, 114, -4, 46, 10, 118, 0.004),
        (70, 116, 2, 58, 17, 112, 0.004),
        (40, 125, 4, 52, 20, 105, 0.004),
        (10, 134, 8, 40, 16, 98, 0.003),
        (-20, 142, 10, 20, 8, 95, 0),
    ),
    muscle(
        "gluteus_minimus",
        (62, 104, -2, 28, 8, 115, 0.003),
        (40, 108, -4, 34, 11, 110, 0.003),
        (15, 115, -6, 28, 12, 100, 0.003),
        (-12, 128, -8, 14, 8, 95, 0),
    ),
    muscle(
        "piriformis",
        (48, 52, 54, 28, 8, -18, 0),
        (30, 72, 50, 46, 10, -20, 0),
        (12, 92, 42, 44, 10, -18, 0),
        (0, 108, 32, 24, 7, -15, 0),
    ),
    muscle(
        "obturator_internus",
        (28, 46, 14, 22, 6, 95, 0),
        (5, 42, 16, 31, 9, 95, 0),
        (-25, 42, 14, 31, 9, 95, 0),
        (-50, 42, 12, 20, 7, 100, 0),
    ),
    muscle("obturator_externus", (-20, 62, -8, 26, 8, 15, 0), (-40, 66, 4, 35, 11, 18, 0), (-60, 74, 12, 28, 9, 20, 0)),
    muscle(
        "quadratus_femoris", (-30, 90, 38, 20, 8, -12, 0), (-55, 92, 36, 25, 11, -15, 0), (-88, 102, 27, 16, 8, -15, 0)
    ),
    muscle(
        "pectineus",
        (2, 52, -48, 16, 9, 30, 0),
        (-30, 60, -44, 26, 13, 30, 0),
        (-60, 74, -32, 24, 13, 35, 0),
        (-98, 92, -18, 12, 7, 40, 0),
    ),
    muscle(
        "tensor_fasciae_latae",
        (80, 126, -60, 10, 8, 75, 0),
        (40, 138, -57, 20, 11, 72, 0.003),
        (-20, 147, -50, 24, 12, 78, 0.003),
        (-70, 148, -46, 20, 9, 80, 0.003),
        (-118, 146, -42, 10, 5, 85, 0),
    ),
    muscle(
        "iliopsoas",
        (230, 38, 15, 14, 14, 0, 0),
        (160, 42, 8, 18, 18, 0, 0),
        (100, 48, 0, 21, 20, 0, 0),
        (50, 60, -18, 20, 18, 0, 0),
        (15, 78, -40, 20, 15, 0, 0),
        (-20, 90, -40, 17, 15, 0, 0),
        (-50, 98, -24, 14, 13, 0, 0),
        (-80, 102, -10, 9, 8, 0, 0),
    ),
    muscle(
        "iliopsoas",
        (92, 84, -20, 28, 7, 118, 0.003),
        (65, 78, -16, 46, 13, 122, 0.003),
        (35, 74, -20, 34, 14, 125, 0.003),
        (8, 82, -32, 20, 12, 120, 0),
    ),
)
