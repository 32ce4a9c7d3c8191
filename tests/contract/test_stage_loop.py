"""The item loop, run in this process on a toy stage: what ends up on disk whatever goes wrong."""

import errno
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from containers.contract.errors import EnvironmentFault, ItemFault, RequestFault
from containers.contract.record import ErrorInfo
from containers.contract.request import load_request
from containers.contract.spec import Parameter, load_spec
from containers.contract.stage import main, run

STAGE = """
name = "toy"
version = "1.2.3"
title = "Counts bytes"
source = "none"
[inputs.file]
kind = "path"
description = "any file"
[facts.height_m]
unit = "m"
description = "height"
[outputs.copy]
kind = "path"
description = "the same bytes"
[parameters.factor]
type = "number"
unit = "1"
default = 1.0
minimum = 0
maximum = 10
description = "multiplies the count"
[metrics.size]
unit = "B"
description = "bytes"
[metrics."part.*"]
unit = "%"
description = "a family"
"""


def toy(item, job, state, result) -> None:
    data = item.inputs["file"].read_bytes()
    result.file("copy", "copy.bin").write_bytes(data)
    if data == b"bad":
        raise ItemFault("is bad", where="file", fix="make it good")
    if data == b"bug":
        raise ZeroDivisionError
    if data == b"full":
        raise OSError(errno.ENOSPC, "No space left on device")
    result.metric("size", len(data) * job.parameters["factor"])


def write_request(folder: Path, files: dict[str, bytes], **changes) -> Path:
    entries = []
    for name, data in files.items():
        (folder / f"{name}.in").write_bytes(data)
        entries.append({"id": name, "inputs": {"file": f"{name}.in"}})
    path = folder / "request.json"
    path.write_text(json.dumps({"stage": "toy", "items": entries, "output": "out"} | changes))
    (folder / "stage.toml").write_text(STAGE)
    return path


def records(folder: Path) -> dict[str, dict]:
    return {p.parent.name: json.loads(p.read_text()) for p in (folder / "out").glob("*/record.json")}


def test_one_bad_item_never_stops_the_others(tmp_path: Path, capsys) -> None:
    request = write_request(tmp_path, {"a": b"xy", "b": b"bad", "c": b"bug", "d": b"full", "e": b"xyz"})
    assert main(tmp_path / "stage.toml", toy, argv=["run", str(request)]) == 0
    found = records(tmp_path)
    assert {k: v["status"] for k, v in found.items()} == {
        "a": "ok", "b": "error", "c": "error", "d": "error", "e": "ok",
    }  # fmt: skip
    assert [found[k]["error"]["kind"] for k in "bcd"] == ["input", "internal", "environment"]
    assert found["b"]["error"]["fix"] == "make it good"
    assert found["e"]["metrics"]["size"] == {"value": 3.0, "unit": "B", "note": ""}
    for failed in "bcd":
        assert sorted(p.name for p in (tmp_path / "out" / failed).iterdir()) == ["record.json", "timing.json"]
    log = [json.loads(line) for line in (tmp_path / "out" / "job.log").read_text().splitlines()]
    assert [e["item"] for e in log if e["event"] == "traceback"] == ["c"]


def test_missing_input_is_an_error_record(tmp_path: Path) -> None:
    request = write_request(tmp_path, {"a": b"xy", "b": b"xy"})
    (tmp_path / "b.in").unlink()
    assert main(tmp_path / "stage.toml", toy, argv=["run", str(request)]) == 0
    assert records(tmp_path)["b"]["error"]["what"] == "does not exist"


def test_records_repeat_byte_for_byte_and_carry_no_place(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        main(folder / "stage.toml", toy, argv=["run", str(write_request(folder, {"a": b"xy"}))])
        seen.append((folder / "out" / "a" / "record.json").read_bytes())
    assert seen[0] == seen[1]
    assert str(tmp_path).encode() not in seen[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stage": "other"}, "asks for stage 'other'"),
        ({"parameters": {"faktor": 1}}, "unknown parameter 'faktor'"),
        ({"parameters": {"factor": 11}}, "at most 10, got 11"),
        ({"parameters": {"factor": "2"}}, "must be of type number"),
        ({"parameters": {"factor": True}}, "must be of type number"),
        ({"contract": "9.0"}, "contract 9.0 is not spoken"),
        ({"items": []}, "at least 1 item"),
        ({"items": [{"id": "../up", "inputs": {}}]}, "items.0.id"),
        ({"items": [{"id": "a", "inputs": {}}]}, "'file' is missing"),
        ({"items": [{"id": "a", "inputs": {"file": "a.in", "fil": "a.in"}}]}, "unknown input or fact 'fil'"),
        ({"items": [{"id": "a", "inputs": {"file": "a.in"}}] * 2}, "given twice"),
        ({"items": [{"id": "a", "inputs": {"file": "a.in"}, "facts": {"height_m": float("nan")}}]}, "finite number"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
    ],
)
def test_wrong_requests_end_with_status_2_and_one_line(tmp_path: Path, capsys, changes, says: str) -> None:
    request = write_request(tmp_path, {"a": b"xy"}, **changes)
    assert main(tmp_path / "stage.toml", toy, argv=["run", str(request)]) == 2
    line = capsys.readouterr().err
    assert says in line
    assert line.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_setup_fault_is_the_environment_s(tmp_path: Path, capsys) -> None:
    def no_gpu(job) -> None:
        raise EnvironmentFault("no CUDA device", where="device", fix="use device cpu")

    request = write_request(tmp_path, {"a": b"xy"})
    assert main(tmp_path / "stage.toml", toy, no_gpu, argv=["run", str(request)]) == 3
    assert capsys.readouterr().err == "toy: environment: device: no CUDA device; use device cpu\n"
    assert records(tmp_path) == {}


def test_killed_item_leaves_nothing_and_is_replaced_next_time(tmp_path: Path) -> None:
    request_file = write_request(tmp_path, {"a": b"xy", "b": b"xyz"})
    spec, request = load_spec(tmp_path / "stage.toml"), load_request(request_file)

    def dies(item, job, state, result) -> None:
        toy(item, job, state, result)
        if item.id == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(spec, request, lambda job: None, dies)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "job.log"]
    assert run(spec, request, lambda job: None, toy) == 0
    assert sorted(records(tmp_path)) == ["a", "b"]


def test_undeclared_names_are_the_stage_s_own_fault(tmp_path: Path) -> None:
    def undeclared(item, job, state, result) -> None:
        result.metric("part.left", 50.0)
        result.metric("weight", 1.0)

    request = write_request(tmp_path, {"a": b"xy"})
    assert main(tmp_path / "stage.toml", undeclared, argv=["run", str(request)]) == 0
    assert "not declared" in records(tmp_path)["a"]["error"]["what"]


def test_a_default_out_of_range_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stage.toml").write_text(STAGE.replace("default = 1.0", "default = 12.0"))
    with pytest.raises(RequestFault, match="default of parameter factor must be at most 10"):
        load_spec(tmp_path / "stage.toml")


@pytest.mark.parametrize(
    ("unit", "said"), [("1", "must be at most 0.9, got 2"), ("mm", "must be at most 0.9 mm, got 2")]
)
def test_a_range_is_said_in_its_unit_unless_that_is_1(unit: str, said: str) -> None:
    overlap = Parameter(type="number", default=0.5, maximum=0.9, unit=unit, description="of neighbours")
    assert overlap.complaint(2) == said


@pytest.mark.parametrize("where", ["metric", "details"])
def test_a_number_that_json_cannot_carry_fails_its_item_only(tmp_path: Path, where: str) -> None:
    def nan(item, job, state, result) -> None:
        if item.id == "a" and where == "metric":
            result.metric("size", float("nan"))
        if item.id == "a" and where == "details":
            result.details["x"] = [float("inf")]

    request = write_request(tmp_path, {"a": b"xy", "b": b"xy"})
    assert main(tmp_path / "stage.toml", nan, argv=["run", str(request)]) == 0
    found = records(tmp_path)
    assert (found["a"]["status"], found["a"]["error"]["kind"], found["b"]["status"]) == ("error", "internal", "ok")


def test_the_fix_of_an_error_is_read_by_its_name_of_contract_1_0() -> None:
    told = {"kind": "input", "what": "is damaged", "where": "input a"}
    old, new = (ErrorInfo.model_validate(told | {name: "send it again"}) for name in ("mend", "fix"))
    assert old == new and old.fix == "send it again"
    assert "mend" not in old.model_dump()
    with pytest.raises(ValidationError, match="mend"):
        ErrorInfo.model_validate(told | {"mend": "a", "fix": "b"})
