"""The command line as a user meets it: exit statuses, one-line errors, the report that is always written."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from functools import partial
from pathlib import Path

import pytest

from harness.progress import Progress
from harness.reproduce.session import Options, exit_status, reproduce
from harness.run.case import load_cases
from harness.run.one_stage import fact_value, item_id
from harness.run.results import CheckResult, ExitStatus
from harness.runners.apptainer import command_line
from harness.runners.base import Limits
from tests.harness.conftest import STAGES

ROOT = STAGES.parents[2]
LINES = str(STAGES / "lines")


def myorepro(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *arguments]
    kept = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reproduce", "--preset", "medium"], "no preset 'medium'"),
        (["reproduce", "--runner", "podman"], "no runner 'podman'"),
        (["reproduce", "--case", "nothing"], "no case 'nothing'"),
        (["run", "no_such_stage", "x"], "no_such_stage: is not a stage"),
        (["run", LINES, "absent.txt"], "absent.txt: does not exist"),
        (["run", LINES, "here.txt", "-p", "factor"], "is not name=value"),
        (["run", LINES, "here.txt", "-p", "colour=1"], "unknown parameter 'colour'; known: factor"),
        (["run", LINES, "here.txt", "-p", "factor=one"], "must be of type integer"),
        (["run", LINES, "here.txt", "-p", "factor=0"], "at least 1"),
        (["run", LINES, "here.txt", "-p", "factor=[1]"], "-p factor: must be of type integer"),
        (["run", LINES, "here.txt", "-p", "factor=1", "-p", "factor=2"], "-p: gives 'factor' twice"),
        (["run", LINES, "here.txt", "-f", "colour=1"], "unknown input or fact 'colour'"),
        (["run", LINES, "here.txt", "--item", "a/b"], "--item a/b: "),
        (["run", LINES, "here.txt", "--out", ""], "an empty path"),
        (["reproduce", "--report", ""], "an empty path"),
        (["run", "fusion", "here.txt", "-p", "spacing_mm=1,1,2"], "write it like this: -p 'spacing_mm=[1,1,2]'"),
        (
            ["run", "fusion", "here.txt", "-p", "contrasts=water"],
            """like this: -p 'contrasts=["one","two"]'""",
        ),
        (["run", ".", "here.txt"], ".: is a folder without __main__.py; a Python stage is a folder with stage.toml"),
        (["stage", "check", "here.txt"], "here.txt: is a file that is not executable; "),
        (["stage", "check", "./here.txt", "--runner", "docker"], "is a path, and docker runs images"),
        (["stage", "check", LINES, "--bad-input", "colour=here.txt"], "has no input 'colour'; known: text"),
        (["sample", "nope"], "no case 'nope'; known: bad_input, "),
        (
            ["sample", "bad_input", "--runner", "process"],
            "has no sampled check; cases that have: nako_imaging, nako_segmentation, ukb_imaging",
        ),
        (["images", "build", "--variant", "rocm"], "no variant 'rocm'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_status_two(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("one\n", encoding="utf-8")
    done = myorepro(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_sample_without_data_is_one_line_and_writes_nothing(tmp_path: Path) -> None:
    from containers.contract.errors import RequestFault
    from harness.simulate import sampling

    text = (ROOT / "harness" / "cases" / "siemens_two_station.toml").read_text(encoding="utf-8")
    start = text.index("tolerance_source")
    (tmp_path / "siemens_two_station.toml").write_text(
        text[:start] + text[start:].replace('"exact: the object', '"sampled: the object', 1), encoding="utf-8"
    )
    options = Options(runner="process", work=tmp_path / "work", data=tmp_path / "nowhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "CASES", tmp_path)
        patch.setattr(sampling, "load_cases", partial(load_cases, folder=tmp_path))
        with pytest.raises(RequestFault, match=r"not run: siemens_two_station\.zip is not in the data folder"):
            sampling.sample("siemens_two_station", 3, options, Progress(quiet=True))


def test_run_shows_the_record_and_keeps_only_whole_results(tmp_path: Path) -> None:
    (tmp_path / "two lines.txt").write_text("one\ntwo\n", encoding="utf-8")
    done = myorepro("run", LINES, "two lines.txt", "-p", "factor=3", "-f", "height_m=1.7", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out" / "two_lines" / "record.json").read_text(encoding="utf-8"))
    assert record["metrics"]["lines"]["value"] == 6 and record["facts"] == {"height_m": 1.7}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["two_lines"]
    (tmp_path / "bad.txt").write_text("BAD", encoding="utf-8")
    bad = myorepro("run", LINES, "bad.txt", cwd=tmp_path)
    assert bad.returncode == 1 and "bad.txt: is bad; write a better one" in bad.stdout


def test_describe_prints_json(tmp_path: Path) -> None:
    done = myorepro("stage", "describe", LINES, cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "lines"


def test_missing_data_is_said_and_a_report_is_written(tmp_path: Path) -> None:
    arguments = ["reproduce", "--runner", "process", "--case", "siemens_two_station"]
    done = myorepro(*arguments, cwd=tmp_path, MYOREPRO_DATA=str(tmp_path / "nowhere"))
    assert done.returncode == 4, "the case was asked for, and none of its checks was run"
    assert "siemens_two_station: not run" in done.stderr and "runner: process" in done.stderr.splitlines()[0]
    assert f"(looked in {tmp_path / 'nowhere'}, as MYOREPRO_DATA says)" in done.stderr
    text = (tmp_path / "report" / "results.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    results = json.loads(text)
    assert results["checks"] and all(check["skipped"] for check in results["checks"])
    said = f"{len(results['checks'])} not run: siemens_two_station/stations, "
    assert (
        said in done.stderr and "(siemens_two_station.zip is not in the data folder; set MYOREPRO_DATA" in done.stderr
    )
    for name in ("index.html", "junit.xml", "summary.md", "timings.json"):
        assert (tmp_path / "report" / name).stat().st_size > 0
    again = myorepro(*arguments, cwd=tmp_path, MYOREPRO_DATA=str(tmp_path / "nowhere"))
    assert again.returncode == 4
    assert json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8")) == results


def test_dry_run_prints_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    done = myorepro("reproduce", "--runner", "process", "--preset", "small", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "  participants: phantom; 6 items, 0 cached, 6 to do" in done.stdout
    assert "  fusion: stage fusion" in done.stdout
    assert "from the cache" not in done.stdout + done.stderr and " done in " not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_engine_is_the_environment_and_a_report_is_written(tmp_path: Path) -> None:
    arguments = ["reproduce", "--runner", "docker", "--case", "siemens_two_station"]
    done = myorepro(*arguments, cwd=tmp_path, DOCKER_HOST="unix:///no/such/socket")
    assert done.returncode == 3 and "myorepro: environment: docker: no engine answers" in done.stderr
    results = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    assert results["exit_status"] == 3 and "no engine answers" in results["runner_note"]


def test_auto_falls_back_to_child_processes_and_says_so(tmp_path: Path) -> None:
    done = myorepro(
        "reproduce", "--case", "siemens_two_station", cwd=tmp_path,
        DOCKER_HOST="unix:///no/such/socket", MYOREPRO_DATA=str(tmp_path / "nowhere"),
    )  # fmt: skip
    assert done.returncode == 4 and "without the isolation" in done.stderr.splitlines()[0]
    results = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    assert results["runner"] == "process" and "no engine answers" in results["runner_note"]


def test_unwritable_work_folder_is_the_environment(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file", encoding="utf-8")
    done = myorepro("reproduce", "--runner", "process", "--case", "siemens_two_station", cwd=tmp_path)
    assert done.returncode == 3 and "--work" in done.stderr and "Traceback" not in done.stderr


def test_unwritable_report_folder_is_said_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file", encoding="utf-8")
    done = myorepro("reproduce", "--runner", "process", "--case", "bad_input", cwd=tmp_path)
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "report: cannot be written (File exists); give another folder with --report" in done.stderr
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("place", ["a_file", "/proc/no_such_folder"])
def test_schemas_that_cannot_be_written_are_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "a_file").write_text("", encoding="utf-8")
    done = myorepro("schema", "export", place, cwd=tmp_path)
    assert done.returncode == 3 and done.stderr.startswith(f"myorepro: environment: {place}: cannot be written (")
    assert done.stderr.count("\n") == 1


def test_version_is_that_of_the_project(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = tomllib.loads(text)["project"]["version"]
    assert myorepro("--version", cwd=tmp_path).stdout == f"myorepro {version}\n"


@pytest.mark.parametrize(
    "command", [[], ["reproduce"], ["run"], ["sample"], ["cases"], ["stage", "check"], ["stage", "describe"],
                ["stage"], ["schema"], ["schema", "export"], ["images"], ["images", "build"]]
)  # fmt: skip
def test_every_help_has_an_example_and_no_cut_line(tmp_path: Path, command: list[str]) -> None:
    text = myorepro(*command, "--help", cwd=tmp_path).stdout
    assert f"  myorepro {' '.join(command)}".rstrip() in text.split("Example")[1]
    assert "..." not in text.split("Usage:")[1].split("\n", 1)[1].replace("stages...", "")


@pytest.mark.parametrize(
    ("sent", "status", "more", "said"),
    [
        (signal.SIGTERM, 143, [], "stopped; finished items are kept, run again to go on"),
        (signal.SIGINT, 130, ["--no-cache"], "stopped\n"),
    ],
)
def test_stopped_reproduction_says_what_is_kept(
    tmp_path: Path, sent: signal.Signals, status: int, more: list[str], said: str
) -> None:
    command = [sys.executable, "-m", "harness.cli", "reproduce", "--runner", "process", "--preset", "small", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (tmp_path / "said").open("w+") as stream:
        child = subprocess.Popen([*command, "--case", "bad_input"], cwd=tmp_path, env=environment, stderr=stream)
        end = time.monotonic() + 60
        while "bad_input/participants: starts, 1 of 1 to do" not in (tmp_path / "said").read_text():
            assert time.monotonic() < end and child.poll() is None
            time.sleep(0.02)
        child.send_signal(sent)
        assert child.wait(timeout=30) == status
    text = (tmp_path / "said").read_text()
    assert text.endswith(said if said.endswith("\n") else said + "\n") and "Traceback" not in text
    assert not list((tmp_path / "work" / "runs").glob("run-*"))


def test_stopped_run_ends_at_once_and_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("SLEEP", encoding="utf-8")
    command = [sys.executable, "-m", "harness.cli", "run", LINES, "a.txt"]
    child = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
    end = time.monotonic() + 30
    while not list((tmp_path / "out").glob(".run-*/out/job.log")) and time.monotonic() < end:
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    _, stderr = child.communicate(timeout=10)
    assert child.returncode == 143 and stderr.endswith(b"myorepro: stopped\n") and b"Traceback" not in stderr
    assert not list((tmp_path / "out").iterdir())


def check(*, passed: bool, broken: bool = False, skipped: bool = False, case: str = "c") -> CheckResult:
    return CheckResult(
        case=case, check="k", title="t", evidence="phantom", measured=1.0, unit="1", tolerance_source="exact",
        passed=passed, broken=broken, skipped=skipped,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("checks", "measured", "status"),
    [
        ([check(passed=True)], True, ExitStatus.OK),
        ([check(passed=True), check(passed=False)], True, ExitStatus.MISMATCH),
        ([check(passed=True), check(passed=False, broken=True)], True, ExitStatus.INCOMPLETE),
        ([check(passed=False), check(passed=False, broken=True)], True, ExitStatus.MISMATCH),
        ([check(passed=False, broken=True)], False, ExitStatus.ENVIRONMENT),
        ([check(passed=False, skipped=True)], False, ExitStatus.OK),
    ],
)
def test_exit_status(checks: list[CheckResult], measured: bool, status: int) -> None:
    assert exit_status(checks, measured) == status


def test_an_asked_case_of_which_nothing_ran_is_incomplete() -> None:
    ran, not_run = check(passed=True), check(passed=False, skipped=True, case="d")
    assert exit_status([ran, not_run], True) == ExitStatus.OK
    assert exit_status([ran, not_run], True, ["c"]) == ExitStatus.OK
    assert exit_status([ran, not_run], True, ["c", "d"]) == ExitStatus.INCOMPLETE
    assert exit_status([check(passed=False), not_run], True, ["d"]) == ExitStatus.MISMATCH
    partly = [check(passed=True, case="d"), not_run]
    assert exit_status(partly, True, ["d"]) == ExitStatus.OK


def test_closing_lines_say_why_a_check_was_not_run() -> None:
    from harness.cli.last_lines import closing_lines
    from harness.reproduce.session import _nothing

    note = "not run: item x is not in preset small"
    skipped = check(passed=False, skipped=True).model_copy(update={"note": note})
    results = _nothing(Options(), "").model_copy(update={"checks": [check(passed=True), skipped]})
    lines = closing_lines(results, Path("report"))
    assert lines[:2] == ["1 not run: c/k (item x is not in preset small)", "checks: 1 of 2 passed, 1 not run"]


def test_wrong_parameter_in_a_case_is_refused_before_anything_runs(tmp_path: Path) -> None:
    from containers.contract.errors import RequestFault

    text = (ROOT / "harness" / "cases" / "siemens_two_station.toml").read_text(encoding="utf-8")
    text = text.replace(
        'inputs = { dicom = "scan.dicom" }', 'inputs = { dicom = "scan.dicom" }\nparameters = { colour = 1 }'
    )
    (tmp_path / "siemens_two_station.toml").write_text(text, encoding="utf-8")
    options = Options(runner="process", case_folder=tmp_path, work=tmp_path / "work", report=tmp_path / "report")
    with pytest.raises(RequestFault, match=r"siemens_two_station.toml steps.fusion.parameters: unknown parameter"):
        reproduce(options, Progress(quiet=True))
    assert not (tmp_path / "work" / "cache").exists()


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("a b.nii.gz", "a_b"),
        (".hidden.zip", "hidden"),
        ("é.zip", "item"),
        ("p-1_x.zip", "p-1_x"),
        ("a.seg.nrrd", "a"),
        ("scan.2.zip", "scan.2"),
    ],
)
def test_item_id_is_safe(name: str, item: str) -> None:
    assert item_id(Path("/data") / name) == item


def test_fact_values() -> None:
    assert (fact_value("1.7"), fact_value("female"), fact_value("true"), fact_value("[1]")) == (
        1.7,
        "female",
        True,
        "[1]",
    )


def test_apptainer_command_line(tmp_path: Path) -> None:
    mounts = [(tmp_path / "a", "/inputs/a", False), (tmp_path / "out", "/output", True)]
    limits = Limits(threads=3, memory_bytes=1 << 30, device="cuda")
    line = command_line("fusion.sif", ["run", "/request.json"], mounts, limits)
    assert line[-3:] == ["fusion.sif", "run", "/request.json"] and line[:2] == ["apptainer", "run"]
    assert f"type=bind,source={tmp_path / 'a'},destination=/inputs/a,ro" in line
    assert f"type=bind,source={tmp_path / 'out'},destination=/output" in line
    for option in ("--containall", "--no-home", "--no-privs", "--nv"):
        assert option in line
    assert line[line.index("--network") + 1] == "none" and line[line.index("--memory") + 1] == str(1 << 30)
