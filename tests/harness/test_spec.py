"""Case files: every wrong one is refused with one line that names file and field."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from containers.contract.errors import RequestFault
from containers.contract.request import Strict
from harness.cli.schemas import SCHEMAS, export, schema
from harness.run.case import CASES, load_case, load_cases
from harness.run.steps.base import PRESETS
from tests.harness.conftest import lines_case

TEXT = """
name = "texts"
title = "t"
evidence = "real data"
[inputs.texts]
kind = "data"
source = "test"
items = [{ id = "a", files = { text = "a.txt" } }]
[steps.count]
kind = "stage"
stage = "lines"
inputs = { text = "texts.text" }
[[checks]]
name = "c"
title = "t"
step = "count"
metric = "lines"
minimum = 1
tolerance_source = "exact"
evidence = "real data"
"""


def load(tmp_path: Path, text: str) -> str:
    path = tmp_path / "texts.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestFault) as caught:
        load_case(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "texts"', 'name = "other"', "name is 'other'"),
        ('kind = "data"', 'kind = "date"', "inputs.texts"),
        ('"texts.text"', '"text.text"', "not an input or earlier step"),
        ('step = "count"', 'step = "counts"', "not a step"),
        ("minimum = 1\n", "", "minimum, maximum or both"),
        ("minimum = 1", "minimum = 1\nmaximum = 0", "minimum above maximum"),
        ('metric = "lines"', 'metric = "lines"\ncount = "items_ok"', "either metric or count"),
        ('stage = "lines"', 'stage = "lines"\nthreads = 2', "steps.count.stage.threads"),
        ('tolerance_source = "exact"', 'tolerance_source = ""', "tolerance_source"),
        ('id = "a"', 'id = "../a"', "inputs.texts.data.items.0.id"),
        ("[[checks]]", "[[checks", "is not TOML"),
    ],
)
def test_wrong_case_is_one_line_with_file_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TEXT
    line = load(tmp_path, TEXT.replace(old, new))
    assert line.startswith("texts.toml") and said in line and "\n" not in line


def test_right_case_loads(tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_case(path).items("small") == {"texts": ["a"], "count": ["a"]}


def test_shipped_cases_load_in_every_preset_and_fit_the_schema() -> None:
    cases = load_cases()
    assert {"bad_input", "ge_thigh_dixon", "siemens_two_station", "ukb_imaging"} <= {c.name for c in cases}
    for case in cases:
        jsonschema.validate(case.model_dump(mode="json"), schema("case"))
        for preset in PRESETS:
            assert set(case.items(preset)) == {*case.inputs, *case.steps}


def test_every_phantom_tolerance_on_a_measure_has_a_mutant() -> None:
    """A tolerance that no fault breaks can fail nothing: exact counts aside, each has a mutant on the same metric."""
    for case in load_cases():
        mutants = {(c.metric, c.minimum, c.maximum) for c in case.checks if c.evidence == "mutant"}
        for check in case.checks:
            exact = check.minimum == check.maximum
            if check.evidence == "phantom" and check.metric and not exact:
                same = {m for m in mutants if m == (check.metric, check.minimum, check.maximum)}
                assert same, f"{case.name}/{check.name} has no mutant"


def test_a_schema_does_not_depend_on_the_order_of_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    class One(Strict):
        value: dict[str, int | float | str]

    class Other(Strict):
        value: list[str | float | int]

    def alternatives(model: type[Strict], key: str) -> Any:
        monkeypatch.setitem(SCHEMAS, "tried", model)
        return schema("tried")["properties"]["value"][key]["anyOf"]

    assert alternatives(One, "additionalProperties") == alternatives(Other, "items")


def test_exported_schemas_are_current(tmp_path: Path) -> None:
    committed = CASES.parents[1] / "containers" / "contract" / "schemas"
    for path in export(tmp_path):
        assert (committed / path.name).read_bytes() == path.read_bytes(), "run `myorepro schema export`"
    assert {p.name for p in committed.glob("*.json")} == {f"{name}.schema.json" for name in SCHEMAS}


def test_schema_refuses_what_the_model_refuses() -> None:
    good: dict[str, Any] = json.loads(lines_case({"a": ""}).model_dump_json())
    jsonschema.validate(good, schema("case"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "surprise": 1}, schema("case"))


def test_unknown_case_is_named() -> None:
    with pytest.raises(RequestFault, match="no case 'nothing'"):
        load_cases(["nothing"])
