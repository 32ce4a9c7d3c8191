"""A gate from end to end on a tiny stage: what is green, what is red, and what is the machine's."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from containers.contract.errors import RequestFault
from harness.gate import report
from harness.gate.result import GateResult, Outcome
from tests.gate.conftest import Gate


def rows(result: GateResult, outcome: Outcome) -> list[str]:
    return [f"{row.step}/{row.item}/{row.metric}" for row in result.rows() if row.outcome == outcome]


def test_the_stage_itself_is_green_from_a_folder_of_any_name(frozen: Gate) -> None:
    result = frozen.run(frozen.candidate("renamed"))
    assert result.exit_status == 0
    # Two items with two metrics, and an item that must be refused.
    assert len(rows(result, Outcome.SAME)) == 5
    assert result.cases[0].notes == []
    assert "green: 5 numbers of 1 cases, none moved" in report.headline(result)


def test_a_changed_number_is_red_in_units_of_its_tolerance(frozen: Gate) -> None:
    result = frozen.run(frozen.candidate("wrong", main="FACTOR = 1.0 => FACTOR = 1.01"))
    assert result.exit_status == 1
    assert rows(result, Outcome.MOVED) == ["mean/one/mean", "mean/two/mean"]
    row = next(row for row in result.rows() if row.outcome == Outcome.MOVED)
    assert row.frozen is not None
    # One hundredth of the mean, in tolerances of 0.001.
    assert row.tolerances == pytest.approx(0.01 * row.frozen / 0.001, rel=1e-9)


def test_a_missing_metric_is_red(frozen: Gate) -> None:
    result = frozen.run(frozen.candidate("less", main='result.metric("rows", len(rows)) => del rows'))
    assert result.exit_status == 1
    assert rows(result, Outcome.MISSING) == ["mean/one/rows", "mean/two/rows"]


def test_a_crash_is_red_and_not_silence(frozen: Gate) -> None:
    result = frozen.run(frozen.candidate("crash", main="if mean < job => sys.exit(17)\n    if mean < job"))
    assert result.exit_status == 1
    assert len(rows(result, Outcome.FAILED)) == 3
    assert "exit status 17" in result.rows()[0].note


def test_a_bad_input_that_is_accepted_is_red(frozen: Gate) -> None:
    result = frozen.run(frozen.candidate("mild", main="if mean < job.parameters => if mean < 0 * job.parameters"))
    assert result.exit_status == 1
    assert rows(result, Outcome.MOVED) == ["refused/few/item"]


def test_an_unfit_machine_is_neither_red_nor_green(frozen: Gate) -> None:
    setup = "from containers.contract.errors import EnvironmentFault\n\ndef setup(job: Job) -> None:\n"
    setup += '    raise EnvironmentFault("no GPU", where="device")\n\n\ndef process('
    candidate = frozen.candidate("gpu", main=f"def process( => {setup}")
    main = candidate / "__main__.py"
    main.write_text(main.read_text().replace('("stage.toml"), process', '("stage.toml"), process, setup'))
    result = frozen.run(candidate)
    assert result.exit_status == 3
    assert {row.outcome for row in result.rows()} == {Outcome.BROKEN}
    assert "no GPU" in result.rows()[0].note
    assert "nothing was measured" in report.headline(result)


def test_a_candidate_imports_no_reference(frozen: Gate) -> None:
    text = "import containers.table_mean\nassert containers.table_mean.__path__[0].endswith('table_mean')\nFACTOR = 1.0"
    candidate = frozen.candidate("self", main=f"FACTOR = 1.0 => {text}")
    assert frozen.run(candidate).exit_status == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("./nowhere", "does not exist"),
        ("empty", "has no __main__.py"),
    ],
)
def test_what_is_no_stage_is_refused_in_one_line(frozen: Gate, given: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    candidate = str(tmp_path / "empty") if given == "empty" else given
    with pytest.raises(RequestFault, match=said):
        frozen.run(Path(candidate) if given == "empty" else Path(f"{tmp_path}/nowhere"))


def test_a_candidate_of_another_stage_is_refused(frozen: Gate) -> None:
    with pytest.raises(RequestFault, match="is stage 'other'"):
        frozen.run(frozen.candidate("other", toml='name = "table_mean" => name = "other"'))


def test_without_a_baseline_or_with_another_case_the_gate_does_not_run(made: Gate) -> None:
    with pytest.raises(RequestFault, match="has no baseline"):
        made.run(made.stage)
    made.freeze()
    made.case(minimum=2.0)
    with pytest.raises(RequestFault, match="another form of the case file"):
        made.run(made.stage)


def test_the_report_says_the_same_to_people_and_machines(frozen: Gate) -> None:
    result = frozen.run(frozen.candidate("wrong", main="FACTOR = 1.0 => FACTOR = 1.01"))
    folder = frozen.folder / "report"
    assert GateResult.model_validate(json.loads((folder / "gate.json").read_text())) == result
    root = ElementTree.parse(folder / "junit.xml").getroot()
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "2", "0")
    assert len(suite.findall("testcase/failure")) == 2
    text = (folder / "summary.md").read_text()
    assert "red: 2 of 5 numbers moved" in text
    assert "| means | mean/one | mean |" in text
    moved = text.split("## What moved")[1].split("##")[0]
    assert [line.count("|") - line.count("\\|") for line in moved.splitlines() if line] == [8, 8, 8, 8]
