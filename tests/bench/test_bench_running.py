"""The whole way on a suite of a few lines: processes, calls, checks, files. No time is judged."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.bench import command
from harness.bench.command import BenchOptions, bench, exit_status
from harness.bench.hardware import figures
from harness.bench.results import BenchResults, Method, Ratio, load
from harness.bench.running import ratios
from harness.bench.suite import difference
from tests.bench.made import STEADY, failed_check, measured, results, row

SUITE = '''
import os, sys
from functools import partial
import numpy as np
from harness.bench.suite import Asked, Method, Prepared, Work, difference, main, no_check, no_cuda

class Counting:
    """Its output is how often it was called in this process."""
    def __init__(self): self.calls = 0
    def __call__(self):
        self.calls += 1
        print("a library talks on standard output")
        return self.calls

def counting(): return Prepared(Counting(), lambda output: {"calls": np.array(output)})

def wrong(): return Prepared(lambda: 0, lambda output: {"calls": np.array(0)})

def breaks(): return Prepared(lambda: 1 // 0, lambda output: {})

def dies(): return Prepared(lambda: os._exit(9), lambda output: {})

def check(outputs):
    own = outputs["ours"]["calls"]
    yield difference("truth", "called again after the first", np.minimum(own, 2), 2, 0)
    for peer in list(outputs)[1:]:
        yield difference(peer, "calls", outputs[peer]["calls"], 0, 0)

def rows(asked):
    facts = {"threads": asked.threads, "seen": os.environ["OMP_NUM_THREADS"]}
    if asked.device == "cuda":
        return [Work("tiny.good", "t", "thing", [Method("ours", counting, no_cuda() or "no")], no_check)]
    peers = [Method("zero", wrong, target=1e-9), Method("absent", wrong, "it is not installed")]
    return [
        Work("tiny.good", "t", "thing", [Method("ours", counting), *peers], check, facts, 2, 8, memory_limit=-1),
        Work("tiny.broken", "t", "thing", [Method("ours", breaks), Method("dies", dies)], check, threads=1),
        Work("tiny.unchecked", "t", "thing", [Method("ours", counting)], lambda outputs: iter([1 // 0])),
        Work("tiny.slow", "t", "thing", [Method("ours", counting)], no_check, slow=True),
    ]

if __name__ == "__main__":
    sys.exit(main(rows))
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def suites(folder: Path) -> dict[str, Path]:
    path = folder / "bench_tiny.py"
    path.write_text(SUITE)
    return {"tiny": path}


@pytest.fixture(autouse=True, scope="module")
def no_bandwidth() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command.bandwidth, "host", lambda threads: 1e10)
        yield


def asked(tmp_path: Path, **changes: Any) -> BenchOptions:
    fields: dict[str, Any] = {
        "device": "auto", "threads": 2, "seconds": 0.2, "work": tmp_path / "work", "out": tmp_path / "out.json",
        "pytest_json": tmp_path / "pytest.json",
    }  # fmt: skip
    return BenchOptions(**fields | changes)


@pytest.fixture(scope="module")
def found(suites: dict[str, Path], folder: Path, no_bandwidth: None) -> BenchResults:
    return bench(asked(folder), lambda line: None, suites)


def test_one_suite(found: BenchResults, folder: Path) -> None:
    assert load(folder / "out.json") == found
    assert list(found.by_name) == [
        ("tiny.good", "cpu"),
        ("tiny.broken", "cpu"),
        ("tiny.unchecked", "cpu"),
        ("tiny.good", "cuda"),
    ]
    good = found.rows[0]
    assert good.parameters == {"threads": 2, "seen": "2"}
    ours = good.ours.measured
    assert ours
    assert len(ours.seconds) >= 1
    assert ours.low <= ours.median <= ours.high
    assert ours.participants_per_hour == pytest.approx(2 * 3600 / ours.median)
    assert ours.bandwidth_share == pytest.approx(8 / ours.median / 1e10)
    assert ours.joules is None or ours.energy_source != "not told"
    assert [(c.against, c.passed) for c in good.checks] == [("truth", True), ("zero", True), ("limit", False)]
    zero, absent = good.methods[1:]
    assert zero.measured
    assert (absent.reason, absent.failed) == ("it is not installed", False)
    assert [(r.peer, r.met is not False) for r in good.ratios] == [("zero", True)]


def test_a_method_that_breaks_is_named_and_the_rest_goes_on(found: BenchResults) -> None:
    broken = found.rows[1]
    assert broken.threads == 1
    assert broken.ours.failed
    assert "ZeroDivisionError" in broken.ours.reason
    assert "ended with status 9" in broken.methods[1].reason
    assert broken.checks == []
    assert exit_status([broken]) == 4


def test_a_check_that_cannot_be_made_is_not_passed(found: BenchResults) -> None:
    (check,) = found.by_name["tiny.unchecked", "cpu"].checks
    assert not check.passed
    assert "ZeroDivisionError" in check.quantity
    assert exit_status(found.rows) == 1


def test_no_device_is_not_measured(found: BenchResults) -> None:
    row = found.by_name["tiny.good", "cuda"]
    assert row.ours.reason
    assert not row.ours.failed
    assert exit_status([row]) == 3


def test_slow_rows_and_unknown_names(suites: dict[str, Path], tmp_path: Path) -> None:
    only = bench(asked(tmp_path, device="cpu", only=["tiny.slow"], quick=True), lambda line: None, suites)
    assert [r.name for r in only.rows] == ["tiny.slow"]
    with pytest.raises(
        RequestFault, match=r"no row 'tiny\.none'; known: tiny\.broken, tiny\.good, tiny\.slow, tiny\.unchecked"
    ):
        bench(asked(tmp_path, device="cpu", only=["tiny.none"]), lambda line: None, suites)
    with pytest.raises(RequestFault, match="no suite or row 'large'; known: tiny"):
        bench(asked(tmp_path, only=["large"]), lambda line: None, suites)
    with pytest.raises(RequestFault, match="no device 'tpu'"):
        bench(asked(tmp_path, device="tpu"), lambda line: None, suites)
    with pytest.raises(EnvironmentFault, match="no suites"):
        command.scripts(tmp_path / "none")


def test_a_script_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bench_bad.py"
    path.write_text("import no_such_package\n")
    with pytest.raises(EnvironmentFault, match=r"bench_bad\.py: failed \(ModuleNotFoundError"):
        bench(asked(tmp_path), lambda line: None, {"bad": path})


def test_pytest_benchmark_reads_its_file(found: BenchResults, folder: Path, tmp_path: Path) -> None:
    text = (folder / "pytest.json").read_text()
    assert "node" not in json.loads(text)["machine_info"]
    command_line = [sys.executable, "-m", "pytest_benchmark", "compare", str(folder / "pytest.json"), "--csv=t.csv"]
    done = subprocess.run(command_line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tiny.good[ours]" in (tmp_path / "t.csv").read_text()
    ours = found.rows[0].ours.measured
    assert ours
    stats = json.loads(text)["benchmarks"][0]["stats"]
    assert stats["median"] == pytest.approx(ours.median)
    assert stats["rounds"] == len(ours.seconds)


def test_status_of_rows() -> None:
    good = row("a.x", STEADY)
    assert exit_status([good]) == 0
    assert exit_status([good, row("b.x", STEADY, checks=[failed_check()])]) == 1
    for met, status in ((True, 0), (None, 0), (False, 1)):
        ratio = Ratio(peer="p", ratio=2, low=1, high=3, coverage=0.95, target=4, met=met)
        assert exit_status([row("a.x", STEADY, ratios=[ratio])]) == status


@pytest.mark.parametrize(
    ("target", "judged", "met"), [(2.5, True, True), (3.5, True, False), (3.0, True, None), (3.5, False, None)]
)
def test_targets_need_the_whole_interval(target: float, judged: bool, met: bool | None) -> None:
    """The peer takes three times as long: a target is met or missed only where the interval lies on one side."""
    methods = [
        Method(name="ours", ours=True, measured=measured(STEADY, peak_host_bytes=10)),
        Method(name="peer", ours=False, measured=measured([3 * s for s in STEADY], peak_host_bytes=40)),
    ]
    facts = {"methods": [{"target": None}, {"target": target}]}
    (found,) = ratios(methods, facts, judged=judged)
    assert found.ratio == pytest.approx(3)
    assert found.met is met
    assert found.memory_ratio == 4
    once = [methods[0], Method(name="peer", ours=False, measured=measured([3.0]))]
    (found,) = ratios(once, facts, judged=judged)
    assert (found.low, found.met) == (None, None), "one call has no interval"


def test_differences_see_undefined_values_and_shapes() -> None:
    nan = float("nan")
    assert difference("p", "q", [1.0, nan], [1.1, nan], 0.2).passed
    assert not difference("p", "q", [1.0, nan], [1.0, 2.0], 0.2).passed
    assert not difference("p", "q", [1.0], [1.0, 2.0], 0.2).passed
    assert not difference("p", "q", [1.0], [1.3], 0.2).passed
    assert difference("p", "q", [1.0], [1.3], None).difference == pytest.approx(0.3)


def test_kept_results_of_machines(tmp_path: Path) -> None:
    """What claims about speed are judged by: every file that measured the row, never one that did not."""
    kept = [
        results([row("inference.x", STEADY, device="cuda")], gpus=[{"name": "NVIDIA H200", "driver": "1"}]),
        results([row("inference.x", [100.0, 101.0], checks=[failed_check()])]),
        results([row("inference.x", None), row("other.x", STEADY)]),
    ]
    for n, one in enumerate(kept):
        (tmp_path / f"{n}.json").write_text(one.model_dump_json())
    (tmp_path / "0.pytest-benchmark.json").write_text("{}")
    first, second = figures("inference.x", tmp_path)
    assert (first.device, first.checked, first.source) == ("NVIDIA H200", True, "0.json")
    assert (second.device, second.checked, second.seconds.value) == ("Processor X", False, 100.5)
    assert figures("none", tmp_path) == []
