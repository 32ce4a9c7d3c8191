"""Codes of structures: every one well formed, and tags in the form 3D Slicer reads."""

import pytest

from containers.thigh_segmentation.terminology import CODES, tag
from containers.toolkit.images.labels import THIGH_LABELS

# Verhoeff's scheme, by which SNOMED CT forms the last digit of an identifier: the dihedral group of order ten (0 to 4
# are turns, 5 to 9 are reflections) and the powers of one permutation.
PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def product(a: int, b: int) -> int:
    """Product of two elements of the dihedral group of order ten."""
    turn = (a - b if a >= 5 else a + b) % 5
    return turn + (5 if (a >= 5) != (b >= 5) else 0)


def is_verhoeff(code: str) -> bool:
    """Whether the last digit of `code` is its check digit."""
    total = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = PERMUTATION[value]
        total = product(total, value)
    return total == 0


def test_the_check_is_verhoeffs() -> None:
    assert is_verhoeff("2363")  # the scheme's textbook example: check digit 3 of 236
    assert not is_verhoeff("2364")
    assert is_verhoeff("123037004")
    assert not is_verhoeff("123037040")


def test_all_structures_but_one_have_a_code_of_their_own() -> None:
    assert set(THIGH_LABELS.values()) - set(CODES) == {"abdominal_oblique"}
    assert set(CODES) <= set(THIGH_LABELS.values())
    assert len({code[:2] for code in CODES.values()}) == len(CODES)


@pytest.mark.parametrize("name", sorted(CODES))
def test_codes_are_well_formed(name: str) -> None:
    scheme, code, meaning = CODES[name]
    assert scheme in ("SCT", "FMA")
    assert code.isascii()
    assert code.isdigit()
    assert not set(meaning) & set("^~|:")
    assert len(meaning) <= 64  # DICOM's limit for a meaning
    if scheme == "SCT":
        assert is_verhoeff(code)
        assert code[-3:-1] == "00"  # a concept of the international edition
    else:
        assert name.replace("_", " ").capitalize() == meaning


def test_tags_have_the_form_3d_slicer_writes() -> None:
    # The "Head" segment of a file saved by 3D Slicer, with another type.
    assert tag("gracilis") == (
        "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
        "~SCT^123037004^Anatomical Structure~SCT^2577006^Gracilis muscle~^^~Anatomic codes - DICOM master list~^^~^^|"
    )
    assert tag("abdominal_oblique") == "|"


@pytest.mark.parametrize("name", sorted(CODES))
def test_tags_have_seven_parts_and_triples(name: str) -> None:
    parts = tag(name).removesuffix("|").split("~")
    assert len(parts) == 7
    assert all(parts[i].count("^") == 2 for i in (1, 2, 3, 5, 6))
