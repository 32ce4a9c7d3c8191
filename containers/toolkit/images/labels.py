"""The 27 pelvic-thigh structures of ukb_thigh (Methods, "Ground Truth Annotation"), with the groups it names, and the
back muscles of nako_cbp.

Label 0 is background; labels 1 to 27 follow the paper's listing. Both sides of a structure share a label.
Groups: the paper gives the posterior/anterior ratio in two readings, hamstrings over quadriceps
(Table 2's note) and posterior over anterior compartment (Table 1's note); the anterior compartment is the
quadriceps and the sartorius, the posterior compartment is the hamstrings.
"""

import colorsys

THIGH_LABELS: dict[int, str] = {
    1: "sartorius",
    2: "rectus_femoris",
    3: "vastus_lateralis",
    4: "vastus_medialis",
    5: "vastus_intermedius",
    6: "gluteus_maximus",
    7: "gluteus_medius",
    8: "gluteus_minimus",
    9: "piriformis",
    10: "obturator_internus",
    11: "obturator_externus",
    12: "pectineus",
    13: "tensor_fasciae_latae",
    14: "adductor_magnus",
    15: "adductor_longus",
    16: "adductor_brevis",
    17: "gracilis",
    18: "quadratus_femoris",
    19: "semimembranosus",
    20: "semitendinosus",
    21: "biceps_femoris",
    22: "multifidus",
    23: "iliopsoas",
    24: "abdominal_oblique",
    25: "rectus_abdominis",
    26: "iliac_bone",
    27: "femur",
}

BONES = ("iliac_bone", "femur")
MUSCLES = tuple(name for name in THIGH_LABELS.values() if name not in BONES)
QUADRICEPS = ("rectus_femoris", "vastus_lateralis", "vastus_medialis", "vastus_intermedius")
HAMSTRINGS = ("semimembranosus", "semitendinosus", "biceps_femoris")
ANTERIOR = ("sartorius", *QUADRICEPS)
POSTERIOR = HAMSTRINGS

SPINE_LABELS: dict[int, str] = {
    1: "erector_spinae_left",
    2: "erector_spinae_right",
    3: "multifidus_left",
    4: "multifidus_right",
}
"""The back muscles of nako_cbp (Procedures), T1 to S1, split into the two that the paper measures as one."""

AUTOCHTHONOUS: dict[str, tuple[str, str]] = {
    "autochthon_left": ("erector_spinae_left", "multifidus_left"),
    "autochthon_right": ("erector_spinae_right", "multifidus_right"),
}
"""MRSegmentator's two classes (31 and 32) as unions of SPINE_LABELS."""


def label_of(name: str) -> int:
    """Label value of a structure's name. Raises KeyError for an unknown name."""
    return {n: v for v, n in THIGH_LABELS.items()}[name]


def colour_of(label: int) -> tuple[float, float, float]:
    """A distinct, stable colour (red, green, blue in 0 to 1): golden-ratio steps in hue, two brightnesses."""
    return colorsys.hsv_to_rgb((label * 0.61803398875) % 1.0, 0.65, 0.95 if label % 2 else 0.75)
