"""`myorepro mutants`: that the gate sees every seeded fault, and raises no alarm over what is harmless.

Invariants: the reference must be green first, else nothing is proved; a mutant counts as caught only when a number
moved in the case that the catalogue names, never because it crashed; results of mutants are not kept.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from containers.contract.errors import Fault, RequestFault
from containers.contract.files import write_json
from harness.gate.baseline import load_baseline
from harness.gate.candidate import ByStage
from harness.gate.command import bench, judged
from harness.gate.comparison import worst_first
from harness.gate.mutants import Mutant, load_mutants, plant_mutant
from harness.gate.proof_result import Caught, MutantResult, Proof, Strongest, VariationResult
from harness.gate.result import REGRESSIONS, CaseResult, Outcome
from harness.gate.running import Bench, run_case
from harness.gate.spec import GateFile, load_gate_cases
from harness.gate.variations import HARMLESS, Variation, reference_variation
from harness.progress import Progress
from harness.run.folder import require_writable
from harness.run.results import ExitStatus
from harness.runners.process import ProcessRunner


def prove(only: list[str], cores: int, work: Path, report: Path, progress: Progress) -> Proof:
    """Run mutants and variations, `cores` at a time, and write proof.json. only: ids, stages or names of variations.

    Raises RequestFault for an unknown name, for a mutant whose text is gone, and where the reference is not green.
    """
    mutants, variations = _chosen(only)
    files = load_gate_cases()
    cases = {mutant.case for mutant in mutants}
    wanted = [f for f in files if f.case.name in cases or any(variation.concerns(f.case) for variation in variations)]
    require_writable(report, "--report")
    with bench(work, cores, progress) as tools:
        one = replace(tools, cores=1, progress=Progress(quiet=True))
        with ThreadPoolExecutor(max_workers=cores) as pool:
            try:
                for results in pool.map(lambda file: _vary(one, reference_variation(), [file]), wanted):
                    _require_green(results)
                proved = list(pool.map(lambda mutant: _mutant(one, mutant, files, progress), mutants))
                harmless = list(pool.map(lambda variation: _variation(one, variation, wanted, progress), variations))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    good = all(m.caught == Caught.CAUGHT for m in proved) and not any(v.alarms or v.note for v in harmless)
    proof = Proof(mutants=proved, variations=harmless, exit_status=ExitStatus.OK if good else ExitStatus.MISMATCH)
    write_json(report / "proof.json", proof.model_dump(mode="json"))
    return proof


def _chosen(only: list[str]) -> tuple[list[Mutant], list[Variation]]:
    mutants, variations = load_mutants(), list(HARMLESS)
    if not only:
        return mutants, variations
    names = {m.id for m in mutants} | {m.stage for m in mutants} | {v.name for v in variations}
    for name in only:
        if name not in names:
            raise RequestFault(
                f"no mutant, stage or variation {name!r}", where="--only", fix="see harness/gate/mutants"
            )
    return [m for m in mutants if {m.id, m.stage} & set(only)], [v for v in variations if v.name in only]


def _require_green(results: list[CaseResult]) -> None:
    for result in results:
        bad = [row for row in worst_first(result.rows) if row.outcome in (*REGRESSIONS, Outcome.BROKEN)]
        if bad:
            raise RequestFault(
                f"the reference itself is not green: {bad[0].step}/{bad[0].item}/{bad[0].metric} "
                f"{bad[0].outcome.value} {bad[0].note}".rstrip(),
                where=f"gate case {result.case}",
                fix="see `myorepro gate`; freeze the baseline again only for a change that is wanted",
            )


def _mutant(tools: Bench, mutant: Mutant, files: list[GateFile], progress: Progress) -> MutantResult:
    own = [file for file in files if mutant.stage in file.case.stages()]

    def runner(folder: Path) -> ByStage:
        candidate = plant_mutant(mutant, folder / "tree")
        return ByStage(ProcessRunner(), {mutant.stage: candidate})

    # The other cases only tell where a mutant was seen that its own case missed.
    results: list[CaseResult] = []
    for file in sorted(own, key=lambda file: file.case.name != mutant.case):
        results.append(_one(tools, file, runner, reference_variation()))
        if of_mutant(mutant, results).caught == Caught.CAUGHT:
            break
    made = of_mutant(mutant, results)
    progress.line(f"{mutant.id}: {made.caught.value}")
    return made


def of_mutant(mutant: Mutant, results: list[CaseResult]) -> MutantResult:
    """What the gate said of a mutant, from its cases."""
    rows = [row for result in results for row in result.rows]
    moved = [row for row in worst_first(rows) if row.outcome == Outcome.MOVED]
    lost = [row for row in rows if row.outcome in (Outcome.MISSING, Outcome.FAILED, Outcome.BROKEN)]
    here = [row for row in moved if row.case == mutant.case]
    caught = Caught.CAUGHT if here else Caught.ELSEWHERE if moved else Caught.CRASHED if lost else Caught.MISSED
    shown = (here or moved)[:1]
    return MutantResult(
        id=mutant.id,
        stage=mutant.stage,
        stands_for=mutant.stands_for,
        case=mutant.case,
        caught=caught,
        moved=len(moved),
        lost=len(lost),
        compared=sum(result.compared for result in results),
        strongest=[Strongest.of(row) for row in shown],
        note="; ".join(dict.fromkeys(row.note for row in lost if row.note))[:300] if not moved else "",
    )


def _variation(tools: Bench, variation: Variation, files: list[GateFile], progress: Progress) -> VariationResult:
    own = [file for file in files if variation.concerns(file.case)]
    note = "" if own else "no gate case is concerned"
    results: list[CaseResult] = []
    try:
        results = _vary(tools, variation, own)
    except Fault as fault:
        note = str(fault)
    rows = [row for result in results for row in worst_first(result.rows)]
    bad = [row for row in rows if row.outcome in (*REGRESSIONS, Outcome.BROKEN, Outcome.NEW)]
    same = [row for row in worst_first(rows) if row.outcome == Outcome.SAME]
    progress.line(f"{variation.name}: {f'{len(bad)} alarms' if bad or note else 'quiet'}")
    return VariationResult(
        name=variation.name,
        kind=variation.kind,
        cases=[file.case.name for file in own],
        compared=sum(result.compared for result in results),
        alarms=len(bad),
        strongest=[Strongest.of(row) for row in (bad or same)[:1]],
        note=note or "; ".join(dict.fromkeys(row.note for row in bad if row.note))[:300],
    )


def _vary(tools: Bench, variation: Variation, files: list[GateFile]) -> list[CaseResult]:
    return [_one(tools, file, lambda _: ByStage(ProcessRunner()), variation) for file in files]


def _one(tools: Bench, file: GateFile, runner_in: Callable[[Path], ByStage], variation: Variation) -> CaseResult:
    """One case by one mutant or variation, against the baseline."""
    baseline = load_baseline(file.case.name)
    with tools.folder() as folder:
        runner = runner_in(folder)
        keep = variation.kind == "reference" and not runner.candidates
        case = variation.of(file.case)
        changes = variation.changes(case)
        ran = run_case(tools, case, runner, folder, setting=variation.setting(), keep=keep, changes=changes)
        return judged(ran, baseline, runner)
