"""The report folder as a Process Run Crate: read back by the rocrate library, held to the profile's rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from rocrate import rocrate

from harness.report import crate
from harness.run.results import JobResult, Results

Rendered = tuple[Results, Path, Path]


@pytest.fixture
def read(rendered: Rendered, tmp_path: Path) -> Any:
    crate.write(rendered[0], rendered[2])
    return rocrate.ROCrate(rendered[2])


def test_every_file_of_the_crate_is_there(read: Any, rendered: Rendered) -> None:
    names = {entity.id for entity in read.data_entities}
    assert names == set(crate.FILES)
    assert names | {crate.NAME} == {path.name for path in rendered[2].iterdir()}


def test_the_root_says_what_the_profile_demands(read: Any) -> None:
    root = read.root_dataset
    assert root["conformsTo"].id == crate.PROFILE
    assert read.dereference(crate.PROFILE)["version"] == "0.5"
    assert all(root[name] for name in ("name", "description", "license", "datePublished"))
    assert read.metadata["conformsTo"] == "https://w3id.org/ro/crate/1.1"


def test_every_job_is_an_action_with_its_stage_and_how_it_ended(read: Any, rendered: Rendered) -> None:
    results = rendered[0]
    actions = {action["name"]: action for action in read.root_dataset["mentions"]}
    assert len(actions) == len(results.jobs) + 1
    for job in results.jobs:
        action = actions[f"{job.case} / {job.step}"]
        assert action.type == "CreateAction"
        assert action["instrument"]["identifier"] == job.digest
        assert action["instrument"]["softwareVersion"] == job.version
        assert action["containerImage"]["sha256"] == job.digest.removeprefix("sha256:")
        bad = [i for i in results.items if (i.case, i.step) == (job.case, job.step) and i.status != "ok"]
        assert action["actionStatus"].endswith("FailedActionStatus" if bad else "CompletedActionStatus")
        assert ("error" in action) is bool(bad)
    assert {file.id for file in actions["myorepro reproduce"]["result"]} == set(crate.FILES)
    assert "ukb_thigh" not in [paper["name"] for paper in actions["myorepro reproduce"]["object"]]


def test_no_reference_of_the_crate_leads_nowhere(read: Any) -> None:
    graph = json.loads((Path(read.source) / crate.NAME).read_text())["@graph"]
    known = {entity["@id"] for entity in graph}
    assert len(known) == len(graph)

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [value["@id"]] if set(value) == {"@id"} else [r for v in value.values() for r in references(v)]
        return [r for v in value for r in references(v)] if isinstance(value, list) else []

    outside = {r for entity in graph for r in references(entity)} - known
    assert all(r.startswith("https://w3id.org/ro/") for r in outside)


def test_a_child_process_has_no_image(rendered: Rendered) -> None:
    job = rendered[0].jobs[0].model_dump() | {"digest_kind": "source hash", "runner": "process"}
    results = rendered[0].model_copy(update={"jobs": [JobResult.model_validate(job)]})
    kinds = [entity["@type"] for entity in crate.metadata(results)["@graph"]]
    assert "ContainerImage" not in kinds


def test_equal_results_give_equal_bytes_with_the_commits_date(rendered: Rendered, tmp_path: Path) -> None:
    dated = rendered[0].model_copy(update={"environment": {"commit date": "2026-01-02"}})
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        crate.write(dated, tmp_path / name)
    assert (tmp_path / "a" / crate.NAME).read_bytes() == (tmp_path / "b" / crate.NAME).read_bytes()
    assert '"datePublished": "2026-01-02"' in (tmp_path / "a" / crate.NAME).read_text()
