"""`myorepro baseline freeze`: the reference's numbers, and from their spread over harmless variations the tolerances.

Rule, for each number: of every kind of variation (other seeds of the stages, two threads, each backend, networks in
float32, items in reverse) the values and the reference's own give a mean and a standard deviation, and mean plus or
minus WIDTH standard deviations (`harness.sampling.bounds`) an interval; the tolerance is the distance from the
reference to its farther end, the largest of all kinds, and never less than the floor that the gate case states with
its source.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault
from harness.gate.baseline import Baseline, Frozen, Made
from harness.gate.candidate import ByStage
from harness.gate.command import lock_hashes
from harness.gate.readings import Number, Readings
from harness.gate.running import Bench, FinishedCase, run_case
from harness.gate.spec import PRESET, GateCase, GateFile
from harness.gate.variations import SAMPLED, Variation, sampled_seeds
from harness.project import project_version
from harness.reproduce.session import environment
from harness.runners.base import Runner
from harness.simulate.sampling import WIDTH, outward

LOCKS = ("requirements/host.lock", "requirements/torch-cpu.lock", "containers/base/requirements-cpu.lock")
RULE = (
    f"largest over the kinds of variation of |mean - value| + {WIDTH:g} SD, rounded outward to two digits; "
    "at least the floor stated in the gate case"
)


@dataclass(frozen=True)
class Tolerance:
    """A tolerance, the kind of variation that made it, and the largest distance that was sampled."""

    value: float
    """The tolerance, in the number's unit."""
    widest: str
    """The kind of variation that it comes from, or `floor`."""
    spread: float
    """Largest distance from the reference that was sampled, in the number's unit."""


def tolerance(value: float, sampled: Mapping[str, Sequence[float]], floor: float) -> Tolerance:
    """The rule. sampled: by kind of variation, the values that it gave."""
    found = Tolerance(floor, "floor", max((abs(v - value) for vs in sampled.values() for v in vs), default=0.0))
    for kind, values in sorted(sampled.items()):
        members = [value, *values]
        if len(set(members)) == 1:
            continue
        reach = abs(statistics.fmean(members) - value) + WIDTH * statistics.stdev(members)
        if reach > found.value:
            found = Tolerance(outward(reach, up=True), kind, found.spread)
    return found


def freeze(bench: Bench, file: GateFile, reference: Runner) -> Baseline:
    """The baseline of one gate case. Raises RequestFault where the run fails a check of the case, an item does not end
    as it should or a variation changes which numbers there are: a failing run is never frozen."""
    case = file.case
    ran = _run(bench, case, reference, Variation("reference", "reference"))
    _refuse_failing(ran)
    kinds: dict[str, list[Readings]] = {}
    names: dict[str, list[str]] = {}
    for variation in (*SAMPLED, *sampled_seeds(case.seeds)):
        if not variation.concerns(case):
            continue
        varied = _run(bench, variation.of(case), reference, variation)
        _refuse_other_shape(ran, varied, variation)
        kinds.setdefault(variation.kind, []).append(varied.readings)
        names.setdefault(variation.kind, []).append(variation.name)
    return Baseline(
        case=case.name,
        rule=RULE,
        made=Made(
            project_version=project_version(),
            contract=CONTRACT_VERSION,
            preset=PRESET,
            case_sha256=file.sha256,
            stages={
                name: {"version": handle.version, "digest": handle.digest, "digest_kind": handle.digest_kind}
                for name, handle in ran.handles.items()
            },
            locks=lock_hashes([*LOCKS, *(f"containers/{name}/requirements.lock" for name in ran.handles)]),
            environment=environment(),
            inputs=ran.inputs,
            variations=names,
        ),
        ends=ran.readings.ends,
        numbers={key: _frozen(case, number, kinds) for key, number in ran.readings.numbers.items()},
    )


def _run(bench: Bench, case: GateCase, reference: Runner, variation: Variation) -> FinishedCase:
    runner = ByStage(reference)
    keep, changes = variation.kind == "reference", variation.changes(case)
    with bench.folder() as folder:
        ran = run_case(bench, case, runner, folder, setting=variation.setting(), keep=keep, changes=changes)
    if ran.not_run or runner.unfit:
        line = ran.not_run or next(iter(runner.unfit.values()))
        raise EnvironmentFault(line, where=f"gate case {case.name}, {variation.name}", fix="freeze on a fit machine")
    return ran


def _refuse_failing(ran: FinishedCase) -> None:
    for check in ran.checks:
        if not check.passed:
            value = "" if check.measured is None else f" (measured {check.measured:g} {check.unit})"
            raise RequestFault(
                f"fails its check {check.check}{value}: {check.note or check.title}",
                where=f"gate case {ran.case.name}",
                fix="correct the reference first; a failing run is not frozen",
            )
    if not ran.readings.numbers:
        raise RequestFault("gives no number", where=f"gate case {ran.case.name}", fix="add a stage step")


def _refuse_other_shape(ran: FinishedCase, varied: FinishedCase, variation: Variation) -> None:
    where = f"gate case {ran.case.name}, variation {variation.name}"
    fix = "a harmless variation may change values only; correct the reference or the variation"
    if varied.readings.ends != ran.readings.ends:
        odd = next(p for p, end in ran.readings.ends.items() if varied.readings.ends.get(p) != end)
        raise RequestFault(f"{odd} ends otherwise: {varied.readings.lines.get(odd, '')}", where=where, fix=fix)
    if odd_keys := sorted(set(varied.readings.numbers) ^ set(ran.readings.numbers)):
        raise RequestFault(f"{odd_keys[0]} is only in one of the runs", where=where, fix=fix)
    for key, number in ran.readings.numbers.items():
        if (number.value is None) != (varied.readings.numbers[key].value is None):
            raise RequestFault(f"{key} is undefined in one of the runs", where=where, fix=fix)


def _frozen(case: GateCase, number: Number, kinds: dict[str, list[Readings]]) -> Frozen:
    if number.value is None:
        return Frozen(value=None, unit=number.unit)
    floor = case.floor_of(number.step, number.metric, number.value)
    if floor is None:
        raise RequestFault(
            f"no floor matches {number.step}/{number.metric}",
            where=f"gate case {case.name}",
            fix='add one, such as names = ["*"]',
        )
    sampled = {
        kind: [v for readings in runs if (v := readings.numbers[number.key].value) is not None]
        for kind, runs in kinds.items()
    }
    found = tolerance(number.value, sampled, floor)
    return Frozen(value=number.value, unit=number.unit, tolerance=found.value, spread=found.spread, widest=found.widest)
