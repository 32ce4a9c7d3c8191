"""Workers that are killed: the item is tried again, then given up; the other items and the run go on."""

import functools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from containers.contract.errors import EnvironmentFault, ItemFault
from harness.progress import Progress
from harness.reproduce import session as module
from harness.run import draws as simulation_draws
from harness.run.results import ExitStatus, Results
from harness.run.steps import task as tasks
from harness.run.workers import Workers
from tests.harness import dying
from tests.harness.test_simulation_run import Runs, case, metrics
from tests.harness.test_simulation_run import run_case as run_case

CASE = """
name = "ramps"
title = "Stations of a linear field to one volume"
evidence = "phantom"

[inputs.field]
kind = "phantom"
phantom = "dixon_ramp"
items = [
  { id = "one", parameters = { seed = 1 } },
  { id = "two", parameters = { seed = 2 } },
  { id = "three", parameters = { seed = 3 } },
]

[steps.fusion]
kind = "stage"
stage = "fusion"
inputs = { dicom = "field.dicom_zip" }

[[checks]]
name = "stations"
title = "stations of the first"
step = "fusion"
item = "one"
metric = "stations"
unit = "1"
minimum = 4.0
maximum = 4.0
tolerance_source = "exact"
evidence = "phantom"
"""


@pytest.fixture
def workers() -> Iterator[Workers]:
    with Workers(2) as made:
        yield made


def written(path: Path, seconds: float = 30) -> str:
    """The text of a file that another process writes soon."""
    end = time.monotonic() + seconds
    while not path.exists() or not path.read_text(encoding="utf-8"):
        assert time.monotonic() < end
        time.sleep(0.01)
    return path.read_text(encoding="utf-8")


def test_a_killed_worker_is_replaced_and_the_other_item_keeps_its_worker(workers: Workers, tmp_path: Path) -> None:
    killed, other = tmp_path / "killed", tmp_path / "other"
    for folder in (killed, other):
        folder.mkdir()
    first = workers.submit(killed, dying.wait_for, killed, "go")
    second = workers.submit(other, dying.wait_for, other, "go")
    pid, kept = written(killed / "pid"), written(other / "pid")
    os.kill(int(pid), signal.SIGKILL)
    (other / "go").touch()
    # The second try is alone: it begins when the other has ended.
    assert second.result(30) == "go"
    end = time.monotonic() + 30
    while not (killed / "pid").exists() or written(killed / "pid") == pid:
        assert time.monotonic() < end
        time.sleep(0.01)
    (killed / "go").touch()
    assert first.result(30) == "go"
    assert written(other / "pid") == kept


def test_a_second_death_is_a_fault_of_the_environment_and_leaves_nothing_half_written(
    workers: Workers, tmp_path: Path
) -> None:
    marks, folder = tmp_path / "marks", tmp_path / "folder"
    marks.mkdir()
    lost = workers.submit(folder, dying.make, marks, 2, 11, folder)
    good = [workers.submit(tmp_path / str(n), dying.make, marks, 2, n, tmp_path / str(n)) for n in range(6)]
    with pytest.raises(EnvironmentFault, match=r"died twice \(killed by signal 9\).*; if memory ran out, free some"):
        lost.result(60)
    assert [future.result(30) for future in good] == list(range(6))
    assert list(folder.iterdir()) == [] and len(list(marks.iterdir())) == 2


def test_the_second_try_is_made_alone(workers: Workers, tmp_path: Path) -> None:
    """Items that wait are not begun before it, and one in work is waited for."""
    marks, long = tmp_path / "marks", tmp_path / "long"
    marks.mkdir(), long.mkdir()
    busy = workers.submit(long, dying.wait_for, long, "go")
    written(long / "pid")
    retried = workers.submit(tmp_path / "11", dying.make, marks, 1, 11, tmp_path / "11")
    written(marks / "0")
    later = workers.submit(tmp_path / "later", dying.make, marks, 1, 5, tmp_path / "later")
    time.sleep(0.5)
    assert not retried.done() and not later.done() and not (tmp_path / "later").exists()
    (long / "go").touch()
    assert (busy.result(30), retried.result(30), later.result(30)) == ("go", 11, 5)


def test_a_worker_that_waits_may_die_unnoticed(tmp_path: Path) -> None:
    """It is not counted as a death of the next item."""
    marks = tmp_path / "marks"
    marks.mkdir()
    before = set(psutil.Process().children())
    with Workers(1) as workers:
        new = [c for c in psutil.Process().children() if c not in before and c.status() != psutil.STATUS_ZOMBIE]
        [waiting] = [c for c in new if "spawn_main" in " ".join(c.cmdline())]
        waiting.kill()
        end = time.monotonic() + 10
        while waiting.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert workers.submit(tmp_path / "11", dying.make, marks, 1, 11, tmp_path / "11").result(30) == 11


def test_what_a_function_raises_is_raised(workers: Workers, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        workers.submit(tmp_path, divmod, 1, 0).result(30)
    with pytest.raises(ItemFault) as caught:
        workers.submit(tmp_path, _refuse).result(30)
    assert (caught.value.where, caught.value.fix) == ("here", "do that")
    with pytest.raises(RuntimeError, match="LocalError: 7"):
        workers.submit(tmp_path, dying.fail, 7).result(30)
    with pytest.raises(RuntimeError, match="SystemExit: 4"):
        workers.submit(tmp_path, sys.exit, 4).result(30)
    assert workers.submit(tmp_path, divmod, 7, 2).result(30) == (3, 1)


def _refuse() -> None:
    raise ItemFault("is wrong", where="here", fix="do that")


def test_a_stop_ends_workers_at_once_and_begins_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / str(n) for n in range(5)]
    for folder in folders:
        folder.mkdir()
    # Workers of another test's fixture may be alive.
    start, before = time.monotonic(), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt), Workers(2) as workers:
        futures = [workers.submit(folder, dying.wait_for, folder, "never") for folder in folders]
        pids = [int(written(folder / "pid")) for folder in folders[:2]]
        raise KeyboardInterrupt
    assert time.monotonic() - start < 30 and not any(psutil.pid_exists(pid) for pid in pids)
    assert all(future.done() for future in futures) and not list(folders[2].iterdir())
    assert not [thread for thread in threading.enumerate() if thread.name == "workers" and thread not in before]


Reproduced = Callable[[int], tuple[Results, dict[str, bytes]]]


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Reproduced:
    """`reproduced(deaths)`: results of the case where the worker of item `two` dies so often; files by their names."""

    @functools.cache
    def run(deaths: int) -> tuple[Results, dict[str, bytes]]:
        folder = tmp_path_factory.mktemp("run")
        cases, marks = folder / "cases", folder / "marks"
        cases.mkdir(), marks.mkdir()
        (cases / "ramps.toml").write_text(CASE, encoding="utf-8")
        options = module.Options(
            cases=["ramps"], case_folder=cases, preset="small", runner="process", cores=2,
            work=folder / "work", report=folder / "report",
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks, "perform", functools.partial(dying.perform, "two", marks, deaths))
            results = module.reproduce(options, Progress(quiet=True))
        assert len(list(marks.iterdir())) == deaths and (folder / "report" / "index.html").exists()
        items = sorted((folder / "work" / "runs").glob("run-*/ramps/*/*/*"))
        said = {f"{path.parent.parent.name}/{path.parent.name}/{path.name}": path.read_bytes() for path in items}
        said |= {"results.json": (folder / "report" / "results.json").read_bytes()}
        return results, {name: found for name, found in said.items() if not name.endswith("timing.json")}

    return run


@pytest.mark.slow
def test_a_run_with_one_dead_worker_gives_the_results_of_an_undisturbed_one(reproduced: Reproduced) -> None:
    whole, files = reproduced(0)
    assert whole.exit_status == ExitStatus.OK and len(whole.items) == 6 and len(files) > 12
    assert reproduced(1)[1] == files


def test_a_run_with_an_item_that_always_kills_its_worker_goes_on_and_reports(reproduced: Reproduced) -> None:
    results, files = reproduced(2)
    lines = {(item.step, item.item): item.error for item in results.items if item.status != "ok"}
    assert lines.pop(("fusion", "two")) == "field failed for this item"
    [(place, line)] = lines.items()
    assert place == ("field", "two")
    assert line == (
        "step field: the worker process died twice (killed by signal 9), the second time with no other item in work; "
        "if memory ran out, free some or take a machine with more; then run again"
    )
    assert json.loads(files["field/two/record.json"])["error"]["kind"] == "environment"
    assert [name for name in files if name.startswith("field/two/")] == ["field/two/record.json"]
    checks = {check.check: check for check in results.checks}
    assert checks["stations"].passed and checks["fusion_items"].broken
    assert results.exit_status == ExitStatus.INCOMPLETE
    whole = reproduced(0)[1]
    assert all(found == whole[name] for name, found in files.items() if "/two/" not in name and name != "results.json")


@pytest.mark.parametrize("deaths", [1, 2])
def test_draws_of_a_worker_that_dies(
    run_case: Runs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    deaths: int,
) -> None:
    """Made at the second try; or the simulation is not summed up without them, and goes on when it is run again."""
    marks = tmp_path / "marks"
    marks.mkdir()
    made = functools.partial(_draw, marks, deaths)
    with monkeypatch.context() as patch:
        patch.setattr(simulation_draws, "make_draw", made)
        run = run_case(case())
    if deaths == 1:
        assert metrics(run)["draws"] == 4
        return
    lost = run.draws["draws"]["11"]
    assert lost.environmental and lost.line.startswith("phantom meta_studies: the worker process died twice")
    assert run.outcomes["draws"]["draws"].status == "missing"
    assert run.outcomes["draws"]["draws"].line.startswith("1 of 4 draws lost: phantom meta_studies: the worker")
    again = run_case(case(), name="again")
    assert metrics(again)["draws"] == 4 and sum(outcome.cached for outcome in again.draws["draws"].values()) == 3


def _draw(
    marks: Path, deaths: int, phantom: str, parameters: dict[str, object], inputs: dict[str, str], folder: Path
) -> dict[str, tuple[str, str]]:
    if parameters["seed"] == 11:
        dying.die(folder, marks, deaths)
    return simulation_draws.make_draw(phantom, parameters, inputs, folder)
