"""Run one case: inputs, then steps in order, each item from the cache or made anew.

Invariants: no failure of an item leaves its own row of the table; a step that failed makes the steps after it
`skipped` for that item only; with `execute=False` nothing is run and everything that is not cached is `planned`.
"""

import json
import shutil
import tempfile
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.files import sha256_file
from containers.contract.record import Record
from containers.contract.request import Item, Request
from harness.progress import Progress
from harness.project import ROOT
from harness.run import jobs
from harness.run.case import Case
from harness.run.outcome import Outcome, failed, finished, given
from harness.run.steps import builtin
from harness.run.steps.builtin import Task
from harness.run.steps.collect import collect_task, sensitivity_task
from harness.run.steps.draws import DrawRunner, draw_all
from harness.run.steps.models import (
    BuiltinStep,
    Collect,
    Compare,
    DataInput,
    MutateLabels,
    PhantomInput,
    Preset,
    Sensitivity,
    Simulation,
    SpoilBack,
    SpoilDicom,
    StageStep,
    TruthLabels,
    TruthVolume,
)
from harness.run.store import Store, key_of
from harness.run.workers import Workers
from harness.runners.base import Runner, StageHandle
from harness.runners.process import hash_sources

Outcomes = dict[str, Outcome]
STEPS = ROOT / "harness" / "run" / "steps"


@dataclass
class Context:
    """What all cases of a run share."""

    runner: Runner
    """The runner of the stages."""
    store: Store
    """The cache of finished items."""
    run_folder: Path
    """Folder of this run: records, pictures and results."""
    data: Path | None
    """The data folder; None where there is none."""
    preset: Preset
    """How much is run."""
    cores: int
    """Processor cores that the run may use."""
    pool: Workers
    """Worker processes for built-in steps."""
    progress: Progress
    """Where lines and bars go."""
    execute: bool = True
    """Whether steps are run; False for a plan."""
    seconds_per_job: float = 3600.0
    """Wall-clock limit of a job, in seconds."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where stages compute."""
    draws: int | None = None
    """Draws of every simulation, in place of the number in its case; None for that number."""
    handles: dict[str, StageHandle] = field(default_factory=dict)
    """The stages that were identified, by name."""
    digests: dict[str, str] = field(default_factory=dict)
    """Hash of the sources of each kind of built-in step."""

    def handle(self, stage: str) -> StageHandle:
        """The stage, identified once a run."""
        if stage not in self.handles:
            self.handles[stage] = self.runner.identify(stage)
        return self.handles[stage]

    def digest(self, kind: str) -> str:
        """Hash of the sources that decide what a built-in step makes."""
        makers = {
            "picture": [ROOT / "harness" / "pictures"],
            "simulation": [STEPS / "performance.py", STEPS / "simulation.py"],
            "compare": [STEPS / "compare.py"],
            "sensitivity": [STEPS / "sensitivity.py"],
        }
        if kind not in self.digests:
            self.digests[kind] = hash_sources(
                [
                    *makers.get(kind, [ROOT / "phantoms"]),
                    ROOT / "containers" / "contract",
                    STEPS / "builtin.py",
                ]
            )
        return self.digests[kind]


@dataclass
class CaseRun:
    """One case while it runs."""

    case: Case
    """The case."""
    context: Context
    """What it shares with the other cases."""
    outcomes: dict[str, Outcomes] = field(default_factory=dict)
    """What became of each item, by input or step and then by item."""
    draws: dict[str, Outcomes] = field(default_factory=dict)
    """What became of each draw of a simulation, by step and then by draw."""
    not_run: str = ""
    """Why the case was not run; empty where it was."""

    def missing(self) -> str:
        """Why the case cannot run for want of data or of a program, or an empty string."""
        for entry in self.case.inputs.values():
            if not isinstance(entry, DataInput):
                continue
            for item in entry.items:
                for file in item.files.values():
                    if self.context.data is None or not (self.context.data / file).exists():
                        return f"{file} is not in the data folder; set MYOREPRO_DATA to run case {self.case.name}"
        for stage in self.case.stages() if self.context.runner.name == "process" else ():
            for program in self.context.handle(stage).spec.programs:
                if shutil.which(program) is None:
                    return f"stage {stage} needs {program}, which is not on this machine; run it in its container"
        return ""

    def check_stages(self) -> None:
        """Ask every stage of the case whether it knows the inputs and parameters. Raises RequestFault."""
        items = self.case.items(self.context.preset)
        for name, step in self.case.steps.items():
            if isinstance(step, StageStep | Simulation):
                handle = self.context.handle(step.stage)
                item = Item(id=items[name][0], inputs={n: Path("x") for n in step.inputs})
                parameters = step.stage_parameters if isinstance(step, Simulation) else step.parameters
                request = Request(stage=handle.name, items=[item], parameters=parameters, output=Path("x"))
                try:
                    handle.spec.check(request)
                except RequestFault as fault:
                    where = f"{self.case.name}.toml steps.{name}.{fault.where}"
                    raise RequestFault(fault.what, where=where, mend=fault.mend) from fault

    def run(self) -> None:
        """Run every step. Never raises for an item's fault."""
        self.not_run = self.missing()
        if self.not_run:
            return
        items = self.case.items(self.context.preset)
        for name, entry in self.case.inputs.items():
            if isinstance(entry, PhantomInput):
                chosen = {i.id: {**entry.parameters, **i.parameters} for i in entry.items if i.id in set(items[name])}
                tasks = [
                    Task("phantom", item, {}, {}, {"phantom": entry.phantom, "parameters": parameters})
                    for item, parameters in chosen.items()
                ]
                self.outcomes[name] = self._perform(name, tasks, {})
            else:
                self.outcomes[name] = given(entry, self.context.data or Path())
        for name, step in self.case.steps.items():
            if isinstance(step, StageStep):
                self.outcomes[name] = self._stage(name, step, items[name])
            elif isinstance(step, Simulation):
                self.outcomes[name] = self._simulation(name, step)
            else:
                self.outcomes[name] = self._builtin(name, step, items[name])

    def _resolve(self, references: dict[str, str], item: str) -> tuple[dict[str, Path], dict[str, str], Outcome | None]:
        """Paths and hashes of an item's inputs; or why the item cannot be done."""
        paths: dict[str, Path] = {}
        hashes: dict[str, str] = {}
        for name, reference in references.items():
            owner, _, output = reference.partition(".")
            outcome = self.outcomes[owner][item]
            if outcome.status == "planned":
                return {}, {}, Outcome("planned")
            if outcome.status != "ok" or outcome.record is None:
                line = f"{owner} failed for this item"
                return {}, {}, Outcome("skipped", line=line, lost=outcome.environmental)
            if output == "record" and outcome.folder is not None:
                paths[name] = outcome.folder / "record.json"
                hashes[name] = sha256_file(paths[name])
                continue
            path = outcome.output(output)
            if path is None:
                return {}, {}, Outcome("skipped", line=f"{owner} gave no output {output!r} for this item")
            paths[name], hashes[name] = path, outcome.record.outputs[output].sha256
        return paths, hashes, None

    def _stage(self, name: str, step: StageStep, items: list[str]) -> Outcomes:
        context = self.context
        handle = context.handle(step.stage)
        share = jobs.share(len(items), context.cores, context.seconds_per_job, context.device)
        outcomes: Outcomes = {}
        work: list[jobs.Work] = []
        for item in items:
            paths, hashes, reason = self._resolve(step.inputs, item)
            if reason:
                outcomes[item] = reason
                continue
            facts = self._facts(step, item, handle)
            identity = {
                "contract": CONTRACT_VERSION,
                "stage": handle.name,
                "digest": handle.digest,
                "item": item,
                "inputs": hashes,
                "facts": facts,
                "parameters": step.parameters,
                "seed": step.seed,
                "device": context.device,
            }
            key = key_of(identity)
            entry = context.store.get(key)
            if entry:
                outcomes[item] = finished(entry, cached=True)
            elif context.execute:
                work.append(jobs.Work(item, key, paths, hashes, facts))
            else:
                outcomes[item] = Outcome("planned")
        with context.progress.step(self.case.name, name, len(items), len(items) - len(work)) as done:
            if work:
                call = jobs.StageCall(
                    runner=context.runner,
                    handle=handle,
                    store=context.store,
                    parameters=step.parameters,
                    seed=step.seed,
                    limits=share.limits,
                    scratch=_scratch(context),
                    errors=context.run_folder / self.case.name / name,
                    done=done,
                )
                outcomes |= call.run(work, share.jobs)
        return {item: outcomes[item] for item in items}

    def _facts(self, step: StageStep, item: str, handle: StageHandle) -> dict[str, Any]:
        record = self.outcomes[step.facts_from][item].record if step.facts_from else None
        return {n: v for n, v in record.facts.items() if n in handle.spec.facts} if record else {}

    def _builtin(self, name: str, step: BuiltinStep, items: list[str]) -> Outcomes:
        if isinstance(step, Collect | Sensitivity):
            return self._gather(name, step)
        if isinstance(step, SpoilDicom | SpoilBack):
            return self._spoil(name, step)
        tasks, outcomes = [], {}
        for item in items:
            parameters: dict[str, Any] = {}
            if isinstance(step, TruthLabels | TruthVolume):
                references = {"phantom": f"{step.of}.phantom", "grid": step.grid}
                if isinstance(step, TruthVolume):
                    parameters = {"contrast": step.contrast, "fault": step.fault}
            elif isinstance(step, Compare):
                references = {"left": f"{step.left}.record", "right": f"{step.right}.record"}
                parameters = {"leave_out": step.leave_out}
            elif isinstance(step, MutateLabels):
                references, parameters = {"labels": step.labels}, {"fault": step.fault}
            else:
                references = {**step.volumes, **step.masks}
                parameters = {
                    "volumes": sorted(step.volumes),
                    "masks": sorted(step.masks),
                    "grid": step.grid,
                    "structure": step.structure,
                }
            paths, hashes, reason = self._resolve(references, item)
            if reason:
                outcomes[item] = reason
            else:
                tasks.append(Task(step.kind, item, paths, hashes, parameters))
        return self._perform(name, tasks, outcomes)

    def _simulation(self, name: str, step: Simulation) -> Outcomes:
        """All draws at all levels, then their summary as the one item `draws`."""
        context = self.context
        levels: list[dict[str, Any]] = [{"id": "", "facts": {}, "parameters": {}}]
        if step.levels:
            owner = step.levels.split(".")[0]
            paths, _hashes, reason = self._resolve({"levels": step.levels}, next(iter(self.outcomes[owner])))
            if reason:
                return {"draws": reason}
            levels = json.loads(paths["levels"].read_text(encoding="utf-8"))["levels"]
        scratch = _scratch(context) if context.execute else context.run_folder
        runner = DrawRunner(step, context, scratch, context.run_folder / self.case.name / name)
        parameters = step.parameters | (step.full_parameters if context.preset == "full" else {})
        progress = partial(context.progress.step, self.case.name, f"{name} draws") if context.execute else None
        self.draws[name], summary = draw_all(runner, levels, parameters, context.draws or step.draws, progress)
        return self._perform(name, [summary], {}) if isinstance(summary, Task) else {"draws": summary}

    def _spoil(self, name: str, step: SpoilDicom | SpoilBack) -> Outcomes:
        paths, hashes, reason = self._resolve(step.sources(), step.item)
        if reason:
            return self._perform(name, [], {item.id: reason for item in step.items})
        tasks = [Task(step.kind, item.id, paths, hashes, {"fault": item.fault}) for item in step.items]
        return self._perform(name, tasks, {})

    def _gather(self, name: str, step: Collect | Sensitivity) -> Outcomes:
        """The one item `cohort` of a step that reads several items."""
        if isinstance(step, Collect):
            found = collect_task(step, self.outcomes)
        else:
            found = sensitivity_task(step, self.outcomes, self.case.steps)
        return (
            self._perform(name, [], {"cohort": found})
            if isinstance(found, Outcome)
            else self._perform(name, [found], {})
        )

    def pictures(self) -> list[tuple[int, Outcome]]:
        """Draw the case's pictures. Returns (index in case.pictures, outcome) for those that this preset has."""
        drawn = []
        for number, spec in enumerate(self.case.pictures):
            owner = spec.volume.split(".")[0]
            if self.not_run or spec.item not in self.outcomes[owner]:
                continue
            paths, hashes, reason = self._resolve(spec.references(), spec.item)
            if reason:
                drawn.append((number, reason))
                continue
            parameters = {"draw": spec.kind, "title": spec.title, "evidence": self.case.evidence}
            if spec.analysis:
                parameters["analysis"] = spec.analysis
            task = Task("picture", spec.item, paths, hashes, parameters)
            drawn.append((number, self._perform(spec.name, [task], {})[spec.item]))
        return drawn

    def _perform(self, name: str, tasks: list[Task], outcomes: Outcomes) -> Outcomes:
        """Built-in tasks: from the cache, or by the worker processes."""
        context = self.context
        # Workers end in any order; results keep that of the tasks.
        outcomes = outcomes | {task.item: Outcome("planned") for task in tasks}
        pending: list[tuple[Task, str]] = []
        for task in tasks:
            identity = {
                "contract": CONTRACT_VERSION,
                "builtin": task.kind,
                "digest": context.digest(task.kind),
                "item": task.item,
                "inputs": task.hashes,
                "parameters": task.parameters,
            }
            key = key_of(identity)
            entry = context.store.get(key)
            if entry:
                outcomes[task.item] = finished(entry, cached=True)
            elif context.execute:
                pending.append((task, key))
        total = len(tasks)
        with context.progress.step(self.case.name, name, total, total - len(pending)) as done:
            folders = {task.item: Path(tempfile.mkdtemp(dir=_scratch(context))) for task, _ in pending}
            futures = {
                context.pool.submit(folders[task.item], builtin.perform, task, folders[task.item]): (task, key)
                for task, key in pending
            }
            for future in as_completed(futures):
                task, key = futures[future]
                try:
                    future.result()
                    outcomes[task.item] = self._keep(name, task, key, folders[task.item])
                except EnvironmentFault as fault:
                    fault.where = fault.where or f"step {name}"
                    builtin.give_up(task, folders[task.item], fault)
                    outcomes[task.item] = self._keep(name, task, key, folders[task.item])
                except Exception as error:
                    # Whatever a built-in step raises ends this item, not the run; the report shows the line.
                    line = " ".join(str(error).split()) or type(error).__name__
                    outcomes[task.item] = Outcome("missing", line=f"{task.kind}: {type(error).__name__}: {line}")
                    shutil.rmtree(folders[task.item], ignore_errors=True)
                done(task.item)
        return outcomes

    def _keep(self, name: str, task: Task, key: str, folder: Path) -> Outcome:
        folder.chmod(0o755)
        provenance = {"runner": "harness", "digest": self.context.digest(task.kind), "digest_kind": "source hash"}
        record = Record.model_validate_json((folder / "record.json").read_bytes())
        if record.status == "ok":
            return finished(self.context.store.put(key, folder, provenance), cached=False)
        place = self.context.run_folder / self.case.name / name / task.item
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        return failed(place, record, provenance)


def _scratch(context: Context) -> Path:
    folder = context.run_folder / ".scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
