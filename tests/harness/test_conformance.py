"""`stage check` passes a stage that keeps the contract, and each seeded fault trips the check it concerns."""

import shutil
from pathlib import Path

import pytest

from harness.conformance.checks import CHECKS, check_stage
from harness.runners.process import ProcessRunner
from tests.harness.conftest import STAGES

FAULTS: dict[str, tuple[str, str]] = {
    "half a record": (
        "good item",
        """
def broken(folder, item):
    text = (folder / "record.json").read_text()
    (folder / "record.json").write_text(text[: len(text) // 2])
""",
    ),
    "no record": (
        "good item",
        """
def broken(folder, item):
    (folder / "record.json").unlink()
""",
    ),
    "wrong hash": (
        "good item",
        """
def broken(folder, item):
    for path in folder.glob("copy.txt"):
        path.write_text("something else")
""",
    ),
    "bad item swallowed": (
        "bad item among good",
        """
def broken(folder, item):
    text = (folder / "record.json").read_text()
    if '"error"' in text and "status" in text and '"ok"' not in text:
        import shutil
        shutil.rmtree(folder)
""",
    ),
    "time stamp": (
        "same bytes twice",
        """
def broken(folder, item):
    import json, time
    path = folder / "record.json"
    record = json.loads(path.read_text())
    record["details"] = {"at": time.time_ns()}
    path.write_text(json.dumps(record))
""",
    ),
    "absolute path": (
        "no absolute paths",
        """
def broken(folder, item):
    import json
    path = folder / "record.json"
    record = json.loads(path.read_text())
    record["details"] = {"written_to": str(folder / "copy.txt")}
    path.write_text(json.dumps(record))
""",
    ),
    "input changed": (
        "inputs unchanged, nothing left behind",
        """
def broken(folder, item):
    with item["inputs"]["text"].open("a") as stream:
        stream.write("x")
""",
    ),
    "scratch left": (
        "inputs unchanged, nothing left behind",
        """
def broken(folder, item):
    (folder.parent / "scratch").mkdir(exist_ok=True)
""",
    ),
    "undeclared metric": (
        "good item",
        """
def broken(folder, item):
    import json
    path = folder / "record.json"
    record = json.loads(path.read_text())
    record["metrics"]["surprise"] = {"value": 1, "unit": "1", "note": ""}
    path.write_text(json.dumps(record))
""",
    ),
}

WRAPPER = """
import json, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import runpy
{fault}
status = 0
try:
    runpy.run_path({stage!r}, run_name="__main__")
except SystemExit as end:
    status = int(end.code or 0)
if sys.argv[1] == "run" and status == 0:
    request = json.loads(Path(sys.argv[2]).read_text())
    for item in request["items"]:
        folder = Path(request["output"]) / item["id"]
        if folder.is_dir():
            broken(folder, {{"inputs": {{n: Path(p) for n, p in item["inputs"].items()}}}})
sys.exit(status)
"""


def findings(stage: Path, *only: str) -> dict[str, str]:
    """Result by check; reasons are printed for the reader of a failure."""
    found = check_stage(ProcessRunner(), str(stage), {}, {}, only)
    for finding in found:
        print(finding)
    return {finding.check: finding.result for finding in found}


def test_a_conforming_stage_passes_every_check() -> None:
    found = findings(STAGES / "lines")
    assert found.pop("closed container") == "not checked"
    assert set(found.values()) == {"passed"} and len(found) == len(CHECKS)


@pytest.mark.parametrize("fault", FAULTS)
def test_seeded_fault_trips_its_check(fault: str, tmp_path: Path) -> None:
    concerned, code = FAULTS[fault]
    shutil.copy(STAGES / "lines" / "stage.toml", tmp_path / "stage.toml")
    text = WRAPPER.format(here=str(tmp_path), stage=str(STAGES / "lines" / "__main__.py"), fault=code)
    (tmp_path / "__main__.py").write_text(text, encoding="utf-8")
    # The stage still runs: a request that it can refuse, it refuses.
    assert findings(tmp_path, concerned, "wrong stage") == {
        "describe": "passed",
        concerned: "failed",
        "wrong stage": "passed",
    }


def _own(tmp_path: Path, code: str) -> Path:
    shutil.copy(STAGES / "lines" / "stage.toml", tmp_path / "stage.toml")
    (tmp_path / "__main__.py").write_text(code, encoding="utf-8")
    return tmp_path


def test_unknown_parameters_must_not_be_ignored(tmp_path: Path) -> None:
    code = f"""
import json, runpy, sys
from pathlib import Path
if sys.argv[1] == "run":
    path = Path(sys.argv[2])
    try:
        request = json.loads(path.read_text())
    except ValueError:
        sys.exit(2)
    request["parameters"] = {{}}
    path.write_text(json.dumps(request))
runpy.run_path({str(STAGES / "lines" / "__main__.py")!r}, run_name="__main__")
"""
    found = findings(_own(tmp_path, code), "unknown parameter", "good item")
    assert found["unknown parameter"] == "failed" and found["good item"] == "passed"


def test_doing_nothing_with_exit_status_zero_fails(tmp_path: Path) -> None:
    code = f"""
import runpy, sys
if sys.argv[1] == "describe":
    runpy.run_path({str(STAGES / "lines" / "__main__.py")!r}, run_name="__main__")
"""
    found = findings(_own(tmp_path, code))
    failed = {check for check, result in found.items() if result == "failed"}
    assert {"good item", "bad item among good", "killed half-way", "unwritable output", "wrong stage"} <= failed


def test_folders_filled_in_place_fail_when_killed(tmp_path: Path) -> None:
    """A stage that writes into the final folder leaves a folder without a record behind when it is killed."""
    code = """
import json, sys, time
from pathlib import Path
import tomllib
spec = tomllib.loads((Path(__file__).parent / "stage.toml").read_text())
if sys.argv[1] == "describe":
    print(json.dumps(spec))
    sys.exit(0)
request = json.loads(Path(sys.argv[2]).read_text())
for item in request["items"]:
    folder = Path(request["output"]) / item["id"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "copy.txt").write_text("half")
    time.sleep(0.3)
    record = {"contract": "1.0", "stage": {"name": "lines", "version": "1.0.0"}, "item": item["id"], "status": "ok"}
    (folder / "record.json").write_text(json.dumps(record))
"""
    assert findings(_own(tmp_path, code), "killed half-way")["killed half-way"] == "failed"


def test_a_stage_that_takes_any_bytes_is_not_checked_until_a_bad_file_is_named(tmp_path: Path) -> None:
    """The stage takes any bytes but those that begin with BAD."""
    lenient = (STAGES / "lines" / "__main__.py").read_text(encoding="utf-8")
    lenient = lenient.replace('.read_text(encoding="utf-8")', '.read_bytes().decode("latin-1")')
    name = "bad item among good"
    stage = _own(tmp_path, lenient)
    [found] = [f for f in check_stage(ProcessRunner(), str(stage), {}, {}, [name]) if f.check == name]
    assert found.result == "not checked"
    assert "1000 bytes of no format, no UTF-8, for text (kind path)" in found.reason and "--bad-input" in found.reason
    for text, result in (("BAD", "passed"), ("good", "failed")):
        bad = tmp_path / f"{result}.txt"
        bad.write_text(text, encoding="utf-8")
        findings = check_stage(ProcessRunner(), str(stage), {}, {}, [name], bad={"text": bad})
        assert [(f.result, f.reason.count(bad.name)) for f in findings if f.check == name] == [
            (result, int(result == "failed"))
        ]


def test_description_that_is_no_description_fails(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("print('hello')\n", encoding="utf-8")
    assert findings(tmp_path) == {"describe": "failed"}
