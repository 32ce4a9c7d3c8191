"""Standard codes of the muscles, for the tag by which 3D Slicer and DICOM segmentations know what a segment is.

A structure's name is MUSCLE_SIDE. The muscle is the type, the side its modifier, as in TotalSegmentator's mapping.
Sources: erector spinae and the sides, 3D Slicer's TotalSegmentator extension (its structures `autochthon_left` and
`_right`); multifidus, `parts_list_e.txt` of the atlas BodyParts3D, whose parts carry FMA numbers.
"""

CODES: dict[str, tuple[str, str, str]] = {
    "erector_spinae": ("SCT", "44947003", "Erector spinae muscle"),
    "multifidus": ("FMA", "22827", "Multifidus"),
}
SIDES: dict[str, tuple[str, str, str]] = {
    "left": ("SCT", "7771000", "Left"),
    "right": ("SCT", "24028007", "Right"),
}


def tag(name: str) -> str:
    """Value of a segment's tag in 3D Slicer's form; empty (`|`) for a name that has no code.

    Seven parts between tildes, codes as scheme^value^meaning: terminology, category, type, modifier of the type,
    anatomic terminology, region, modifier of the region.
    """
    muscle, _, side = name.rpartition("_")
    if muscle not in CODES or side not in SIDES:
        return "|"
    return (
        "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
        f"~SCT^123037004^Anatomical Structure~{'^'.join(CODES[muscle])}~{'^'.join(SIDES[side])}"
        "~Anatomic codes - DICOM master list~^^~^^|"
    )
