"""Ledgers in several files: merged by paper, and every fault names the file and the line of its entry."""

from pathlib import Path

import pytest

from containers.contract.errors import RequestFault
from harness.claims import judge_ledger
from harness.claims.loader import ledgers, load_ledger

HEAD = 'schema_version = "1.0"\npaper = "p"\nreference = "doi:10.0/0"\n'


def number(key: str, printed: str, unit: str = "cm", more: str = "") -> str:
    return f'\n[[numbers]]\nid = "{key}"\nplace = "Table 1"\nprinted = "{printed}"\nunit = "{unit}"\n{more}'


def claim(key: str, printed: str, relation: str, unit: str = "cm") -> str:
    head = f'\n[[claims]]\nid = "{key}"\nplace = "Table 1"\nquantity = "q"\nprinted = "{printed}"\nunit = "{unit}"\n'
    return f'{head}route = "recompute"\nrelation = {{ {relation} }}\n'


def same(key: str) -> str:
    return f'kind = "same", of = ["{key}"]'


def folder(tmp_path: Path, **files: str) -> Path:
    claims = tmp_path / "paper" / "claims"
    claims.mkdir(parents=True)
    for name, text in files.items():
        (claims / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path / "paper"


def fault(path: Path) -> str:
    with pytest.raises(RequestFault) as caught:
        judge_ledger(load_ledger(path), [])
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_files_of_a_paper_are_one_ledger(tmp_path: Path) -> None:
    path = folder(
        tmp_path, abstract=HEAD + claim("again", "5", same("a")), table1=HEAD + number("a", "5") + number("b", "6")
    )
    ledger = load_ledger(path)
    assert [c.id for c in ledger.claims] == ["again"] and [n.id for n in ledger.numbers] == ["a", "b"]
    assert ledger.where("b") == "paper/claims/table1.toml:11"
    assert [book.paper for book in ledgers(tmp_path)] == ["p"]
    assert load_ledger(path / "claims" / "table1.toml").claims == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"a": HEAD + number("a", "5"), "b": HEAD + number("a", "6")},
            "claims/b.toml:5, a: is given twice, first at paper/claims/a.toml:5",
        ),
        (
            {"a": HEAD + number("a", "5"), "b": HEAD.replace('"p"', '"q"')},
            "claims/b.toml: paper is 'q', in paper/claims/a.toml it is 'p'",
        ),
        ({"a": HEAD + number("a", "5", "kgs")}, "claims/a.toml:5, numbers entry a: unknown unit 'kgs'"),
        ({"a": HEAD + number("a", "none")}, "claims/a.toml:5, numbers entry a: printed: no number"),
        (
            {"a": HEAD + number("x", "5") + claim("c", "5", same("a"))},
            "claims/a.toml:11, claims entry c: its relation uses unknown id 'a'",
        ),
        (
            {"a": HEAD + claim("c", "5", same("d")) + claim("d", "5", same("c"))},
            "claims/a.toml:5, claims entry c: circular relations: c rests on d rests on c",
        ),
        (
            {"a": HEAD + claim("c", "5", 'kind = "formula", formula = "x +", values = { x = "a" }')},
            "is not an expression",
        ),
        ({"a": HEAD + claim("c", "5", 'kind = "formula", formula = "x", values = { y = "a" }')}, "formula uses 'x'"),
        (
            {"a": HEAD + number("a", "5") + claim("c", "5", 'kind = "same"')},
            "claims/a.toml:11, claims entry c: relation",
        ),
        (
            {"a": HEAD + number("a", "5", "kg") + claim("c", "5", same("a"))},
            "claims/a.toml:11, claims entry c: its relation has no value ('kg' and 'cm' do not measure the same)",
        ),
        ({"a": 'counted = "reels"\n' + HEAD}, "claims/a.toml: counted is not a list of words"),
        ({"a": "numbers = 3\n" + HEAD}, "claims/a.toml: numbers is not a list"),
        ({}, "has no ledger file"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, files: dict[str, str], said: str) -> None:
    assert said in fault(folder(tmp_path, **files))


LIMITS = 'kind = "interval_centre", low = "low", high = "high"'


def test_limits_that_run_down_are_a_slip_until_the_paper_prints_them_so(tmp_path: Path) -> None:
    text = HEAD + number("low", "9.0") + number("high", "1.0") + claim("c", "5.0", LIMITS)
    line = fault(folder(tmp_path, a=text))
    assert "a.toml:17, claims entry c: impossible limits: 'low' 9.0 is above 'high' 1.0" in line
    assert "as_printed = true" in line
    marked = HEAD + number("low", "9.0", more="as_printed = true\n") + number("high", "1.0") + claim("c", "5.0", LIMITS)
    found = judge_ledger(load_ledger(folder(tmp_path / "other", a=marked)), [])[0]
    assert found.verdict == "contradicted"
    assert found.explanation == "It would agree: with exchanged limits."


def test_an_estimate_outside_its_limits_is_a_slip(tmp_path: Path) -> None:
    relation = 'kind = "p_from_interval", estimate = "e", low = "low", high = "high"'
    text = HEAD + number("low", "1.0") + number("high", "2.0") + number("e", "3.0") + claim("c", "0.01", relation, "1")
    assert "'e' 3.0 is outside its limits 1.0 to 2.0" in fault(folder(tmp_path, a=text))


def test_columns_that_look_at_each_other_are_no_circle(tmp_path: Path) -> None:
    def share(key: str, other: str) -> str:
        return claim(key, "50", f'kind = "percent", part = "a", whole = "b", column = ["{other}"]', "%")

    exact = "exact = true\n"
    text = HEAD + number("a", "5", more=exact) + number("b", "10", more=exact) + share("c", "d") + share("d", "c")
    assert {r.verdict for r in judge_ledger(load_ledger(folder(tmp_path, a=text)), [])} == {"reproduced"}


def test_words_for_counted_things_add_up_over_the_files(tmp_path: Path) -> None:
    first = 'counted = ["reels"]\n' + HEAD + number("a", "5", "reels")
    second = 'counted = ["spools"]\n' + HEAD + number("b", "5", "spools") + claim("c", "5", same("a"), "spools")
    assert judge_ledger(load_ledger(folder(tmp_path, a=first, b=second)), [])[0].verdict == "reproduced"


COUNTS = 'kind = "p_from_counts", events_a = "a", size_a = "n", events_b = "b", size_b = "n"'


@pytest.mark.parametrize(
    ("numbers", "relation", "said"),
    [
        ({"a": "1", "b": "0"}, 'kind = "quotient", dividend = "a", divisor = "b"', "divisor's interval holds zero"),
        (
            {"a": "100"},
            'kind = "formula", formula = "exp(exp(a))", values = { a = "a" }',
            "exponential of a number above",
        ),
        ({"a": "2"}, 'kind = "formula", formula = "((a**99)**99)**99", values = { a = "a" }', "multiply to more than"),
        ({"a": "20", "b": "3", "n": "10"}, COUNTS, "at most as many events as members"),
        (
            {"a": "0", "b": "3.0"},
            'kind = "p_from_statistic", statistic = "b", distribution = "t", df = "a"',
            "must be positive",
        ),
        ({"b": "3.0"}, 'kind = "p_from_statistic", statistic = "b", distribution = "t"', "distribution t takes df"),
        ({"a": "30", "r": "2.5"}, 'kind = "correlation", r = "r", n = "a", part = "p"', "possible is −1 to 1"),
        ({"a": "-1.4"}, 'kind = "ratio_power", ratio = "a", power = "0.5"', "below zero has no logarithm"),
        ({"a": "9"}, 'kind = "quantile_size", whole = "a", share = "3/2"', "a share lies between 0 and 1"),
        ({"a": "9" * 300}, 'kind = "same", of = ["a"]', "at most 200 characters"),
        (
            {"s": "-3.0", "g": "-8.0", "k": "1"},
            'kind = "lr_p", log_likelihoods = ["s", "g"], df = "k"',
            "smaller log-likelihood",
        ),
    ],
)
def test_numbers_that_have_no_value_are_faults_with_file_and_line(
    tmp_path: Path, numbers: dict[str, str], relation: str, said: str
) -> None:
    text = (
        HEAD + "".join(number(key, printed, "1") for key, printed in numbers.items()) + claim("c", "0.1", relation, "1")
    )
    line = fault(folder(tmp_path, a=text))
    assert said in line and "paper/claims/a.toml:" in line
