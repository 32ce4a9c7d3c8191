"""Run one case: inputs, then steps in order, each item from the cache or made again.

Invariants: no failure of an item leaves its own row of the table; a step that failed makes the steps after it
`skipped` for that item only; with `execute=False` nothing is run and everything that is not cached is `planned`.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from containers.contract import CONTRACT_VERSION
from containers.contract.errors import EnvironmentFault, RequestFault, one_line
from containers.contract.files import sha256_file
from containers.contract.request import Item, Request
from harness.run import jobs
from harness.run.case import Case
from harness.run.context import Context
from harness.run.draws import DrawRunner, draw_all
from harness.run.outcome import Outcome, failed, finished, given, held
from harness.run.steps import task as tasks
from harness.run.steps.base import Files, StageUse
from harness.run.steps.data import DataInput
from harness.run.steps.simulation import Simulation
from harness.run.steps.task import Held, Task
from harness.run.store import key_of
from harness.runners.base import StageHandle

Outcomes = dict[str, Outcome]


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

    def __post_init__(self) -> None:
        self.case = self.case.in_preset(self.context.preset)

    def missing(self) -> str:
        """Why the case cannot run for want of data or of a program, or an empty string."""
        for entry in self.case.inputs.values():
            if file := entry.missing(self.context.data):
                return one_line(
                    f"{file} is not in the data folder", fix=f"set MYOREPRO_DATA to run case {self.case.name}"
                )
        for stage in self.case.stages() if self.context.runner.name == "process" else ():
            for program in self.context.handle(stage).spec.programs:
                if shutil.which(program) is None:
                    what = f"stage {stage} needs {program}, which is not on this machine"
                    return one_line(what, fix="run it in its container")
        return ""

    def check_stages(self) -> None:
        """Ask every stage of the case whether it knows the inputs and parameters. Raises RequestFault."""
        items = self.case.items(self.context.preset)
        for name, step in self.case.steps.items():
            if (use := step.use()) is not None:
                handle = self.context.handle(use.stage)
                item = Item(id=items[name][0], inputs={n: Path("x") for n in use.inputs})
                request = Request(stage=handle.name, items=[item], parameters=use.parameters, output=Path("x"))
                try:
                    handle.spec.check(request)
                except RequestFault as fault:
                    where = f"{self.case.name}.toml steps.{name}.{fault.where}"
                    raise RequestFault(fault.what, where=where, fix=fault.fix) from fault

    def run(self) -> None:
        """Run every step. Never raises for an item's fault."""
        self.not_run = self.missing()
        if self.not_run:
            return
        items = self.case.items(self.context.preset)
        for name, entry in self.case.inputs.items():
            self.outcomes[name] = entry.drive(self, name, items[name])
        for name, step in self.case.steps.items():
            self.outcomes[name] = step.drive(self, name, items[name])

    def give(self, entry: DataInput) -> Outcomes:
        """Take files from the data folder."""
        return given(entry, self.context.data or Path())

    def resolve(self, references: dict[str, str], item: str) -> Files | Held:
        """Paths and hashes of an item's inputs; or why the item cannot be done."""
        paths: dict[str, Path] = {}
        hashes: dict[str, str] = {}
        for name, reference in references.items():
            owner, _, output = reference.partition(".")
            outcome = self.outcomes[owner][item]
            if outcome.status == "planned":
                return Held("planned")
            if outcome.status != "ok" or outcome.record is None:
                return Held("skipped", f"{owner} failed for this item", lost=outcome.environmental)
            if output == "record" and outcome.folder is not None:
                paths[name] = outcome.folder / "record.json"
                hashes[name] = sha256_file(paths[name])
                continue
            path = outcome.output(output)
            if path is None:
                return Held("skipped", f"{owner} gave no output {output!r} for this item")
            paths[name], hashes[name] = path, outcome.record.outputs[output].sha256
        return Files(paths, hashes)

    def call_stage(self, name: str, use: StageUse, items: list[str]) -> Outcomes:
        """Call a stage on the items that the cache does not have."""
        context = self.context
        handle = context.handle(use.stage)
        share = context.share(len(items))
        outcomes: Outcomes = {}
        work: list[jobs.WorkItem] = []
        for item in items:
            files = self.resolve(use.inputs, item)
            if isinstance(files, Held):
                outcomes[item] = held(files)
                continue
            facts = self._facts(use, item, handle)
            identity = {
                "contract": CONTRACT_VERSION,
                "stage": handle.name,
                "digest": handle.digest,
                "item": item,
                "inputs": files.hashes,
                "facts": facts,
                "parameters": use.parameters,
                "seed": use.seed,
                **context.of_jobs(),
            }
            key = key_of(identity)
            entry = context.store.get(key)
            if entry:
                outcomes[item] = finished(entry, cached=True)
            elif context.execute:
                work.append(jobs.WorkItem(item, key, files.paths, files.hashes, facts))
            else:
                outcomes[item] = Outcome("planned")
        with context.progress.step(self.case.name, name, len(items), len(items) - len(work)) as done:
            if work:
                call = jobs.StageCall(
                    runner=context.runner,
                    handle=handle,
                    store=context.store,
                    parameters=use.parameters,
                    seed=use.seed,
                    limits=share.limits,
                    scratch=context.scratch(),
                    errors=context.run_folder / self.case.name / name,
                    done=done,
                )
                outcomes |= call.run(work, share.jobs)
        return {item: outcomes[item] for item in items}

    def _facts(self, use: StageUse, item: str, handle: StageHandle) -> dict[str, Any]:
        record = self.outcomes[use.facts_from][item].record if use.facts_from else None
        return {n: v for n, v in record.facts.items() if n in handle.spec.facts} if record else {}

    def draw(self, name: str, step: Simulation) -> Outcomes:
        """All draws at all levels, then their summary as the one item `draws`."""
        context = self.context
        levels: list[dict[str, Any]] = [{"id": "", "facts": {}, "parameters": {}}]
        if step.levels:
            owner = step.levels.split(".")[0]
            files = self.resolve({"levels": step.levels}, next(iter(self.outcomes[owner])))
            if isinstance(files, Held):
                return {"draws": held(files)}
            levels = json.loads(files.paths["levels"].read_text(encoding="utf-8"))["levels"]
        scratch = context.scratch() if context.execute else context.run_folder
        runner = DrawRunner(step, context, scratch, context.run_folder / self.case.name / name)
        parameters = step.parameters | (step.full_parameters if context.preset == "full" else {})
        progress = partial(context.progress.step, self.case.name, f"{name} draws") if context.execute else None
        self.draws[name], summary = draw_all(runner, levels, parameters, context.draws or step.draws, progress)
        return self.perform(name, {"draws": summary}) if isinstance(summary, Task) else {"draws": summary}

    def pictures(self) -> list[tuple[int, Outcome]]:
        """Draw the case's pictures. Returns (index in case.pictures, outcome) for those that this preset has."""
        drawn = []
        for number, spec in enumerate(self.case.pictures):
            owner = spec.volume.split(".")[0]
            if self.not_run or spec.item not in self.outcomes[owner]:
                continue
            found = spec.task_of(self)
            if isinstance(found, Held):
                drawn.append((number, held(found)))
            else:
                drawn.append((number, self.perform(spec.name, {spec.item: found})[spec.item]))
        return drawn

    def perform(self, name: str, work: Mapping[str, Task | Held]) -> Outcomes:
        """Do tasks in worker processes, or take what they made from the cache."""
        context = self.context
        todo = [task for task in work.values() if isinstance(task, Task)]
        # Workers end in any order; results keep that of the tasks, after the items that have none.
        outcomes = {item: held(reason) for item, reason in work.items() if isinstance(reason, Held)}
        outcomes |= {task.item: Outcome("planned") for task in todo}
        pending: list[tuple[Task, str]] = []
        for task in todo:
            identity = {
                "contract": CONTRACT_VERSION,
                "builtin": task.kind,
                "digest": context.digest(task.modules),
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
        total = len(todo)
        with context.progress.step(self.case.name, name, total, total - len(pending)) as done:
            folders = {task.item: Path(tempfile.mkdtemp(dir=context.scratch())) for task, _ in pending}
            futures = {
                context.pool.submit(folders[task.item], tasks.perform, task, folders[task.item]): (task, key)
                for task, key in pending
            }
            for future in as_completed(futures):
                task, key = futures[future]
                try:
                    future.result()
                    outcomes[task.item] = self._keep(name, task, key, folders[task.item])
                except EnvironmentFault as fault:
                    fault.where = fault.where or f"step {name}"
                    tasks.give_up(task, folders[task.item], fault)
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
        provenance = {"runner": "harness", "digest": self.context.digest(task.modules), "digest_kind": "source hash"}
        record = tasks.read_record(folder / "record.json")
        if record.status == "ok":
            return finished(self.context.store.put(key, folder, record, provenance), cached=False)
        place = self.context.run_folder / self.case.name / name / task.item
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        return failed(place, record, provenance)
