"""MuscleMap: muscles and bones of the whole body, with the older models of abdomen, pelvis, thigh and leg.

Its thoracolumbar multifidus is the back's multifidus; that of the neck comes with the semispinalis cervicis.
"""

from containers.toolkit.images.names.vocabulary import Vocabulary, both

_FORM = "{name} {side}"

VOCABULARY = Vocabulary(
    title="MuscleMap: whole body, abdomen, pelvis, thigh, leg",
    source="MuscleMap/MuscleMap, docs/anatomy.md and scripts/models/*/*.json (labels: anatomy, side)",
    muscles=(
        *both("levator scapulae", "semispinalis cervicis and multifidus", "semispinalis capitis", form=_FORM),
        *both("splenius capitis", "sternocleidomastoid", "longus colli", "trapezius", form=_FORM),
        *both("supraspinatus", "subscapularis", "infraspinatus", "deltoid", "rhomboid", form=_FORM),
        *both("thoracolumbar multifidus", "multifidus", "erector spinae", "psoas major", form=_FORM),
        *both("quadratus lumborum", "lattisimus dorsi", form=_FORM),
        *both("gluteus minimus", "gluteus medius", "gluteus maximus", "iliacus", form=_FORM),
        *both("tensor fascia latae", "tensor fasciae latae", form=_FORM),
        *both("vastus lateralis", "vastus intermedius", "vastus medialis", "rectus femoris", form=_FORM),
        *both("sartorius", "gracilis", "semimembranosus", "semitendinosus", form=_FORM),
        *both("biceps femoris long head", "biceps femoris short head", form=_FORM),
        *both("adductor magnus", "adductor longus", "adductor brevis", form=_FORM),
        *both("anterior compartment", "deep posterior compartment", "lateral compartment", form=_FORM),
        *both("soleus", "gastrocnemius", form=_FORM),
    ),
    bones=both("ilium", "femur", "pelvis", form=_FORM),
    others=("sacrum", *both("tibia", "fibula", form=_FORM)),
    meanings={
        "thoracolumbar_multifidus": "multifidus",
        "semispinalis_cervicis_and_multifidus": "semispinalis_cervicis_and_multifidus",
        "lattisimus_dorsi": "latissimus_dorsi",
        "tensor_fascia_latae": "tensor_fasciae_latae",
        "ilium": "iliac_bone",
        "pelvis": "hip_bone",
        "anterior_compartment": "leg_anterior_compartment",
        "deep_posterior_compartment": "leg_deep_posterior_compartment",
        "lateral_compartment": "leg_lateral_compartment",
    },
)
