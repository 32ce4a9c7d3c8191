"""A bench as pytest-benchmark's JSON, for its own tools (`pytest-benchmark compare FILE FILE`).

Its statistics are computed by its own class. Its fields for host and user are left out.
"""

from typing import Any

from pytest_benchmark import __version__
from pytest_benchmark.stats import Stats

from harness.bench.results import BenchResults, Method, Row


def as_pytest_benchmark(results: BenchResults) -> dict[str, Any]:
    """One benchmark for each method that was measured, in the group of its row."""
    print_of = results.fingerprint
    revision = print_of.code.revision or "unknown"
    machine = print_of.machine
    return {
        "machine_info": {
            "processor": machine.cpu,
            "python_version": print_of.libraries.get("python", ""),
            "system": machine.system,
            "release": machine.kernel,
            "cpu": machine.model_dump(mode="json"),
        },
        "commit_info": {
            "id": revision.split()[0],
            "dirty": revision.endswith("(modified)"),
            "time": None,
            "author_time": None,
            "project": "myorepro",
            "branch": "(unknown)",
        },
        "benchmarks": [_benchmark(row, method) for row in results.rows for method in row.methods if method.measured],
        "datetime": f"{results.measured_on}T00:00:00+00:00",
        "version": __version__,
    }


def _benchmark(row: Row, method: Method) -> dict[str, Any]:
    assert method.measured
    found: Any = Stats()  # type: ignore[no-untyped-call]
    for seconds in method.measured.seconds:
        found.update(seconds)
    name = f"{row.name}[{method.name}]"
    return {
        "group": f"{row.name} on {row.device}",
        "name": name,
        "fullname": f"benchmarks/bench_{row.suite}.py::{name}",
        "params": None,
        "param": method.name,
        "extra_info": {"device": row.device, "threads": row.threads, **row.parameters},
        "options": {
            "disable_gc": False, "timer": "perf_counter", "min_rounds": 1, "max_time": 0.0, "min_time": 0.0,
            "warmup": True,
        },
        "stats": {**found.as_dict(), "iterations": method.measured.calls_per_sample},
    }  # fmt: skip
