"""Numbers of running text are found as a reader finds them, and each must be claimed or left out with a reason."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.contract.errors import RequestFault
from harness.claims.completeness import FOLDER, check, main
from harness.claims.text_numbers import plain, tokens
from tests.optional import PAPERS


def read(line: str, **how: bool) -> list[str]:
    return [t.text for t in tokens(plain(line, **how)) if t.needed]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("among 37,004 people (64.5 ± 7.9 years)", ["37,004", "64.5", "7.9"]),
        ("OR 1.60, 95%CI 1.45–1.77", ["1.60", "95", "1.45", "1.77"]),
        ("−0.03 (−0.06; −0.0005), from -3 to 3", ["−0.03", "−0.06", "−0.0005", "-3", "3"]),
        ("($r = 0.936, p < 0.001$), p = .05", ["0.936", "0.001", ".05"]),
        ("12·5 km, $26.3 \\pm 4.6 \\text{ kg/m}^2$", ["12·5", "26.3", "4.6"]),
        ("2×10^{-5} or 2×10⁻⁵ or 2 × 10<sup>-5</sup>", ["2e-5", "2e-5", "2e-5"]),
        ("8.5 kg/m², 3 cm <sup>3</sup>/kg, x_1 + w_i^2, C_{10}", ["8.5", "3"]),
        ("the L3 level, EWGSOP2 on a 3D RTX 4090 or A6000, MONAI 1.2.0", ["4090"]),
        ("as shown^{15,27} in trials⁶ for months,1,2 is debilitating.3 It", []),
        ("Figures 1, 2 and Table 3 show, by Eq. (9), 12 of 40 in Fig. 4b, c", ["12", "40"]),
        ("see https://doi.org/10.1038/s41746-026 and 10.1016/j.x.2025.101", []),
        ("six positions of one person, three-dimensional, two arms", ["six"]),
        ("known (1, 2, 6–10) and 5 (3–7)", ["1", "2", "6", "10", "5", "3", "7"]),
        ("1,2 and 1,234,567.8 and 1,23", ["1", "2", "1,234,567.8", "1", "23"]),
    ],
)
def test_numbers_of_a_line(line: str, expected: list[str]) -> None:
    assert read(line) == expected


def test_citations_in_parentheses_are_no_numbers_where_the_paper_cites_so() -> None:
    assert read("known (1, 2, 6–10), I2 = 5% (n = 12)", citations_in_parentheses=True) == ["5", "12"]


@given(st.integers(0, 10**9), st.integers(0, 4))
def test_every_way_of_writing_a_number_is_one_key(value: int, digits: int) -> None:
    number = Decimal(value).scaleb(-digits)
    text = f"{number:,.{digits}f}"
    ways = [text, text.replace(",", ""), text.replace(",", "\u202f"), "$" + text.replace(",", "{,}") + "$", text + "%"]
    keys = {t.key for way in ways for t in tokens(plain(f"in all {way} of them"))}
    assert keys == {(number, digits)}


TEXT = """A title

Results

We saw 1,234 people, 12.50% of them ill.

Table 1 | Counts of 50 people

Methods

In 2014, at 1.5 T.

References

1. Somebody. J. 3, 12–15 (2001).
"""
LEDGER = """
[[numbers]]
id = "share"
place = "Results"
printed = "12.50%"
[[claims]]
id = "people"
place = "Results, first sentence"
printed = "1,234"
[[claims]]
id = "counts"
place = "Table 1, caption"
printed = "50"
[[claims]]
id = "field"
place = "Methods, scanner"
printed = "1.5 T"
[[numbers]]
id = "ten"
place = "definition"
printed = "10"
"""
LEFT_OUT = """
[[left_out]]
section = "References"
reason = "citations"
[[left_out]]
lines = "11"
numbers = ["2014"]
reason = "year"
"""


def made(tmp_path: Path, text: str = TEXT, ledger: str = LEDGER, left_out: str = LEFT_OUT) -> tuple[Path, Path]:
    """(texts, ledgers) of a made-up paper."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "p.txt").write_text(text, encoding="utf-8")
    claims = tmp_path / "ledgers" / "p" / "claims"
    claims.mkdir(parents=True)
    (claims / "all.toml").write_text(ledger, encoding="utf-8")
    (claims.parent / "left_out.toml").write_text(left_out, encoding="utf-8")
    return tmp_path / "texts", tmp_path / "ledgers"


def test_complete_ledger(tmp_path: Path) -> None:
    outcome = check("p", *made(tmp_path))
    assert outcome.complete, outcome
    assert [f.token.text for f in outcome.found if f.covered] == ["1,234", "12.50", "50", "1.5"]
    assert {f.reason for f in outcome.found if not f.covered} == {"citations", "year"}


@pytest.mark.parametrize(
    ("old", "new", "uncovered", "astray"),
    [
        ('printed = "1,234"', 'printed = "1,243"', ["1,234"], "people: 1,243 does not stand in"),
        ('printed = "12.50%"', 'printed = "12.5%"', ["12.50"], "share: 12.5 does not stand in"),
        ('place = "Table 1, caption"', 'place = "Results"', ["50"], "counts: 50 does not stand in"),
        ('place = "Methods, scanner"', 'place = "Table 10"', ["1.5"], "field: its place names no section"),
    ],
)
def test_a_slip_of_the_ledger_is_found_from_both_sides(
    tmp_path: Path, old: str, new: str, uncovered: list[str], astray: str
) -> None:
    assert old in LEDGER
    outcome = check("p", *made(tmp_path, ledger=LEDGER.replace(old, new)))
    assert [f.token.text for f in outcome.uncovered] == uncovered
    assert len(outcome.astray) == 1 and outcome.astray[0].startswith(astray)


def test_left_out_numbers_must_be_there(tmp_path: Path) -> None:
    outcome = check("p", *made(tmp_path, left_out=LEFT_OUT.replace('"2014"', '"2013"')))
    assert [f.token.text for f in outcome.uncovered] == ["2014"]
    assert outcome.stale == ["left_out entry 2 (year) leaves nothing out"]


def test_named_parts_and_further_texts(tmp_path: Path) -> None:
    part = '[[sections]]\nname = "Scanner"\nlines = "11"\n'
    texts, ledgers = made(tmp_path, ledger=LEDGER.replace("Methods, scanner", "Scanner"), left_out=part + LEFT_OUT)
    assert check("p", texts, ledgers).complete
    (texts / "p_summary_page.txt").write_text("Among 99 people\n", encoding="utf-8")
    found = check("p", texts, ledgers).uncovered
    assert [(f.text, f.line, f.section, f.token.text) for f in found] == [
        ("p_summary_page.txt", 1, "p summary page", "99")
    ]


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ('[[left_out]]\nreason = "x"', "left_out.0: give lines, section, numbers or text"),
        ('[[left_out]]\nlines = "3"', "left_out.0.reason"),
        ('[[left_out]]\nlines = "3-"\nreason = "x"', "left_out.0.lines"),
        ('[[sections]]\nname = "A"\nlines = "999"', "section A: line 999 is past the end"),
        ("[[left_out", "is not TOML"),
    ],
)
def test_malformed_rules_are_refused_on_one_line(tmp_path: Path, left_out: str, said: str) -> None:
    with pytest.raises(RequestFault) as caught:
        check("p", *made(tmp_path, left_out=left_out))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_missing_text_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--papers", str(tmp_path), "ukb_thigh"]) == 2
    assert capsys.readouterr().err == "ukb_thigh.txt: has no text; give --papers the folder that has it\n"


@pytest.mark.parametrize(
    "paper",
    [
        pytest.param(path.parent.name, marks=pytest.mark.needs(f"papers/{path.parent.name}.txt"))
        for path in sorted(FOLDER.glob("*/paper.toml"))
    ],
)
def test_every_number_of_the_paper_is_claimed_or_left_out(paper: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--papers", str(PAPERS), paper])
    assert status == 0, capsys.readouterr().out[-4000:]
