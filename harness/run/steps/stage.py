"""Call a stage on every item."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Preset, Reference, Run, StageUse, Step

if TYPE_CHECKING:
    from harness.run.outcome import Outcome


class StageStep(Step):
    """Call a stage on every item."""

    kind: Literal["stage"]
    """Marks a step that a stage does."""
    stage: Name
    """Name of the stage."""
    inputs: dict[str, Reference] = Field(min_length=1)
    """Where each input of the stage comes from, by the stage's input names."""
    facts_from: Name | None = None
    """The phantom input whose items' facts the stage is given; None where it is given none."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the stage; those not given keep its defaults."""
    small_parameters: dict[str, Any] = Field(default_factory=dict)
    """Parameters that join `parameters` in preset small, where a run must be short."""
    seed: int = Field(default=0, ge=0)
    """Start of the stage's random draws."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "stage", "stage": "lines", "inputs": {"text": "files.one"}}
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}})

    def inputs_by_name(self) -> dict[str, str]:
        return dict(self.inputs)

    def phantoms(self) -> list[str]:
        return [self.facts_from] if self.facts_from is not None else []

    def use(self) -> StageUse:
        return StageUse(self.stage, self.inputs_by_name(), self.parameters, self.seed, self.facts_from)

    def with_use(self, use: StageUse) -> Step:
        return self.model_copy(update={"inputs": use.inputs, "parameters": use.parameters, "seed": use.seed})

    def in_preset(self, preset: Preset) -> Step:
        added = self.small_parameters if preset == "small" else {}
        return self.model_copy(update={"parameters": self.parameters | added})

    def drive(self, run: Run, name: str, items: list[str]) -> dict[str, "Outcome"]:
        return run.call_stage(name, self.use(), items)
