"""MRSegmentator: 40 classes of the base model (31 and 32 are the autochthonous muscles) and 10 of body composition."""

from containers.toolkit.images.names.vocabulary import Vocabulary, both

_FORM = "{side}_{name}"

VOCABULARY = Vocabulary(
    title="MRSegmentator 2.0.0: base and body_comp",
    source="hhaentze/MRSegmentator, README.md (Class details), package mrsegmentator 2.0.0",
    muscles=(
        *both(
            "autochthonous_muscle",
            "iliopsoas_muscle",
            "gluteus_maximus",
            "gluteus_medius",
            "gluteus_minimus",
            "rectus_abdominis",
            "oblique_muscle",
            "quadratus_lumborum",
            form=_FORM,
        ),
    ),
    bones=both("hip", "femur", form=_FORM),
    others=(
        *both("kidney", "adrenal_gland", "lung", "iliac_artery", "iliac_vena", form=_FORM),
        "background",
        "spleen",
        "gallbladder",
        "liver",
        "stomach",
        "pancreas",
        "heart",
        "aorta",
        "inferior_vena_cava",
        "portal_vein_and_splenic_vein",
        "esophagus",
        "small_bowel",
        "duodenum",
        "colon",
        "urinary_bladder",
        "spine",
        "sacrum",
        "subcutaneous_fat",
        "visceral_fat",
        "abdominal_subcutaneous_fat",
        "gluteofemoral_fat",
    ),
    meanings={
        "autochthonous_muscle": "autochthon",
        "iliopsoas_muscle": "iliopsoas",
        "oblique_muscle": "abdominal_oblique",
        "hip": "hip_bone",
    },
)
