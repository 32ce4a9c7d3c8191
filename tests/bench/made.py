"""Results files made by hand."""

from collections.abc import Sequence
from typing import Any

from harness.bench.results import (
    BenchResults,
    Check,
    Code,
    Fingerprint,
    Machine,
    Measured,
    Method,
    Row,
    Settings,
)
from harness.bench.statistics import median_interval

STEADY = [1.00, 1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.01]


def machine(**changes: Any) -> Machine:
    fields: dict[str, Any] = {
        "cpu": "Processor X", "cpu_family_model_stepping": "6/1/0", "cores": 2, "quota": None, "flags": ["avx2"],
        "maximum_mhz": None, "virtual": True, "memory_gib": 24, "system": "Debian", "kernel": "6.1", "gpus": [],
    }  # fmt: skip
    return Machine.model_validate(fields | changes)


def measured(seconds: Sequence[float], **changes: Any) -> Measured:
    found = median_interval(seconds)
    fields: dict[str, Any] = {
        "seconds": list(seconds), "calls_per_sample": 1, "cpu_seconds": found.value, "first_call_seconds": 2.0,
        "median": found.value, "low": found.low, "high": found.high, "coverage": found.coverage, "precise": True,
        "calls_per_hour": 3600 / found.value,
    }  # fmt: skip
    return Measured.model_validate(fields | changes)


def row(name: str, seconds: Sequence[float] | None, **changes: Any) -> Row:
    told = {"measured": measured(seconds)} if seconds is not None else {"reason": "no CUDA device answers"}
    fields: dict[str, Any] = {
        "name": name, "suite": name.split(".")[0], "title": name, "device": "cpu", "work": "volume", "threads": 2,
        "parameters": {"size": 8}, "methods": [Method.model_validate({"name": "ours", "ours": True, **told})],
    }  # fmt: skip
    return Row.model_validate(fields | changes)


def results(rows: Sequence[Row], *, libraries: dict[str, str] | None = None, **changes: Any) -> BenchResults:
    code = Code(project_version="0.1.0", revision="abc", lock_sha256=None, images=changes.pop("images", {}))
    found = Fingerprint(machine=machine(**changes), libraries=libraries or {"numpy": "2.4.6"}, code=code)
    return BenchResults(
        schema_version="1.0", measured_on="2026-01-02", fingerprint=found, copy_bandwidth={"cpu": 1e10},
        settings=Settings(quick=False, threads=2, seconds=20, precision=0.05, runner="process"), other_work=0.0,
        rows=list(rows),
    )  # fmt: skip


def failed_check() -> Check:
    return Check(against="truth", quantity="voxels", difference=2.0, limit=1.0, passed=False)
