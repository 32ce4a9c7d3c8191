"""`myorepro gate`: run the gate cases of the stages on trial, compare, write the report."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.files import sha256_file
from harness.gate import report
from harness.gate.baseline import FOLDER as BASELINES
from harness.gate.baseline import Baseline, load_baseline
from harness.gate.candidate import ByStage, Candidate, candidate_of
from harness.gate.comparison import compare
from harness.gate.result import CaseResult, GateResult, Outcome, Row, StageUsed, exit_status, item_row
from harness.gate.running import Bench, FinishedCase, run_case
from harness.gate.spec import FOLDER as CASES
from harness.gate.spec import GateFile, load_gate_cases
from harness.progress import Progress
from harness.project import ROOT, project_version
from harness.run.folder import require_writable
from harness.run.store import Store
from harness.run.workers import Workers
from harness.runners.base import Runner
from harness.runners.choose import choose


@dataclass(frozen=True)
class GateOptions:
    """What the user asked for."""

    stages: dict[str, str] = field(default_factory=dict)
    """Folder, program or image to try in a stage's place, by stage; empty to try the reference."""
    cases: list[str] = field(default_factory=list)
    """Names of gate cases; empty for all that the stages take part in."""
    runner: str = "process"
    """Runner of the stages that are not candidates."""
    cores: int = 1
    """Processor cores that the gate may use."""
    work: Path = Path("work")
    """Folder of the cache and of running cases."""
    report: Path = Path("build/gate")
    """Folder of the results."""
    case_folder: Path = CASES
    """Folder of the gate cases."""
    baselines: Path = BASELINES
    """Folder of the frozen numbers."""


@contextmanager
def bench(work: Path, cores: int, progress: Progress) -> Iterator[Bench]:
    """Store, work folder and worker processes of a command. Raises EnvironmentFault when nothing can be written."""
    require_writable(work, "--work")
    with Workers(cores) as pool:
        yield Bench(work.resolve(), Store((work / "cache").resolve()), pool, cores, progress)


def reference_runner(name: str, stages: list[str], progress: Progress, work: Path) -> Runner:
    """The runner of the stages that are not candidates."""
    return choose(name, stages, "", progress, descriptions=work / "descriptions").runner


def gate(options: GateOptions, progress: Progress) -> GateResult:
    """Run, compare, write the report. Raises RequestFault before any run for what is wrongly asked.

    The report is written whatever was found; where nothing could be measured it says why.
    """
    files = load_gate_cases(options.cases, list(options.stages), options.case_folder)
    frozen = {file.case.name: _baseline(file, options.baselines) for file in files}
    require_writable(options.report, "--report")
    with tempfile.TemporaryDirectory(prefix="gate-", ignore_cleanup_errors=True) as scratch:
        candidates = {name: candidate_of(name, text, Path(scratch)) for name, text in options.stages.items()}
        with bench(options.work, options.cores, progress) as tools:
            stages = list(dict.fromkeys(s for file in files for s in file.case.stages() if s not in candidates))
            reference = reference_runner(options.runner, stages, progress, options.work)
            cases = [_case(tools, file, frozen[file.case.name], reference, candidates) for file in files]
    result = GateResult(
        project_version=project_version(),
        contract=CONTRACT_VERSION,
        candidates=dict(sorted(options.stages.items())),
        cases=cases,
        exit_status=exit_status(cases),
    )
    try:
        report.write(result, options.report)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written ({error.strerror})", where=str(options.report), fix="free space or give --report"
        ) from error
    return result


def _baseline(file: GateFile, folder: Path) -> Baseline:
    """The baseline of a case. Raises RequestFault where it is of another contract or of another form of the case."""
    baseline = load_baseline(file.case.name, folder)
    where = f"baseline of gate case {file.case.name}"
    fix = f"freeze it again from the reference stages: myorepro baseline freeze --case {file.case.name}"
    if baseline.made.contract.split(".")[0] != CONTRACT_VERSION.split(".")[0]:
        raise RequestFault(f"is of contract {baseline.made.contract}, this is {CONTRACT_VERSION}", where=where, fix=fix)
    if baseline.made.case_sha256 != file.sha256:
        raise RequestFault("was frozen from another form of the case file", where=where, fix=fix)
    return baseline


def _case(
    tools: Bench, file: GateFile, baseline: Baseline, reference: Runner, candidates: dict[str, Candidate]
) -> CaseResult:
    case = file.case
    own = {name: candidate for name, candidate in candidates.items() if name in case.stages()}
    runner = ByStage(reference, own)
    with tools.folder() as folder:
        ran = run_case(tools, case, runner, folder)
    return judged(ran, baseline, runner)


def judged(ran: FinishedCase, baseline: Baseline, runner: ByStage) -> CaseResult:
    """A case that was run against its baseline."""
    case = ran.case
    if ran.not_run:
        rows = [_broken(case.name, place, ran.not_run) for place in baseline.ends]
    else:
        rows = compare(case, baseline, ran.readings, set(runner.candidates), runner.unfit)
    return CaseResult(
        case=case.name,
        title=case.title,
        stages={
            name: StageUsed(
                version=handle.version,
                digest=handle.digest,
                digest_kind=handle.digest_kind,
                candidate=runner.candidates[name].shown if name in runner.candidates else "",
            )
            for name, handle in ran.handles.items()
        },
        compared=sum(row.outcome in (Outcome.SAME, Outcome.MOVED) for row in rows),
        notes=_notes(ran, baseline, runner),
        rows=rows,
    )


def _broken(case: str, place: str, reason: str) -> Row:
    step, item = place.split("/", 1)
    return item_row(case, step, item, Outcome.BROKEN, reason)


def _notes(ran: FinishedCase, baseline: Baseline, runner: ByStage) -> list[str]:
    """What differs from what the baseline was made with."""
    notes = []
    for name, handle in ran.handles.items():
        frozen = baseline.made.stages.get(name, {})
        if name in runner.candidates or frozen.get("digest_kind") != handle.digest_kind:
            continue
        if frozen.get("digest") != handle.digest:
            notes.append(f"stage {name} is not the one that was frozen: its source or the installed packages differ")
    differing = [place for place, sha256 in baseline.made.inputs.items() if ran.inputs.get(place) != sha256]
    if differing:
        notes.append(f"{len(differing)} phantom files differ from those frozen, first {differing[0]}")
    for lock, sha256 in baseline.made.locks.items():
        if lock_hashes([lock]).get(lock) != sha256:
            notes.append(f"lock {lock} is not the one that was frozen")
    return notes


def lock_hashes(locks: list[str]) -> dict[str, str]:
    """SHA-256 of lock files, by path in the project; those that do not exist are left out."""
    return {lock: sha256_file(ROOT / lock) for lock in locks if (ROOT / lock).is_file()}
