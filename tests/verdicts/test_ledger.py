"""The claim ledgers load, and a wrong one is refused with one line that names the file and the claim."""

import fnmatch
from pathlib import Path

import pytest

from containers.contract.errors import RequestFault
from harness.claims.loader import ledgers, load_ledger
from harness.run.case import load_cases

GOOD = """
schema_version = "1.0"
paper = "p"
reference = "doi:10.0/0"
[[numbers]]
id = "a"
place = "Table 1"
printed = "10"
unit = "n"
exact = true
[[numbers]]
id = "b"
place = "Table 1"
printed = "20"
unit = "n"
exact = true
[[claims]]
id = "c"
place = "Table 1"
quantity = "all"
printed = "30"
unit = "n"
exact = true
route = "recompute"
relation = { kind = "sum", parts = ["a", "b"] }
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "p" / "claims.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_good_ledger_loads(tmp_path: Path) -> None:
    ledger = load_ledger(write(tmp_path, GOOD))
    assert [c.id for c in ledger.claims] == ["c"]
    assert ledger.number("b").parsed()[0].value == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('printed = "30"', "printed = 30", "claims entry c: printed"),
        ('printed = "30"', 'printed = "none"', "claims entry c: printed: no number"),
        ('"a", "b"', '"a", "z"', "claims entry c: its relation uses unknown id 'z'"),
        ('"a", "b"', '"a", "c"', "claims entry c: its relation uses the claim itself"),
        ('kind = "sum"', 'kind = "guess"', "claims entry c: relation"),
        ('route = "recompute"', 'route = "hearsay"', "claims entry c: route"),
        ('route = "recompute"', 'route = "phantom"', "claims entry c: (top level): route phantom needs checks"),
        ('route = "recompute"', 'route = "recompute"\ncolour = "red"', "claims entry c: colour"),
        ('id = "b"', 'id = "a"', "a: is given twice"),
        ('id = "b"', 'identity = "b"', "numbers entry number 2: id"),
        ('paper = "p"', "", "paper: Field required"),
        ('paper = "p"', "paper = ", "is not TOML"),
    ],
)
def test_wrong_ledger_is_refused_on_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(RequestFault) as caught:
        load_ledger(write(tmp_path, GOOD.replace(old, new, 1)))
    line = str(caught.value)
    assert line.startswith("p/claims.toml")
    assert said in line
    assert "\n" not in line


def test_missing_ledger_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestFault, match=r"p/claims\.toml: cannot be read"):
        load_ledger(tmp_path / "p" / "claims.toml")


def test_shipped_ledgers_hold_facts_only() -> None:
    found = {ledger.paper: ledger for ledger in ledgers()}
    assert len(found["ukb_thigh"].claims) >= 30
    for ledger in found.values():
        for entry in (*ledger.numbers, *ledger.claims):
            assert len(entry.printed.split()) <= 5, f"{entry.id}: a sentence, not a figure"


def test_phantom_claims_name_checks_that_the_cases_have() -> None:
    known = {f"{case.name}/{check.name}": check.evidence for case in load_cases() for check in case.checks}
    named = [(claim, key) for ledger in ledgers() for claim in ledger.claims for key in claim.checks]
    assert named
    for claim, key in named:
        kinds = {kind for name, kind in known.items() if fnmatch.fnmatchcase(name, key)}
        assert claim.route in kinds, f"{claim.id} names {key}"
