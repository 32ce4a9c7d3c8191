"""Every kind of relation, found by registration, is held to the same checks; a kind is added by one file alone."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.claims.audit import audit
from harness.claims.relation_table import README, table, with_table
from harness.claims.relations.base import KINDS, Relation
from harness.claims.relations.registry import kinds
from harness.project import ROOT
from tests.verdicts.conformance import (
    CHECKS,
    Check,
    exchanged_limits_are_impossible,
    numbers_below_zero_are_impossible,
)

DOUBLED = '''"""Twice a printed number."""

from fractions import Fraction
from typing import Literal

from harness.claims.candidates import Candidate, made
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class Doubled(Relation):
    """claim = twice the number."""

    kind: Literal["doubled"]
    """Names the relation in the ledger."""

    in_words = "twice the number | number"

    of: Ref
    """Id of the number."""

    examples = (Example({"a": "1.5"}, {"of": "a"}, "3.0", "3.4"),)

    def compute(self, source: Source) -> Terms:
        return [(f"2 × {source.text(self.of)}", source.interval(self.of).scaled(Fraction(2)))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        half = Candidate("as the half", "no", lambda: [("half", source.interval(self.of).scaled(Fraction(1, 2)))])
        return made([half], source.target(claim))

    def premises(self) -> list[str]:
        return ["Assumption: both halves are alike."]
'''
LEDGER = """
schema_version = "1.0"
paper = "p"
reference = "r"
numbers = [{ id = "a", place = "Table 1", printed = "1.5", unit = "1" }]
[[claims]]
id = "c"
place = "Table 1"
quantity = "q"
printed = "PRINTED"
unit = "1"
route = "recompute"
relation = { kind = "doubled", of = "a" }
"""


@pytest.fixture
def registry() -> Iterator[None]:
    """Forgets the kinds that a test adds."""
    kinds()
    known = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(known)


def added(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> type[Relation]:
    """The kind `doubled` of a file that is written and imported."""
    file = folder / "doubled.py"
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("doubled_relation", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return kinds()["doubled"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", kinds())
def test_every_kind_conforms(kind: str, check: Check) -> None:
    check(kinds()[kind])


def test_all_kinds_of_the_folder_are_found() -> None:
    """As many as there are classes with a kind in the folder's source."""
    files = (ROOT / "harness" / "claims" / "relations").glob("*.py")
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    assert list(kinds()) == sorted(re.findall(r'^    kind: Literal\["(\w+)"\]', source, re.MULTILINE))
    assert len(kinds()) > 40


def test_the_readme_has_the_table_of_the_classes_as_they_are() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m harness.claims.relation_table"
    rows = [line.split("|")[1] for line in table().splitlines() if line.startswith("| `")]
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [[kind] for kind in kinds()]
    assert "| `percent` {*part*, *whole*, *column*, *wholes_tried*} | 100 part / whole |" in text


def test_a_kind_that_is_added_has_its_row(tmp_path: Path, registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    added(tmp_path, DOUBLED, monkeypatch)
    assert "\n| `doubled` {*of*} | twice the number \\| number | | |\n" in with_table(
        README.read_text(encoding="utf-8")
    )


def test_one_file_adds_a_kind(tmp_path: Path, registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = added(tmp_path, DOUBLED, monkeypatch)
    for check in CHECKS:
        check(made)
    ledger = tmp_path / "ledger.toml"
    ledger.write_text(LEDGER.replace("PRINTED", "3.0"), encoding="utf-8")
    good = audit(ledger).claims[0]
    assert (good.verdict, good.formula, good.kind) == ("consistent", "2 × 1.5", "doubled")
    assert "Assumption: both halves are alike." in good.arithmetic
    ledger.write_text(LEDGER.replace("PRINTED", "0.75"), encoding="utf-8")
    bad = audit(ledger).claims[0]
    assert bad.verdict == "contradicted" and bad.explanation == "It would agree as the half."


@pytest.mark.parametrize(
    ("right", "broken", "check"),
    [
        ('    examples = (Example({"a": "1.5"}, {"of": "a"}, "3.0", "3.4"),)\n', "", "has_examples"),
        ("Fraction(2)", "Fraction(3)", "right_numbers_stand"),
        ('"3.4"', '"3.1"', "wrong_numbers_do_not"),
        ('"3.0", "3.4"', '"3.0"', "wrong_numbers_do_not"),
        ("made([half]", "made([half, half]", "readings_have_names_of_their_own"),
        ('"as the half"', "f'as the half {monotonic_ns()}'", "a_verdict_is_the_same_twice"),
        ("of: Ref", "of: str", "operands_are_those_given"),
        ("of: Ref", "of: Ref = Field(exclude=True)", "a_relation_survives_json"),
        (
            ".scaled(Fraction(2))",
            ".point(2 * source.interval(self.of).middle)",
            "narrower_numbers_stay_inside",
        ),
        ("    examples", "    probability = True\n    examples", "probabilities_are_such"),
        (
            "def premises",
            "def limits(self):\n        return [(None, self.of, self.of)]\n\n    def premises",
            "exchanged_limits_are_impossible",
        ),
        ("    kind:", '    model_config = {"extra": "ignore"}\n\n    kind:', "wrong_fields_are_refused"),
        ('    """claim = twice the number."""\n', "", "it_says_what_it_is"),
        ('    """Id of the number."""\n', "", "it_says_what_it_is"),
        ('    in_words = "twice the number | number"\n', "", "it_says_what_it_is"),
    ],
)
def test_a_kind_that_does_not_conform_is_seen(
    right: str, broken: str, check: str, tmp_path: Path, registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check has a fault of the file that it sees."""
    head = "from time import monotonic_ns\nfrom pydantic import Field\n"
    assert DOUBLED.count(right) == 1
    made = added(
        tmp_path, DOUBLED.replace("from fractions", f"{head}from fractions", 1).replace(right, broken), monkeypatch
    )
    with pytest.raises((AssertionError, ValueError)):
        next(c for c in CHECKS if c.__name__ == check)(made)


def test_a_judge_that_overlooks_slips_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["harness.claims.judge"], "impossible", lambda claim, ledger: "")
    with pytest.raises(AssertionError):
        exchanged_limits_are_impossible(kinds()["interval_centre"])
    with pytest.raises(AssertionError):
        numbers_below_zero_are_impossible(kinds()["sd_from_se"])


def test_a_kind_is_defined_once(tmp_path: Path, registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match=r"kind 'sum' of doubled_relation is that of harness\.claims\.relations\.sums"):
        added(tmp_path, DOUBLED.replace('Literal["doubled"]', 'Literal["sum"]'), monkeypatch)
