"""What an input, a step and a picture of a case are: one class each, in one module of this package.

A class has its fields, which the case file states; what it refers to and for which items; the tasks that come of
earlier outcomes; and `run`, which does one of them. To define it is to register it: the schema of a case has it, and
the conformance tests try its example. This module and those of the kinds import little, because the sources that a
kind imports decide the cache keys of what it makes.
"""

import functools
import operator
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, get_args

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from containers.contract.request import Strict
from harness.run.steps import registry
from harness.run.steps.task import Held, Made, Task

if TYPE_CHECKING:
    from containers.contract.record import Record
    from harness.run.case import Case
    from harness.run.outcome import Outcome
    from harness.run.steps.data import DataInput
    from harness.run.steps.simulation import Simulation

Preset = Literal["small", "full"]
PRESETS: tuple[Preset, ...] = ("small", "full")
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z0-9_.]+$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


@dataclass(frozen=True)
class Files:
    """An item's files, as earlier steps gave them."""

    paths: dict[str, Path]
    """Where each lies, by the name that the step gives it."""
    hashes: dict[str, str]
    """SHA-256 of each, by the same names."""


@dataclass(frozen=True)
class StageUse:
    """How a step calls a stage."""

    stage: str
    """Name of the stage."""
    inputs: dict[str, str]
    """What each input of the stage is taken from, by the stage's input names."""
    parameters: dict[str, Any]
    """Parameters of the stage; those not given keep its defaults."""
    seed: int = 0
    """Start of the stage's random draws."""
    facts_from: str | None = None
    """The phantom input whose items' facts the stage is given; None where it is given none."""
    own_items: bool = True
    """Whether the stage's records are those of the step's items; not so where the harness sums them up."""


@dataclass(frozen=True)
class Example:
    """The smallest use of a kind, which the conformance tests try."""

    case: dict[str, Any]
    """Inputs and steps of a case, whose last entry is of the kind."""
    task: Task | None = None
    """A task that gives a result; None for a kind that the harness does not do itself."""
    bad: Task | None = None
    """A task whose item is at fault; None where `task` is."""


class Run(Protocol):
    """What a part of a case may ask of the run of its case."""

    @property
    def case(self) -> "Case":
        """The case."""

    @property
    def outcomes(self) -> Mapping[str, Mapping[str, "Outcome"]]:
        """What became of each item, by input or step and then by item."""

    def resolve(self, references: dict[str, str], item: str) -> Files | Held:
        """An item's files by the names of their references; or why the item cannot be done."""

    def perform(self, name: str, work: Mapping[str, Task | Held]) -> dict[str, "Outcome"]:
        """Do tasks, or take what they made from the cache."""

    def give(self, entry: "DataInput") -> dict[str, "Outcome"]:
        """Take files from the data folder."""

    def call_stage(self, name: str, use: StageUse, items: list[str]) -> dict[str, "Outcome"]:
        """Call a stage on items."""

    def draw(self, name: str, step: "Simulation") -> dict[str, "Outcome"]:
        """Make the draws of a simulation and sum them up."""


class Part(Strict):
    """An input, a step or a picture of a case."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        kind = cls.kind_name()
        if kind:
            registry.register(kind, cls)

    @classmethod
    def kind_name(cls) -> str:
        """Name of the kind, as its field `kind` has it; empty for a class that only others are made from."""
        kind = cls.model_fields.get("kind")
        [name] = get_args(kind.annotation) if kind else [""]
        return str(name)

    @classmethod
    @abstractmethod
    def example(cls, folder: Path) -> Example:
        """The smallest use of the kind; its files are written to `folder`."""

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Do one task in an empty folder, in a worker process: equal tasks give equal bytes. Raises ItemFault."""
        raise NotImplementedError(f"the harness does no task of kind {task.kind}")

    def task(self, item: str, files: Files, parameters: dict[str, Any], modules: tuple[str, ...] = ()) -> Task:
        """A task of this kind. modules: those that do it and are imported by their names only when it is run."""
        own = (type(self).__module__, *modules)
        return Task(self.kind_name(), item, files.paths, files.hashes, parameters, own)


class _Union(Part):
    """Base of the two parts that are one of several kinds: where a model has it as a field, the kind decides."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = [part for _, part in sorted(registry.KINDS.items()) if issubclass(part, cls)]
        if cls.kind_name() or not known:
            return handler(source)
        return handler.generate_schema(Annotated[functools.reduce(operator.or_, known), Field(discriminator="kind")])


class Input(_Union):
    """Items that a case begins with."""

    from_data: ClassVar[bool] = False
    """Whether its files lie in the data folder; else the harness makes them."""

    @abstractmethod
    def item_ids(self, preset: Preset) -> list[str]:
        """Identifiers of its items in a preset."""

    @abstractmethod
    def drive(self, run: Run, name: str, items: list[str]) -> dict[str, "Outcome"]:
        """Make or take the items. name: what the case calls the input."""

    def phantom_name(self) -> str | None:
        """The phantom that makes it; None for files from the data folder."""
        return None

    @abstractmethod
    def in_order(self, arrange: Callable[[list[Any]], None]) -> "Input":
        """The input with its items in another order. arrange: changes a list's order in place."""

    def missing(self, data: Path | None) -> str:
        """The first file that the data folder lacks, or an empty string. data: the folder; None where there is none."""
        return ""


class Step(_Union):
    """What is done on items."""

    def inputs_by_name(self) -> dict[str, str]:
        """The references of a task's inputs, by their names in the task."""
        return {}

    def references(self) -> list[str]:
        """All references of the step."""
        return list(self.inputs_by_name().values())

    def phantoms(self) -> list[str]:
        """The phantom inputs that it names."""
        return []

    def check(self, name: str, case: "Case") -> None:
        """Raise ValueError where the step does not fit the rest of its case. name: what the case calls it."""

    def item_ids(self, name: str, sets: Mapping[str, list[str]]) -> list[str]:
        """Identifiers of its items. sets: those of all inputs and earlier steps. Raises ValueError."""
        return sets[self.one_source(name, sets)]

    def one_source(self, name: str, sets: Mapping[str, list[str]]) -> str:
        """An input or step that it refers to; empty for none. Raises ValueError where their items differ."""
        sources = sorted({reference.split(".")[0] for reference in self.references()})
        if len({tuple(sets[source]) for source in sources}) > 1:
            raise ValueError(f"step {name} mixes inputs with different items")
        return sources[0] if sources else ""

    def settings(self) -> dict[str, Any]:
        """The parameters of its tasks."""
        return {}

    def modules(self, run: Run) -> tuple[str, ...]:
        """Modules that do its tasks and are imported by their names only when they are run."""
        return ()

    def tasks(self, run: Run, items: list[str]) -> dict[str, Task | Held]:
        """What is to be done for each item, from earlier outcomes."""
        work: dict[str, Task | Held] = {}
        for item in items:
            files = run.resolve(self.inputs_by_name(), item)
            if isinstance(files, Held):
                work[item] = files
            else:
                work[item] = self.task(item, files, self.settings(), self.modules(run))
        return work

    def drive(self, run: Run, name: str, items: list[str]) -> dict[str, "Outcome"]:
        """Do the step. name: what the case calls it."""
        return run.perform(name, self.tasks(run, items))

    def use(self) -> StageUse | None:
        """The stage that it calls; None for none."""
        return None

    def with_use(self, use: StageUse) -> "Step":
        """The step with another seed, other parameters or other inputs of its stage."""
        return self

    def in_preset(self, preset: Preset) -> "Step":
        """The step as a preset has it."""
        return self

    def no_verdict(self, record: "Record", metric: str) -> str:
        """Why a metric of its record allows no verdict, in words; empty where it does."""
        return ""

    def expected_errors(self) -> dict[str, str]:
        """Items that are bad on purpose, with the regular expression that their error line must match."""
        return {}
