"""What is wrong with the input is one line with the column and the rows, and never a number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containers.contract.record import Record
from tests.r_reference.conftest import Question, ask_stage, category, number

COLUMNS: dict[str, Any] = {
    "eid": {"type": "id"},
    "height_m": number("m", minimum=1.2, maximum=2.3),
    "double": number(),
    "one": number(),
    "sex": category("female", "male"),
    "site": category("a", "b"),
    "ill": category("no", "yes"),
    "apart": category("no", "yes"),
}
HEADER = ",".join(COLUMNS)


def row(i: int) -> str:
    """A person; `double` follows height_m, `one` is constant, `apart` is yes above a height."""
    sex, ill, apart = ("female", "male")[i % 2], ("no", "yes")[i % 3 % 2], ("no", "yes")[i // 15]
    return f"p{i},{1.5 + i / 100},{3 + i / 50},7,{sex},a,{ill},{apart}"


ROWS = [row(i) for i in range(30)]


def model(**fields: Any) -> dict[str, Any]:
    return {"id": "m", "kind": "logistic", "outcome": "ill", "terms": ["height_m"], **fields}


# name -> (first rows in place of the made ones, analysis, what the line must say)
FAULTS: dict[str, tuple[list[str], dict[str, Any], list[str]]] = {
    "unit slip": (["p0,171,3,7,male,a,no,no"], model(), ["height_m", "1.2 to 2.3 m", "first: 1"]),
    "no number": (["p0,tall,3,7,male,a,no,no"], model(), ["height_m", "not a finite number", "first: 1"]),
    "not finite": (["p0,inf,3,7,male,a,no,no"], model(), ["height_m", "not a finite number"]),
    "unknown level": (["p0,1.7,3,7,other,a,no,no"], model(), ["sex", "'other'", "female, male", "first: 1"]),
    "duplicate": (["p9,1.7,3,7,male,a,no,no"], model(), ["eid", "more than once", "first: 10"]),
    "ragged row": (["p0,1.7"], model(), ["not a readable CSV"]),
    "unknown column": ([], model(terms=["weight_kg"]), ["weight_kg"]),
    "constant": ([], model(terms=["one"]), ["one", "same value"]),
    "collinear": ([], model(terms=["height_m", "double"]), ["double", "linear combination"]),
    "one site": ([], model(kind="mixed_logistic", group="site"), ["site", "one group"]),
    "unknown field": ([], model(cluster="site"), ["'cluster'", "known:"]),
    "unknown kind": ([], model(kind="probit"), ["'probit'", "known:"]),
    "needs effects": ([], {"id": "m", "kind": "pooled"}, ["effects"]),
    "no events": ([], model(restrict={"ill": ["no"]}), ["ill", "levels"]),
}


@pytest.fixture(scope="module")
def records(rscript: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    folder: Path = tmp_path_factory.mktemp("bad")
    questions = {}
    for name, (first, analysis, _) in FAULTS.items():
        table = folder / f"{name}.csv".replace(" ", "_")
        table.write_text("\n".join([HEADER, *first, *ROWS[len(first) :]]) + "\n")
        questions[name.replace(" ", "_")] = Question(table, COLUMNS, {"analyses": [analysis]})
    good = folder / "good.csv"
    good.write_text("\n".join([HEADER, *ROWS]) + "\n")
    questions["separated"] = Question(good, COLUMNS, {"analyses": [model(outcome="apart", intervals=["wald"])]})
    questions["firth"] = Question(good, COLUMNS, {"analyses": [model(kind="firth_logistic", outcome="apart")]})
    return ask_stage("r_reference", folder, questions, {"disclosure_threshold": 0})


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_one_line_that_names_the_place(records: dict[str, Record], name: str) -> None:
    record = records[name.replace(" ", "_")]
    assert record.error is not None
    line = f"{record.error.where}: {record.error.what}; {record.error.fix}"
    assert record.error.kind == "input", line
    assert "\n" not in line
    for part in FAULTS[name][2]:
        assert part in line, line


def test_separation_is_named_and_firth_is_finite(records: dict[str, Record]) -> None:
    separated = records["separated"].metrics["coefficient.m.height_m"]
    assert separated.value is None and "separated" in separated.note
    assert any("separation" in line for line in records["separated"].warnings)
    firth = records["firth"].metrics
    assert firth["coefficient.m.height_m"].value is not None
    assert firth["profile_low.m.height_m"].value is not None
