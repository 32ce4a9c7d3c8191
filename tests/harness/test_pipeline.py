"""Items from cache or again; bad items, crashes, lies and stops; nothing partial."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file
from containers.contract.record import Record
from harness.reproduce.session import anything_measured, exit_status
from harness.run.case import Case
from harness.run.checks import evaluate
from harness.run.context import JobSetting
from harness.run.jobs import share
from harness.runners.base import Call, Exit, StageHandle
from harness.runners.process import ProcessRunner
from tests.harness.conftest import STAGES, Runs, lines_case

GOOD = "one\ntwo\n"


def statuses(outcomes: dict[str, Any]) -> dict[str, str]:
    return {item: outcome.status for item, outcome in outcomes.items()}


def partial(folder: Path) -> list[Path]:
    """Item folders that are not whole."""
    bare = [p for p in folder.rglob("provenance.json") if not (p.parent / "record.json").exists()]
    return [*folder.rglob("*.partial"), *bare]


def test_second_run_comes_from_the_cache_and_is_identical(run_case: Runs) -> None:
    texts = {"a": GOOD, "b": GOOD, "c": "x\ny\n"}
    first, second = run_case(texts), run_case(texts, run_name="second")
    assert all(not o.cached for o in first.outcomes["count"].values())
    for step in ("count", "again"):
        for item in texts:
            one, two = first.outcomes[step][item], second.outcomes[step][item]
            assert two.cached and one.record == two.record and one.provenance == two.provenance
    metric = first.outcomes["again"]["a"].record
    assert metric is not None and metric.metrics["lines"].value == 4


def test_the_record_of_an_item_is_parsed_once_a_run(run_case: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made or from the cache, good or bad, by a stage or by the harness: the parsed record travels."""
    texts = {"a": GOOD, "b": "BAD"}
    case = lines_case(texts)
    people = {"kind": "phantom", "phantom": "meta_studies", "items": [{"id": "trials"}]}
    case = Case.model_validate({**case.model_dump(), "inputs": {**case.model_dump()["inputs"], "people": people}})
    parsed: Counter[str] = Counter()
    parse = Record.model_validate_json

    def counted(text: bytes) -> Record:
        record = parse(text)
        parsed[f"{record.stage.name} {record.item} {record.parameters.get('factor', '')}"] += 1
        return record

    monkeypatch.setattr(Record, "model_validate_json", counted)
    once = {"harness_phantom trials ": 1, "lines a 1": 1, "lines a 2": 1, "lines b 1": 1}
    for name in ("first", "second"):
        run = run_case(texts, case=case, run_name=name)
        assert run.outcomes["people"]["trials"].status == "ok" and parsed == once
        parsed.clear()


@pytest.mark.parametrize("change", ["input", "parameter", "source", "seed"])
def test_anything_that_decides_a_result_makes_a_new_key(run_case: Runs, tmp_path: Path, change: str) -> None:
    run_case({"a": GOOD})
    case, text, runner = lines_case({"a": ""}), GOOD, ProcessRunner({"lines": STAGES / "lines"})
    count: dict[str, Any] = {"kind": "stage", "stage": "lines", "inputs": {"text": "texts.text"}}
    if change == "input":
        text = "three\nlines\nnow\n"
    elif change == "parameter":
        case = lines_case({"a": ""}, steps={"count": {**count, "parameters": {"factor": 3}}})
    elif change == "seed":
        case = lines_case({"a": ""}, steps={"count": {**count, "seed": 7}})
    else:
        shutil.copytree(STAGES / "lines", tmp_path / "lines")
        with (tmp_path / "lines" / "__main__.py").open("a", encoding="utf-8") as stream:
            stream.write("# one more comment\n")
        runner = ProcessRunner({"lines": tmp_path / "lines"})
    changed = run_case({"a": text}, case=case, runner=runner, run_name="second")
    assert not changed.outcomes["count"]["a"].cached


SETTINGS = (None, JobSetting(1), JobSetting(3), JobSetting(1, memory_bytes=1 << 30), JobSetting(1, order=0))


def test_what_is_fixed_of_jobs_is_in_the_call_and_in_the_key(run_case: Runs) -> None:
    calls: list[Call] = []

    class Watched(ProcessRunner):
        def execute(self, handle: StageHandle, call: Call) -> Exit:
            calls.append(call)
            return super().execute(handle, call)

    runner = Watched({"lines": STAGES / "lines"})
    case = lines_case({"a": ""}, steps={"count": {"kind": "stage", "stage": "lines", "inputs": {"text": "texts.text"}}})
    ordinary = {**share(1, 2, 3600.0).limits.__dict__}
    for number, setting in enumerate(SETTINGS):
        run = run_case({"a": GOOD}, case=case, runner=runner, run_name=str(number), setting=setting)
        outcome = run.outcomes["count"]["a"]
        # Another setting never takes a result from the cache, and the digest stays that of the stage.
        assert not outcome.cached and outcome.provenance["digest"] == runner.identify("lines").digest
        fixed = {"threads": setting.threads} if setting else {}
        if setting and setting.memory_bytes:
            fixed["memory_bytes"] = setting.memory_bytes
        wanted, call = ordinary | fixed, calls.pop()
        resources = json.loads(call.request)["resources"]
        assert call.limits.__dict__ == wanted and resources.items() <= wanted.items() and not calls
    for number, setting in enumerate(SETTINGS):
        run = run_case({"a": GOOD}, case=case, runner=runner, run_name=f"again {number}", setting=setting)
        assert run.outcomes["count"]["a"].cached


def test_bad_item_is_an_error_record_for_itself_only(run_case: Runs) -> None:
    run = run_case({"a": GOOD, "b": "BAD", "c": GOOD})
    assert statuses(run.outcomes["count"]) == {"a": "ok", "b": "error", "c": "ok"}
    assert statuses(run.outcomes["again"]) == {"a": "ok", "b": "skipped", "c": "ok"}
    assert run.outcomes["count"]["b"].line == "b.txt: is bad; write a better one"
    assert run.outcomes["again"]["b"].line == "count failed for this item"


def test_errors_are_never_cached(run_case: Runs) -> None:
    run_case({"a": "BAD"})
    again = run_case({"a": "BAD"}, run_name="second")
    assert again.outcomes["count"]["a"].status == "error" and not again.outcomes["count"]["a"].cached


def test_a_crash_costs_only_the_culprit(run_case: Runs, tmp_path: Path) -> None:
    texts = {"a": GOOD, "b": "CRASH", "c": GOOD, "d": GOOD}
    run = run_case(texts, cores=1)
    assert statuses(run.outcomes["count"]) == {"a": "ok", "b": "missing", "c": "ok", "d": "ok"}
    assert "killed by signal 9" in run.outcomes["count"]["b"].line
    assert not partial(tmp_path / "cache")
    checks = evaluate(run)
    assert any(check.broken for check in checks) and exit_status(checks, anything_measured([run])) == 4


def test_time_limit_ends_the_job_and_keeps_finished_items(run_case: Runs) -> None:
    start = time.monotonic()
    run = run_case({"a": GOOD, "b": "SLEEP"}, cores=1, seconds_per_job=2.0)
    assert time.monotonic() - start < 20
    assert statuses(run.outcomes["count"]) == {"a": "ok", "b": "missing"}
    assert "time limit of 2 s passed" in run.outcomes["count"]["b"].line


def test_damaged_cache_entry_is_made_again(run_case: Runs) -> None:
    first = run_case({"a": GOOD}).outcomes["count"]["a"]
    path = first.output("copy")
    assert path is not None
    path.chmod(0o644)
    path.write_text("one\ntwO\n", encoding="utf-8")
    second = run_case({"a": GOOD}, run_name="second").outcomes["count"]["a"]
    assert not second.cached and (second.output("copy") or Path()).read_text(encoding="utf-8") == GOOD


def test_dry_run_runs_nothing(run_case: Runs, tmp_path: Path) -> None:
    run = run_case({"a": GOOD, "b": GOOD}, execute=False)
    assert statuses(run.outcomes["count"]) == {"a": "planned", "b": "planned"}
    assert not (tmp_path / "cache").exists()
    run_case({"a": GOOD}, run_name="real")
    mixed = run_case({"a": GOOD, "b": GOOD}, execute=False, run_name="third")
    assert statuses(mixed.outcomes["again"]) == {"a": "ok", "b": "planned"}


class Stopping:
    """An engine that goes away: before any item, or after the first."""

    name = "docker"

    def __init__(self, inner: ProcessRunner, after: int) -> None:
        self.inner, self.after = inner, after

    def identify(self, stage: str) -> StageHandle:
        return self.inner.identify(stage)

    def inside(self, path: Path, slot: str) -> str:
        return self.inner.inside(path, slot)

    def output_inside(self, output: Path) -> str:
        return self.inner.output_inside(output)

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        if self.after:
            self.inner.execute(handle, call)
            call.tick({"network": "none"})
        self.after = 0
        raise EnvironmentFault("the container engine stopped answering", where=handle.name, fix="start it")


@pytest.mark.parametrize(("after", "kept"), [(0, 0), (1, 2)])
def test_engine_stops_mid_run(run_case: Runs, after: int, kept: int) -> None:
    texts = {"a": GOOD, "b": GOOD}
    runner = Stopping(ProcessRunner({"lines": STAGES / "lines"}), after)
    run = run_case(texts, runner=runner, cores=1)
    assert sum(o.status == "ok" for o in run.outcomes["count"].values()) == kept
    lost = [o for o in [*run.outcomes["count"].values(), *run.outcomes["again"].values()] if o.status == "missing"]
    assert lost and all(o.line == "lines: the container engine stopped answering; start it" for o in lost)
    assert exit_status(evaluate(run), anything_measured([run])) == (4 if kept else 3)
    resumed = run_case(texts, run_name="second")
    assert statuses(resumed.outcomes["again"]) == {"a": "ok", "b": "ok"}
    assert sum(o.cached for o in resumed.outcomes["count"].values()) == kept


def test_killed_run_keeps_finished_items_and_goes_on(tmp_path: Path) -> None:
    """SIGKILL the harness itself while a job sleeps: finished items are in the store, the rest leaves no trace."""
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(STAGES.parents[2])!r})
from tests.harness import killed_run
killed_run.main(Path({str(tmp_path)!r}))
"""
    child = subprocess.Popen([sys.executable, "-c", script])
    cache = tmp_path / "cache"
    end = time.monotonic() + 60
    while not list(cache.glob("*/*/provenance.json")):
        assert time.monotonic() < end and child.poll() is None
        time.sleep(0.05)
    # A worker, its resource tracker, the guard, the stage, and the program that the stage started.
    while len(started := psutil.Process(child.pid).children(recursive=True)) < 5:
        assert time.monotonic() < end and child.poll() is None
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert psutil.wait_procs(started, 10)[1] == []
    entries = list(cache.glob("*/*"))
    assert len(entries) == 1 and not partial(cache)
    record = json.loads((entries[0] / "record.json").read_text(encoding="utf-8"))
    assert record["item"] == "a"
    assert sha256_file(entries[0] / "copy.txt") == record["outputs"]["copy"]["sha256"]


def test_missing_data_is_said_and_not_failed(run_case: Runs, tmp_path: Path) -> None:
    run = run_case({}, case=lines_case({"absent": ""}))
    checks = evaluate(run)
    assert "absent.txt is not in the data folder" in run.not_run
    assert [c.skipped for c in checks] == [True] and not checks[0].passed
    assert exit_status(checks, False) == 0


def test_a_program_that_is_missing_is_said_and_not_failed(run_case: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for data: without the program the case is not run; with it, it is."""
    identify = ProcessRunner.identify

    def needing(program: str) -> None:
        def found(self: ProcessRunner, stage: str) -> StageHandle:
            handle = identify(self, stage)
            return replace(handle, spec=handle.spec.model_copy(update={"programs": [program]}))

        monkeypatch.setattr(ProcessRunner, "identify", found)

    needing("no-such-program")
    run = run_case({"one": GOOD})
    assert "needs no-such-program, which is not on this machine" in run.not_run
    assert exit_status(evaluate(run), False) == 0
    needing("sh")
    assert run_case({"one": GOOD}).not_run == ""


@pytest.mark.parametrize(("preset", "factor"), [("small", 3), ("full", 2)])
def test_small_parameters_are_those_of_preset_small(run_case: Runs, preset: str, factor: int) -> None:
    case = lines_case({"a": GOOD})
    count = case.steps["count"].model_copy(update={"parameters": {"factor": 2}, "small_parameters": {"factor": 3}})
    run = run_case({"a": GOOD}, case.model_copy(update={"steps": case.steps | {"count": count}}), preset=preset)
    record = run.outcomes["count"]["a"].record
    assert record is not None and record.parameters["factor"] == factor
