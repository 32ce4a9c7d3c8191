"""One set of checks over all vocabularies, and the spelling that they share."""

import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.toolkit.images.labels import MUSCLES, SPINE_LABELS
from containers.toolkit.images.names import vocabularies
from containers.toolkit.images.names.codes import CODES, read_tag, tag_of
from containers.toolkit.images.names.spelling import SIDES, parted, spelled
from containers.toolkit.images.names.table import BACKGROUND, VOCABULARIES, find, meanings
from containers.toolkit.images.names.vocabulary import Vocabulary

NAMES = [(vocabulary, name) for vocabulary in VOCABULARIES for name in vocabulary.kinds()]


def test_every_module_of_the_folder_is_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(vocabularies.__path__)}
    assert len(modules) == len(VOCABULARIES) == len({vocabulary.title for vocabulary in VOCABULARIES})


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.title)
def test_a_vocabulary_states_its_source_and_uses_its_meanings(vocabulary: Vocabulary) -> None:
    assert vocabulary.source
    rests = {parted(name)[0] for name in vocabulary.kinds()}
    assert set(vocabulary.meanings) <= rests
    assert not {*vocabulary.meanings.values()} & BACKGROUND


@pytest.mark.parametrize(("vocabulary", "name"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_name_is_found_in_every_spelling(vocabulary: Vocabulary, name: str) -> None:
    if name in BACKGROUND:
        assert find(name) is None
        return
    found = find(name)
    assert found is not None
    words = spelled(name)
    sides = [side for side in SIDES if side in words]
    assert found.side == (sides[0] if sides else None)
    assert found.structure not in SIDES and not set(SIDES) & set(found.structure.split("_"))
    if sides:
        rest = " ".join(word for word in words if word != sides[0])
        for text in (
            f"{rest} {sides[0]}",
            f"{sides[0].upper()}-{rest}",
            f"{rest.title()} ({sides[0][0].upper()})",
            f"{rest} [{sides[0]}]",
        ):
            assert find(text) == found, text
    else:
        assert find(name.upper().replace("_", "-")) == found


def test_all_tools_call_the_same_muscles_by_one_name() -> None:
    for text in ("left_autochthonous_muscle", "autochthon_left", "Autochthon (L)"):
        found = find(text)
        assert found is not None and found.full == "autochthon_left"
    for text in ("thoracolumbar multifidus right", "multifidus_right", "Right multifidus muscle"):
        found = find(text)
        assert found is not None and found.full == "multifidus_right"
    assert {name for name in (*MUSCLES, *SPINE_LABELS.values()) if find(name) is None} == set()
    muscles = {structure for structure, kind in meanings().values() if kind == "muscle"}
    assert muscles >= {"iliopsoas", "psoas_major", "deltoid", "quadriceps_femoris"}
    assert not muscles & {"liver", "femur", "sacrum"}


def test_class_numbers_and_vertebrae_are_no_sides() -> None:
    for text, structure in (("vertebrae_L5", "vertebrae_l5"), ("rib_left_1", "rib_1"), ("IVD", "ivd")):
        found = find(text)
        assert found is not None and found.structure == structure
    assert parted("vertebrae_L5") == ("vertebrae_l5", None)
    assert parted("left right muscle") == ("left_right_muscle", None)


@given(st.text())
def test_any_text_has_words_or_none(text: str) -> None:
    rest, side = parted(text)
    assert side in (None, "left", "right")
    assert all(word and word == word.casefold() for word in spelled(text))
    assert parted(rest)[0] == rest or side is not None or parted(rest)[1] is not None


def test_names_of_another_script_stay_apart() -> None:
    assert spelled("多裂肌") != spelled("竖脊肌")
    assert find("多裂肌") is None


@pytest.mark.parametrize("structure", sorted(CODES))
@pytest.mark.parametrize("side", [None, *SIDES])
def test_a_code_is_read_as_it_is_written(structure: str, side: str | None) -> None:
    assert read_tag(tag_of(structure, side)) == (structure, side)  # type: ignore[arg-type]


def test_a_code_names_what_the_table_does_not_know() -> None:
    tag = tag_of("gracilis", "left")
    found = find("Segment_1", tag)
    assert found is not None and (found.full, found.kind) == ("gracilis_left", "muscle")
    assert find("Segment_1", "|") is None
    assert find("Segment_1", "TerminologyEntry:a~b|") is None
    # Slicer writes further tags before and after the entry.
    assert find("x", f"Segmentation.Status:inprogress|{tag}Other:1|") == found
