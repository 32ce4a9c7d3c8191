"""SNOMED CT codes of structures, for the tag by which 3D Slicer and DICOM segmentations know what a segment is.

Only codes that public mappings state are listed (TotalSegmentator's mapping to SNOMED CT; HL7 guides for injection
sites); a structure without one keeps its name and an empty tag. No laterality: both sides share a label.
"""

CODES: dict[str, tuple[str, str]] = {
    "gluteus_maximus": ("206007", "Gluteus maximus muscle"),
    "gluteus_medius": ("78333006", "Gluteus medius muscle"),
    "gluteus_minimus": ("75297007", "Gluteus minimus muscle"),
    "vastus_lateralis": ("1403006", "Vastus lateralis muscle"),
    "iliopsoas": ("68455001", "Iliopsoas muscle"),
    "femur": ("71341001", "Femur"),
}


def tag(name: str) -> str:
    """Value of a segment's tag in 3D Slicer's form; empty (`|`) for a structure without a code."""
    if name not in CODES:
        return "|"
    code, meaning = CODES[name]
    return (
        "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
        f"~SCT^123037004^Anatomical Structure~SCT^{code}^{meaning}~^^~Anatomic codes - DICOM master list~^^~^^|"
    )
