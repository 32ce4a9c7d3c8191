"""Standard codes of structures, by which 3D Slicer and DICOM segmentations know what a segment is.

Each code is one that a public source states, named next to it. SNOMED CT (`SCT`) goes first, with the concept
"Structure of ..." and not "Entire ...", since a volume may hold a part only (DICOM PS3.16, 8.1.1). Where no source
gave one, the code is of the Foundational Model of Anatomy (`FMA`). `abdominal_oblique` has none, as the sources name
the external and the internal muscle but nothing for the two together.

Sources:
TotalSegmentator: `totalsegmentator_snomed_mapping.csv` of wasserth/TotalSegmentator; gluteus maximus by its pull
request 612. Slicer: 3D Slicer's TotalSegmentator extension, erector spinae (for its structures `autochthon_left` and
`_right`) and the sides. DICOM: PS3.16 CID 4031, as in pydicom. FHIR: value set body-site of HL7 FHIR, as expanded in
public projects. NZ: profile RheumaticFeverMedicationRequest of the New Zealand guide for rheumatic fever. PH: value set
SILPH-ListofBodySites of UPM-NTHC/PH-RoadSafetyIG. Inno4Health: electromyography mapping to FHIR, in its
`IntegrationTest.scala`. BodyParts3D: `parts_list_e.txt` of the atlas, whose parts carry FMA numbers; Uberon's
cross-references (`uberon.obo`) agree for those marked so.
"""

import re

from containers.toolkit.images.names.spelling import Side

Code = tuple[str, str, str]
"""Coding scheme, value, meaning."""

CODES: dict[str, Code] = {
    "sartorius": ("SCT", "12595009", "Sartorius muscle"),  # TotalSegmentator
    "rectus_femoris": ("SCT", "72226001", "Rectus femoris muscle"),  # PH
    "vastus_lateralis": ("SCT", "1403006", "Vastus lateralis muscle"),  # NZ
    "vastus_medialis": ("SCT", "3478008", "Vastus medialis muscle"),  # FHIR
    "vastus_intermedius": ("FMA", "22433", "Vastus intermedius"),  # BodyParts3D
    "gluteus_maximus": ("SCT", "206007", "Gluteus maximus muscle"),  # TotalSegmentator, NZ
    "gluteus_medius": ("SCT", "78333006", "Gluteus medius muscle"),  # TotalSegmentator, NZ
    "gluteus_minimus": ("SCT", "75297007", "Gluteus minimus muscle"),  # TotalSegmentator
    "piriformis": ("SCT", "75699001", "Piriformis muscle"),  # PH
    "obturator_internus": ("SCT", "82115007", "Obturator internus muscle"),  # PH
    "obturator_externus": ("FMA", "22299", "Obturator externus"),  # BodyParts3D, Uberon
    "pectineus": ("FMA", "22440", "Pectineus"),  # BodyParts3D, Uberon
    "tensor_fasciae_latae": ("FMA", "22423", "Tensor fasciae latae"),  # BodyParts3D, Uberon
    "adductor_magnus": ("FMA", "22443", "Adductor magnus"),  # BodyParts3D
    "adductor_longus": ("SCT", "85629004", "Adductor longus muscle"),  # Inno4Health
    "adductor_brevis": ("FMA", "22442", "Adductor brevis"),  # BodyParts3D
    "gracilis": ("SCT", "2577006", "Gracilis muscle"),  # FHIR
    "quadratus_femoris": ("FMA", "22321", "Quadratus femoris"),  # BodyParts3D
    "semimembranosus": ("FMA", "22438", "Semimembranosus"),  # BodyParts3D, Uberon
    "semitendinosus": ("FMA", "22357", "Semitendinosus"),  # BodyParts3D, Uberon
    "biceps_femoris": ("FMA", "22356", "Biceps femoris"),  # BodyParts3D, Uberon
    "erector_spinae": ("SCT", "44947003", "Erector spinae muscle"),  # Slicer
    "multifidus": ("FMA", "22827", "Multifidus"),  # BodyParts3D
    "iliopsoas": ("SCT", "68455001", "Iliopsoas muscle"),  # TotalSegmentator
    "rectus_abdominis": ("FMA", "9628", "Rectus abdominis"),  # BodyParts3D, Uberon
    "iliac_bone": ("SCT", "22356005", "Ilium"),  # DICOM
    "femur": ("SCT", "71341001", "Femur"),  # TotalSegmentator, DICOM
}

"""What this project writes, by structure."""

SIDES: dict[Side, Code] = {
    "left": ("SCT", "7771000", "Left"),
    "right": ("SCT", "24028007", "Right"),
}

READ: dict[tuple[str, str], str] = {
    **{(scheme, value): name for name, (scheme, value, _) in CODES.items()},
    ("SCT", "244849004"): "autochthon",  # TotalSegmentator
    ("SCT", "181674001"): "gluteus_maximus",  # TotalSegmentator
    ("SCT", "29836001"): "hip_bone",  # TotalSegmentator
    ("SCT", "10200004"): "liver",  # TotalSegmentator
    ("SCT", "78961009"): "spleen",  # TotalSegmentator
    ("SCT", "64033007"): "kidney",  # TotalSegmentator
    ("SCT", "54735007"): "sacrum",  # TotalSegmentator
    ("SCT", "67769002"): "subcutaneous_fat",  # TotalSegmentator
    ("SCT", "127954009"): "skeletal_muscle",  # TotalSegmentator
}
"""What is read, structure by scheme and value: the above and what other tools write for the same."""

_CODE = re.compile(r"([^~^]*)\^([^~^]*)\^[^~^]*")


def tag_of(structure: str, side: Side | None = None) -> str:
    """Value of a segment's tag in 3D Slicer's form; empty (`|`) for a structure without a code.

    Seven parts between tildes, codes as scheme^value^meaning: terminology, category, type, modifier of the type,
    anatomic terminology, region, modifier of the region. A structure is the type itself, so the region stays empty.
    """
    if structure not in CODES:
        return "|"
    return (
        "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
        f"~SCT^123037004^Anatomical Structure~{'^'.join(CODES[structure])}~{'^'.join(SIDES[side]) if side else '^^'}"
        "~Anatomic codes - DICOM master list~^^~^^|"
    )


def read_tag(tag: str) -> tuple[str, Side | None] | None:
    """Structure and side of a segment's tag; None where it has no code that is known."""
    entry = next((part for part in tag.split("|") if part.startswith("TerminologyEntry:")), "")
    found = [match.groups() if (match := _CODE.fullmatch(part)) else ("", "") for part in entry.split("~")]
    if len(found) < 3 or found[2] not in READ:
        return None
    modifier = found[3] if len(found) > 3 else ("", "")
    side = next((side for side, (scheme, value, _) in SIDES.items() if (scheme, value) == modifier), None)
    return READ[found[2]], side
