"""No space left, killed half-way: one line, nothing partial, and the next run goes on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.run.store import Store, complaint_of
from harness.runners.base import Call, Limits
from harness.runners.process import ProcessRunner, clean_environment
from tests.harness.conftest import STAGES, Runs

GOOD = "one\ntwo\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.needs("mounts")
def test_no_space_left_is_said_and_nothing_partial_is_kept(run_case: Runs, small_disk: Path, tmp_path: Path) -> None:
    texts = {"a": GOOD, "b": "x" * (3 << 20), "c": GOOD}
    (small_disk / "run").mkdir()
    run = run_case(texts, run_folder=small_disk / "run", store=Store(small_disk / "cache"), cores=1)
    outcomes = run.outcomes["count"]
    assert outcomes["a"].status == "ok" and outcomes["c"].status == "ok"
    assert outcomes["b"].status in ("error", "missing")
    assert "no space left" in outcomes["b"].line.lower() and "\n" not in outcomes["b"].line
    assert "free space" in outcomes["b"].line
    entries = [path for path in (small_disk / "cache").glob("*/*") if path.is_dir()]
    assert entries and all(complaint_of(entry) is None for entry in entries)
    assert not list((small_disk / "run" / ".scratch").iterdir())


def test_file_size_limit_leaves_no_partial_output(tmp_path: Path) -> None:
    """The same for a quota: a stage that cannot write its file leaves no file."""
    (tmp_path / "a.txt").write_text("x" * 200_000, encoding="utf-8")
    (tmp_path / "out").mkdir()
    runner = ProcessRunner({"lines": STAGES / "lines"})
    handle = runner.identify("lines")
    request = f"""{{"stage": "lines", "output": "{tmp_path / "out"}",
      "items": [{{"id": "a", "inputs": {{"text": "{tmp_path / "a.txt"}"}}}}]}}"""
    command = f"ulimit -f 50; exec {' '.join(handle.target.split(chr(0)))} run {tmp_path / 'request.json'}"
    (tmp_path / "request.json").write_text(request, encoding="utf-8")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=clean_environment(Limits()))
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "out" / "a").iterdir())
    assert names == ["record.json", "timing.json"]


def test_memory_limit_of_a_process_is_an_error_or_a_crash(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    (tmp_path / "out").mkdir()
    runner = ProcessRunner({"lines": STAGES / "lines"})
    call = Call("{}", {}, tmp_path / "out", Limits(memory_bytes=8 << 20))
    end = runner.execute(runner.identify("lines"), call)
    assert end.status != 0


def test_unknown_stage_is_a_request_fault_that_lists_the_known() -> None:
    with pytest.raises(RequestFault, match="is not a stage; known: "):
        ProcessRunner().identify("no_such_stage")


def test_program_that_cannot_start_is_the_environment(tmp_path: Path) -> None:
    program = tmp_path / "stage"
    program.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(EnvironmentFault, match="describe did not run"):
        ProcessRunner().identify(str(program))
