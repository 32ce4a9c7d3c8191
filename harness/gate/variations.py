"""Harmless variations: what may change about a run without any number of it moving.

`SAMPLED` and the seeds are what a baseline takes its tolerances from. `HARMLESS` are others, of which none may raise
an alarm: `myorepro mutants` runs them all.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from harness.gate.disguises import DICOM, DISGUISES, SEED_STEPS, other_random_numbers
from harness.gate.running import Changes
from harness.gate.spec import GateCase
from harness.run.context import JobSetting
from harness.run.steps.base import Input, StageUse, Step


@dataclass(frozen=True)
class Variation:
    """One change of how a case is run, or of the form its inputs come in."""

    name: str
    """Name of the variation."""
    kind: str
    """What it varies; a tolerance is taken over all variations of a kind."""
    threads: int = 1
    """Processor threads of a job."""
    memory_bytes: int | None = None
    """Memory limit of a job in bytes; None for the runner's own."""
    seed: int | None = None
    """Seed of the stage steps; None for those of the case."""
    order: int | None = None
    """0 reverses the items of a job, another number is the seed of a shuffle; None for the case's order."""
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Parameters of stages that differ, by stage and name."""
    disguise: str = ""
    """Form of the inputs, by the name of a function of `disguises`; empty for none."""
    references: dict[str, str] = field(default_factory=dict)
    """The output that takes the place of another one as input of stage steps, by the name of that one."""
    cases: tuple[str, ...] = ()
    """Gate cases that it is for; empty for all to which it applies."""

    def setting(self) -> JobSetting:
        """How jobs are run."""
        return JobSetting(self.threads, self.memory_bytes, self.order)

    def concerns(self, case: GateCase) -> bool:
        """Whether the variation changes anything about a case."""
        if self.cases and case.name not in self.cases:
            return False
        if self.order is not None:
            return any(len(items) > 1 for items in case.items("small").values())
        if self.parameters:
            return bool(set(self.parameters) & set(case.stages()))
        if self.references:
            used = {reference for use in _uses(case).values() for reference in use.inputs.values()}
            return any(reference.endswith(tuple(self.references)) for reference in used)
        if self.disguise and self.seed is None:
            return bool(self.changes(case))
        return True

    def of(self, case: GateCase) -> GateCase:
        """The case as the variation has it."""
        uses = _uses(case)
        steps = {name: self._step(step, uses[name]) if name in uses else step for name, step in case.steps.items()}
        inputs = {name: self._input(entry) for name, entry in case.inputs.items()}
        return case.model_copy(update={"steps": steps, "inputs": inputs})

    def _step(self, step: Step, use: StageUse) -> Step:
        if self.seed is not None:
            use = replace(use, seed=use.seed + self.seed)
        if use.stage in self.parameters:
            use = replace(use, parameters=use.parameters | self.parameters[use.stage])
        if self.references:
            use = replace(use, inputs={name: self._exchanged(reference) for name, reference in use.inputs.items()})
        return step.with_use(use)

    def _exchanged(self, reference: str) -> str:
        owner, _, output = reference.partition(".")
        return f"{owner}.{self.references.get(output, output)}"

    def _input(self, entry: Input) -> Input:
        if self.order is None:
            return entry
        return entry.in_order(random.Random(self.order).shuffle if self.order else list.reverse)

    def changes(self, case: GateCase) -> Changes:
        """The inputs that come in another form."""
        if not self.disguise:
            return {}
        phantoms = DISGUISES[self.disguise].phantoms
        return {name: [self.disguise] for name, entry in case.inputs.items() if entry.phantom_name() in phantoms}


def _uses(case: GateCase) -> dict[str, StageUse]:
    """How each step that a stage does calls it."""
    found = {name: step.use() for name, step in case.steps.items()}
    return {name: use for name, use in found.items() if use is not None and use.own_items}


SAMPLED_SEEDS = 9
ON_ANATOMY = ("zip shuffled", "other identifiers")
CSV = {"table": "table_csv"}
NETWORKS = ("spine_segmentation", "thigh_segmentation")
NO_NETWORK = ("back", "fusion", "meta_studies", "nako_cohort", "thigh", "ukb_cohort")


SAMPLED = (
    Variation("2 threads", "threads", threads=2),
    Variation("items reversed", "order", order=0),
    Variation("fusion by numpy", "backend", parameters={"fusion": {"backend": "numpy"}}),
    Variation("fusion by torch", "backend", parameters={"fusion": {"backend": "torch"}}),
    Variation(
        "networks in float32", "arithmetic", parameters={network: {"precision": "float32"} for network in NETWORKS}
    ),
)


def sampled_seeds(count: int) -> Iterator[Variation]:
    """As many seeds as a case asks for, nine at most: of the request, and of the resampling that an input asks for."""
    yield from (_seed(step) for step in SEED_STEPS[:count])


def _seed(step: int) -> Variation:
    return Variation(f"seed +{step}", "seed", seed=step, disguise=other_random_numbers(step))


def reference_variation() -> Variation:
    """The case as it stands."""
    return Variation("reference", "reference")


def _harmless() -> Iterator[Variation]:
    """Variations that no baseline was sampled from. Where one code reads many cases alike, one case stands for all."""
    for name, form in DISGUISES.items():
        if form.phantoms == DICOM:
            yield Variation(name, "input", disguise=name, cases=() if name in ON_ANATOMY else ("fusion",))
        elif form.outputs == ("table_csv",):
            yield Variation(name, "input", disguise=name, references=CSV, cases=("meta_studies", "ukb_cohort"))
        elif form.outputs == ("table",):
            yield Variation(name, "input", disguise=name, cases=("meta_studies", "nako_cohort", "ukb_cohort"))
    yield Variation("CSV for Parquet", "input", references=CSV)
    for number, step in enumerate(SEED_STEPS[SAMPLED_SEEDS:]):
        yield replace(_seed(step), cases=("back", "nako_cohort") if number else NO_NETWORK)
    for number in range(1, 4):
        yield Variation(f"items shuffled {number}", "order", order=number, cases=("fusion",))
    yield Variation("items shuffled 4", "order", order=4, cases=("thigh",))
    yield Variation("3 threads", "threads", threads=3)
    yield Variation("4 threads", "threads", threads=4, cases=("fusion", "meta_studies", "nako_cohort"))
    yield Variation("2 threads and items reversed", "threads", threads=2, order=0, cases=("fusion",))
    for backend in ("numpy", "torch"):
        name = f"fusion by {backend} on 2 threads"
        yield Variation(name, "backend", threads=2, parameters={"fusion": {"backend": backend}}, cases=("fusion",))
    yield Variation("memory limit 8 GiB", "memory", memory_bytes=8 << 30)


HARMLESS = tuple(_harmless())
