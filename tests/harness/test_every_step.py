"""Conformance: what holds of every kind of input, step and picture of a case, whichever there are.

A new one is tested by being defined in a module of `harness.run.steps`.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from containers.contract.record import Record
from containers.toolkit.runtime.sources import source_digest
from harness.cli.schemas import schema
from harness.gate.spec import GateCase
from harness.project import ROOT
from harness.run.case import Case
from harness.run.steps import registry
from harness.run.steps.base import Example, Input, Part, Step
from harness.run.steps.task import Task, perform
from tests.harness.conftest import Runs

EVERY = pytest.mark.parametrize("kind", registry.kinds())
DONE_HERE = pytest.mark.parametrize("kind", sorted(set(registry.kinds()) - {"data", "stage"}))
PACKAGES = ("containers", "harness", "phantoms")
CHECK = {
    "name": "c", "title": "t", "step": "count", "count": "items_ok", "minimum": 1, "tolerance_source": "exact",
    "evidence": "phantom",
}  # fmt: skip
COUNT = {"kind": "stage", "stage": "lines", "inputs": {"text": "more.one"}}
NEW = '''"""The number of bytes of a file."""
from pathlib import Path
from typing import Any, Literal

from containers.contract.errors import ItemFault
from containers.contract.record import Metric
from harness.run.steps import examples
from harness.run.steps.base import Example, Reference, Step
from harness.run.steps.task import Made, Task


class CountBytes(Step):
    """Count the bytes of a file. Gives `copy`."""

    kind: Literal["count_bytes"]
    """Marks the step that counts bytes."""
    file: Reference
    """The file whose bytes are counted."""
    most: int = 100
    """Most bytes that are counted."""

    @classmethod
    def example(cls, folder: Path) -> Example:
        last = {"kind": "count_bytes", "file": "files.one"}
        (folder / "four").write_bytes(b"four")
        good, bad = (Task("count_bytes", "a", {"file": folder / "four"}, {}, {"most": most}) for most in (100, 3))
        return Example({"inputs": {"files": examples.FILES}, "steps": {"last": last}}, good, bad)

    def inputs_by_name(self) -> dict[str, str]:
        return {"file": self.file}

    def settings(self) -> dict[str, Any]:
        return {"most": self.most}

    @classmethod
    def run(cls, task: Task, folder: Path) -> Made:
        content = task.inputs["file"].read_bytes()
        if len(content) > task.parameters["most"]:
            raise ItemFault("has too many bytes", where=task.inputs["file"].name, fix="cut it")
        (folder / "copy").write_bytes(content)
        return Made(files={"copy": "copy"}, metrics={"bytes": Metric(value=len(content), unit="1")})
'''


def fields_of(example: Example) -> dict[str, Any]:
    """A whole case about an example."""
    more = {"kind": "data", "source": "nowhere", "items": [{"id": "a", "files": {"one": "b.one"}}]}
    part = deepcopy(example.case)
    return {
        "name": "tried", "title": "t", "evidence": "phantom", "checks": [CHECK],
        "pictures": part.get("pictures", []),
        "inputs": {"more": more, **part.get("inputs", {})},
        "steps": {"count": COUNT, **part.get("steps", {})},
    }  # fmt: skip


def last_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The entry of a case that is of the kind."""
    places: list[dict[str, Any]] = [fields["inputs"], fields["steps"], {p["name"]: p for p in fields["pictures"]}]
    [found] = [place["last"] for place in places if "last" in place]
    return dict(found)


def with_last(fields: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """A copy of a case with another last entry."""
    made = deepcopy(fields)
    for place in (made["inputs"], made["steps"]):
        if "last" in place:
            place["last"] = entry
    made["pictures"] = [entry for _ in made["pictures"]]
    return made


def part_of(case: Case) -> Part:
    """The part of a case that is of the kind."""
    return next(iter(case.pictures), None) or case.inputs.get("last") or case.steps["last"]


def done(task: Task, folder: Path) -> Record:
    folder.mkdir()
    perform(task, folder)
    return Record.model_validate_json((folder / "record.json").read_bytes())


def states_a_case(kind: str, folder: Path) -> None:
    """The example is a case by model and schema; what no field has, or another reference, is refused."""
    part = registry.kinds()[kind]
    fields = fields_of(part.example(folder))
    case = Case.model_validate(fields)
    assert type(part_of(case)) is part and part.kind_name() == kind
    jsonschema.validate(case.model_dump(mode="json"), schema("case"))
    assert Case.model_validate(case.model_dump(mode="json")) == case
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Case.model_validate(with_last(fields, last_of(fields) | {"no_such_field": 1}))
    references = getattr(part_of(case), "references", list)()
    for reference in references.values() if isinstance(references, dict) else references:
        owner = reference.split(".")[0]
        text = json.dumps(last_of(fields))
        # A step is named by a whole reference or by its name alone.
        other = json.loads(text.replace(f'"{owner}.', '"nowhere.').replace(f'"{owner}"', '"nowhere"'))
        with pytest.raises(ValidationError, match="refers to 'nowhere"):
            Case.model_validate(with_last(fields, other))


def does_its_task(kind: str, folder: Path) -> None:
    """Equal tasks give equal bytes; an item at fault gives an error record of one line and nothing else is raised."""
    part = registry.kinds()[kind]
    example = part.example(folder)
    good, bad = example.task, example.bad
    assert good is not None and bad is not None
    record = done(good, folder / "first")
    assert record.status == "ok", record.error
    assert record.stage.name == f"harness_{kind}" and record.item == good.item and record.parameters == good.parameters
    assert record.outputs
    assert done(replace(good, modules=(part.__module__,)), folder / "second") == record
    for name in sorted(path.name for path in (folder / "first").iterdir()):
        assert (folder / "first" / name).read_bytes() == (folder / "second" / name).read_bytes(), name
    found = done(bad, folder / "bad")
    assert found.status == "error" and found.error is not None and found.error.kind == "input"
    said = [found.error.what, found.error.where, found.error.fix]
    assert all(said) and "\n" not in "".join(said)


@EVERY
def test_a_kind_states_a_case(kind: str, tmp_path: Path) -> None:
    states_a_case(kind, tmp_path)
    part = registry.kinds()[kind]
    fields = part.model_json_schema()["properties"]
    assert (part.__doc__ or "").strip() and all(field.get("description", "").strip() for field in fields.values())


@DONE_HERE
def test_a_kind_does_its_task(kind: str, tmp_path: Path) -> None:
    does_its_task(kind, tmp_path)


def test_only_what_the_harness_does_not_do_has_no_task(tmp_path: Path) -> None:
    without = [kind for kind, part in registry.kinds().items() if part.example(tmp_path).task is None]
    assert without == ["data", "stage"]


def test_the_schema_has_all_kinds_in_a_fixed_order() -> None:
    properties = schema("case")["properties"]
    for place, base in (("inputs", Input), ("steps", Step)):
        [values] = [v for v in properties[place].values() if isinstance(v, dict) and "^[a-z][a-z0-9_]*$" in v]
        part = values["^[a-z][a-z0-9_]*$"]
        names = [kind for kind, one in registry.kinds().items() if issubclass(one, base)]
        classes = [registry.find(kind).__name__ for kind in names]
        assert list(part["discriminator"]["mapping"]) == names
        assert part["oneOf"] == [{"$ref": f"#/$defs/{name}"} for name in classes]


def test_an_unknown_kind_is_one_line_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no step is of kind 'no_such'; known: collect, compare, data, "):
        registry.find("no_such")
    fields = fields_of(registry.find("compare").example(tmp_path))
    with pytest.raises(ValidationError, match="'truth_labels'"):
        Case.model_validate(with_last(fields, {"kind": "no_such"}))


def test_a_kind_is_given_once() -> None:
    with pytest.raises(TypeError, match=r"two classes are of kind compare: in harness\.run\.steps\.compare and in "):
        registry.register("compare", Step)


@contextmanager
def added(module: str) -> Iterator[None]:
    """A step from a module of the test, until the end."""
    before = set(registry.kinds())
    try:
        __import__(module)
        for model in (Case, GateCase):
            model.model_rebuild(force=True)
        yield
    finally:
        for kind in set(registry.KINDS) - before:
            del registry.KINDS[kind]
        sys.modules.pop(module, None)
        for model in (Case, GateCase):
            model.model_rebuild(force=True)


@pytest.fixture
def new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of a new step, where imports find it; workers that are started later take the path over."""
    (tmp_path / "count_bytes.py").write_text(NEW, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "count_bytes.py"


def test_one_file_adds_a_step(new_file: Path, run_case: Runs, tmp_path: Path) -> None:
    """It states cases, is run in a worker process, comes from the cache, and goes."""
    before = schema("case")
    with added("count_bytes"):
        for number, holds in enumerate((states_a_case, does_its_task)):
            (tmp_path / str(number)).mkdir()
            holds("count_bytes", tmp_path / str(number))
        files = {"kind": "data", "source": "test", "items": [{"id": "x", "files": {"text": "x.txt"}}]}
        check = {**CHECK, "step": "size", "count": None, "metric": "bytes", "minimum": 4}
        case = Case.model_validate(
            {
                "name": "bytes", "title": "t", "evidence": "phantom", "inputs": {"files": files}, "checks": [check],
                "steps": {"size": {"kind": "count_bytes", "file": "files.text"}},
            }
        )  # fmt: skip
        outcomes = [run_case({"x": "four"}, case=case, run_name=name).outcomes["size"]["x"] for name in ("one", "two")]
        assert outcomes[0].status == "ok", outcomes[0].line
        assert [outcome.cached for outcome in outcomes] == [False, True]
        assert outcomes[0].record is not None and outcomes[0].record.metrics["bytes"].value == 4
        new_file.write_text(NEW + "# one more word\n", encoding="utf-8")
        assert not run_case({"x": "four"}, case=case, run_name="three").outcomes["size"]["x"].cached
    assert schema("case") == before


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        for path in (ROOT / name).rglob("*.py"):
            place = folder / path.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    return folder


TASKS = {
    "thigh": ("harness.run.steps.phantom", "phantoms.thigh.participant"),
    "back": ("harness.run.steps.phantom", "phantoms.back.participant"),
    "thigh labels": ("harness.run.steps.truth_labels", "phantoms.thigh.participant"),
    "draw": ("harness.run.one_draw", "phantoms.cohorts.ukb"),
    "compare": ("harness.run.steps.compare",),
    "simulation": ("harness.run.steps.simulation",),
    "forest": ("harness.run.steps.picture", "harness.pictures.meta_plot"),
    "seams": ("harness.run.steps.picture", "harness.pictures.seam_picture"),
}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("harness/run/steps/compare.py", {"compare"}),
        ("harness/run/steps/truth_labels.py", {"thigh labels"}),
        ("harness/run/steps/performance.py", {"simulation"}),
        ("phantoms/back/haste.py", {"back"}),
        ("phantoms/shared/dixon.py", {"thigh", "back", "thigh labels"}),
        ("phantoms/cohorts/ukb.py", {"draw"}),
        ("harness/pictures/meta_plot.py", {"forest"}),
        ("harness/pictures/slices.py", {"seams"}),
        ("harness/pictures/frame.py", {"forest", "seams"}),
        ("harness/run/steps/base.py", set(TASKS) - {"draw"}),
        ("harness/run/steps/task.py", set(TASKS)),
        ("harness/run/pipeline.py", set()),
        ("harness/run/jobs.py", set()),
        ("harness/run/draws.py", set()),
        ("harness/run/case.py", set()),
        ("containers/contract/stage.py", set()),
    ],
)
def test_a_word_changes_the_keys_of_what_it_can_change(tree: Path, file: str, changed: set[str]) -> None:
    def digests() -> dict[str, str]:
        return {name: source_digest(modules, PACKAGES, tree) for name, modules in TASKS.items()}

    before, text = digests(), (tree / file).read_bytes()
    (tree / file).write_bytes(text + b"# one more word\n")
    try:
        after = digests()
    finally:
        (tree / file).write_bytes(text)
    assert {name for name in TASKS if before[name] != after[name]} == changed
