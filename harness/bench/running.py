"""Runs the scripts: one process per method, called in turn so that all see the machine in the same state."""

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault
from harness.bench.process import CHECK_SECONDS, Budget, Worker, answer, opened
from harness.bench.results import Check, Measured, Method, Ratio, Row
from harness.bench.statistics import median_interval, ratio_interval
from harness.bench.suite import Asked


def run_row(
    script: Path,
    facts: dict[str, Any],
    asked: Asked,
    budget: Budget,
    bandwidth: float | None,
    say: Callable[[str], None],
) -> Row:
    """Time all methods of one row, check the outputs that were timed, and compare."""
    name: str = facts["name"]
    own = replace(asked, threads=facts["threads"] or asked.threads)
    methods: list[Method] = []
    workers: dict[str, Worker] = {}
    with tempfile.TemporaryDirectory(prefix="myorepro-bench-") as folder:
        _measure(script, facts, own, budget, Path(folder), workers, say)
        for n, method in enumerate(facts["methods"]):
            methods.append(_method(n, method, workers.get(method["name"]), facts, bandwidth))
        checks = []
        if methods[0].measured is not None:
            checks = _checks(script, own, name, folder)
            checks += _memory_check(methods[0], None if asked.quick else facts["memory_limit"])
    return Row(
        name=name, suite=script.stem.removeprefix("bench_"), title=facts["title"], device=asked.device,
        work=facts["work"], threads=own.threads, parameters=facts["parameters"], bytes_moved=facts["bytes_moved"],
        methods=methods, checks=checks, ratios=ratios(methods, facts, judged=not asked.quick),
    )  # fmt: skip


def _measure(
    script: Path,
    facts: dict[str, Any],
    asked: Asked,
    budget: Budget,
    folder: Path,
    workers: dict[str, Worker],
    say: Callable[[str], None],
) -> None:
    """Fill `workers` with what each method's process answered, and `folder` with their outputs."""
    with ExitStack() as stack:
        for method in facts["methods"]:
            if not method["missing"]:
                found = stack.enter_context(opened(script, facts["name"], method, asked, budget))
                workers[method["name"]] = found
        for worker in workers.values():
            if not worker.fault:
                say(f"{facts['name']}: {worker.facts['name']}")
                worker.begin()
        while more := [worker for worker in workers.values() if worker.wants_more]:
            for worker in more:
                worker.sample()
        for n, method in enumerate(facts["methods"]):
            last = workers.get(method["name"])
            if last is not None and not last.fault:
                last.energy = last.ask("energy")
            if last is not None and not last.fault:
                last.ask(f"end {folder / f'{n}.npz'}")


def _checks(script: Path, asked: Asked, row: str, folder: str) -> list[Check]:
    """The script's comparison of the outputs in `folder`. One that cannot be made is one that failed."""
    try:
        raw = json.loads(answer(script, asked, ["--check", row, folder], CHECK_SECONDS))
    except EnvironmentFault as fault:
        said = f"could not be checked: {fault.what}"
        return [Check(against="truth", quantity=said, difference=None, limit=0.0, passed=False)]
    return [Check.model_validate(check) for check in raw]


def _memory_check(ours: Method, limit: int | None) -> list[Check]:
    """Peak host memory against what the script allows."""
    peak = ours.measured.peak_host_bytes if ours.measured else None
    if limit is None or peak is None:
        return []
    within = peak <= limit
    said = {"against": "limit", "quantity": "peak memory", "unit": "bytes"}
    return [Check.model_validate({**said, "difference": float(peak), "limit": float(limit), "passed": within})]


def _method(
    n: int, facts: dict[str, Any], worker: Worker | None, row: dict[str, Any], bandwidth: float | None
) -> Method:
    version = ""
    if facts["package"]:
        try:
            version = metadata.version(facts["package"])
        except metadata.PackageNotFoundError:
            version = ""
    told: dict[str, Any] = {"name": facts["name"], "ours": n == 0, "version": version}
    if worker is None or worker.fault or not worker.samples:
        reason = facts["missing"] or (worker.fault if worker else "") or "no sample"
        return Method(**told, reason=reason, failed=not facts["missing"])
    seconds = worker.seconds
    found = median_interval(seconds)
    on_device = [sample["on_device"] for sample in worker.samples if sample["on_device"] is not None]
    moved, per_hour = row["bytes_moved"], 3600 / found.value
    measured = Measured(
        seconds=seconds,
        calls_per_sample=worker.calls,
        cpu_seconds=median_interval([sample["cpu"] for sample in worker.samples]).value if worker.alone else None,
        first_call_seconds=worker.first["seconds"],
        median=found.value,
        low=found.low,
        high=found.high,
        coverage=found.coverage,
        precise=worker.precise,
        calls_per_hour=per_hour,
        participants_per_hour=row["participants"] * per_hour if row["participants"] else None,
        device_seconds=median_interval(on_device).value if on_device else None,
        peak_host_bytes=worker.first["host"],
        peak_device_bytes=worker.first["device"],
        joules=worker.energy["joules"],
        energy_source=worker.energy["source"],
        bandwidth_share=moved / found.value / bandwidth if moved and bandwidth else None,
    )
    return Method(**told, measured=measured)


def ratios(methods: list[Method], facts: dict[str, Any], *, judged: bool) -> list[Ratio]:
    """How many times longer each peer takes. judged: whether targets count; they do not at small sizes."""
    ours = methods[0].measured
    if ours is None:
        return []
    found = []
    for method, told in zip(methods[1:], facts["methods"][1:], strict=True):
        peer = method.measured
        if peer is None:
            continue
        ratio = ratio_interval(peer.seconds, ours.seconds)
        value = ratio.value if ratio else peer.median / ours.median
        target = told["target"] if judged else None
        met = None
        if target is not None and ratio is not None:
            met = True if ratio.low >= target else False if ratio.high < target else None
        memory = None
        if peer.peak_host_bytes is not None and ours.peak_host_bytes:
            memory = peer.peak_host_bytes / ours.peak_host_bytes
        found.append(
            Ratio(
                peer=method.name, ratio=value, low=ratio.low if ratio else None, high=ratio.high if ratio else None,
                coverage=ratio.coverage if ratio else None, target=target, met=met, memory_ratio=memory,
            )
        )  # fmt: skip
    return found
