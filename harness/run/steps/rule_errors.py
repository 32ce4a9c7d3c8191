"""InterMAT by every rule against what is known: of phantoms the truth, of real people water and fat."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.record import Metric, Record
from harness.run.steps import examples
from harness.run.steps.base import Example, Name, Run, Step
from harness.run.steps.gather import good_items, hashed, pair
from harness.run.steps.task import Held, Made, Task, read_phantom, read_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.run.outcome import Outcome

WHOLE = "all"
RULES_DETAIL = "intermat_percent_by_rule"
"""Detail of the stage's record: InterMAT by structure, then by rule."""
TRUTHS = ("tissue", "signal")
"""What is known of a real structure: share of fat by volume of tissue, and by signal of water and fat."""


class RuleErrors(Step):
    """Put InterMAT by every rule next to what is known of phantoms and of real people. Gives one item, `rules`.

    Its output `errors` (JSON) has a row for each rule, structure, item and image, for the figure; its metrics are the
    mean error of all muscles together (`bias_*`) and the root mean square over single muscles (`rms_*`) per rule, in
    percentage points: of phantoms, of real people by tissue and by signal.
    """

    kind: Literal["rule_errors"]
    """Marks the step that compares the rules."""
    real: dict[Name, Name] = Field(min_length=1)
    """Steps that measured T2-weighted images of real people, with the step `t2_weighted` that knows their fat."""
    phantom: Name
    """The step that measured phantoms."""
    truth: Name
    """The phantom input that has the true values."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        rules = {name: {"hard": 6.0, "soft": None} for name in (WHOLE, "multifidus_left")}
        shares = {f"{truth}_percent.{name}": 5.0 for truth in TRUTHS for name in rules}
        stage = {"kind": "stage", "stage": "lines"}
        measured = examples.record(folder, "m.json", {}, {RULES_DETAIL: rules})
        inputs = {
            "real.one.a": measured,
            "known.one.a": examples.record(folder, "t.json", shares),
            "record.b": measured,
            "phantom.b": examples.phantom(folder, "nako_participant", {}, {"intermat_percent": 5.5}),
        }
        steps = {
            "one": {**stage, "inputs": {"text": "files.one"}},
            "made": {"kind": "t2_weighted", "water": "files.one", "fat": "files.two", "labels": "files.one"},
            "two": {**stage, "inputs": {"text": "people.haste_zip"}},
            "last": {"kind": "rule_errors", "real": {"one": "made"}, "phantom": "two", "truth": "people"},
        }
        people = {"kind": "phantom", "phantom": "nako_participant", "items": [{"id": "b"}]}
        good = Task("rule_errors", "rules", inputs, {}, {"left_out": []})
        bad = Task("rule_errors", "rules", {**inputs, "real.one.a": examples.broken(folder)}, {}, {"left_out": []})
        return Example({"inputs": {"files": examples.FILES, "people": people}, "steps": steps}, good, bad)

    def references(self) -> list[str]:
        steps = [*self.real, *self.real.values(), self.phantom]
        return [f"{step}.record" for step in dict.fromkeys(steps)]

    def phantoms(self) -> list[str]:
        return [self.truth]

    def item_ids(self, name: str, sets: "Mapping[str, list[str]]") -> list[str]:
        return ["rules"]

    def tasks(self, run: Run, items: list[str]) -> dict[str, Task | Held]:
        """The task of the one item `rules`; or why there can be none."""
        outcomes = [*(run.outcomes[step] for step in (*self.real, *self.real.values(), self.phantom))]
        if any(outcome.status == "planned" for step in outcomes for outcome in step.values()):
            return {"rules": Held("planned")}
        inputs: dict[str, Path] = {}
        left_out = []
        for step, known in self.real.items():
            measured, shares = run.outcomes[step], run.outcomes[known]
            good = good_items(list(measured), measured, shares)
            left_out += [f"{step}/{item}" for item in measured if item not in good]
            for item in good:
                inputs[f"real.{step}.{item}"] = _record_of(measured[item])
                inputs[f"known.{step}.{item}"] = _record_of(shares[item])
        measured, truth = run.outcomes[self.phantom], run.outcomes[self.truth]
        good = good_items(list(measured), measured, truth)
        left_out += [f"{self.phantom}/{item}" for item in measured if item not in good]
        for item in good:
            inputs |= pair(item, measured[item], truth[item])
        if not any(name.startswith("real.") for name in inputs) or not good:
            return {"rules": Held("skipped", "no phantom, or no real image, has a result")}
        return {"rules": self.task("rules", hashed(inputs), {"left_out": sorted(left_out)})}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        """Rows for the figure, and errors by rule. Raises ItemFault for records of another kind."""
        rows: list[dict[str, Any]] = []
        for name, path in sorted(task.inputs.items()):
            kind, _, rest = name.partition(".")
            if kind == "real":
                known = read_record(task.inputs[f"known.{rest}"])
                step, _, item = rest.partition(".")
                for truth in TRUTHS:
                    family = f"{truth}_percent."
                    values = {n.removeprefix(family): m.value for n, m in known.metrics.items() if n.startswith(family)}
                    rows += _rows(_rules(read_record(path), path), values, f"real, by {truth}", step, item)
            elif kind == "record":
                said = read_phantom(task.inputs[f"phantom.{rest}"])["truth"]
                values = {n.removeprefix("intermat_percent."): v for n, v in said.items() if "intermat_percent." in n}
                values |= {WHOLE: said.get("intermat_percent")}
                rows += _rows(_rules(read_record(path), path), values, "phantom", "phantom", rest)
        write_json(folder / "errors.json", {"schema_version": "1.0", "rows": rows})
        warnings = [f"left out: {name} has no result" for name in task.parameters["left_out"]]
        return Made(files={"errors": "errors.json"}, metrics=_metrics(rows), warnings=warnings)


def _record_of(outcome: "Outcome") -> Path:
    return (outcome.folder or Path()) / "record.json"


def _rules(record: Record, path: Path) -> dict[str, dict[str, float | None]]:
    """InterMAT by structure, then by rule."""
    if RULES_DETAIL not in record.details:
        fix = "give the record of composition with an image"
        raise ItemFault(f"has no {RULES_DETAIL}", where=path.name, fix=fix)
    return dict(record.details[RULES_DETAIL])


def _rows(
    measured: dict[str, dict[str, float | None]], truth: dict[str, Any], group: str, image: str, item: str
) -> list[dict[str, Any]]:
    """A row for each rule and structure that both know; single labels and the whole, no unions of labels."""
    singles = ("_left", "_right")
    return [
        {
            "group": group,
            "image": image,
            "item": item,
            "structure": structure,
            "rule": rule,
            "measured": value,
            "truth": float(truth[structure]),
        }
        for structure, by_rule in measured.items()
        if (structure == WHOLE or (structure.endswith(singles) and not structure.startswith("autochthon")))
        and truth.get(structure) is not None
        for rule, value in by_rule.items()
        if value is not None
    ]


def _metrics(rows: list[dict[str, Any]]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for group in dict.fromkeys(row["group"] for row in rows):
        label = group.replace(", by ", "_").replace(" ", "_")
        for rule in dict.fromkeys(row["rule"] for row in rows):
            of = [row for row in rows if row["group"] == group and row["rule"] == rule]
            whole = [row["measured"] - row["truth"] for row in of if row["structure"] == WHOLE]
            single = [row["measured"] - row["truth"] for row in of if row["structure"] != WHOLE]
            if whole:
                found[f"bias_{label}.{rule}"] = Metric(value=float(np.mean(whole)), unit="%")
                found[f"worst_{label}.{rule}"] = Metric(value=float(np.max(np.abs(whole))), unit="%")
            if single:
                found[f"rms_{label}.{rule}"] = Metric(value=float(np.sqrt(np.mean(np.square(single)))), unit="%")
    return found
