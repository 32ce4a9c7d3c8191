"""A candidate in place of the reference: how its folder, program or image is found, and what its runner is told."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from containers.contract.errors import RequestFault
from harness.gate.candidate import ByStage, Candidate, candidate_of, plant, seen_by, split_digest
from harness.gate.running import ONE_THREAD
from harness.gate.variations import HARMLESS, SAMPLED
from harness.run.context import JobSetting
from harness.runners.base import Call, Limits
from harness.runners.process import ProcessRunner
from harness.runners.stages import CONTAINERS

STAGE = Path(__file__).parent / "stages" / "table_mean"


@dataclass
class Closed:
    """A runner that shows a stage other paths than the host's, as an engine does."""

    name: str = "closed"

    def inside(self, path: Path, slot: str) -> str:
        return f"/inputs/{slot}/{path.name}"

    def output_inside(self, output: Path) -> str:
        return "/output"


def call(folder: Path) -> Call:
    items = [{"id": "a", "inputs": {"table": f"{folder}/t.csv"}}, {"id": "b", "inputs": {"table": f"{folder}/t.csv"}}]
    request: dict[str, Any] = {"items": items, "output": f"{folder}/out", "resources": {"threads": 8}}
    return Call(json.dumps(request), {f"{folder}/t.csv": folder / "t.csv"}, folder / "out", Limits(threads=8))


def test_an_image_is_told_its_own_paths_and_each_is_mounted(tmp_path: Path) -> None:
    seen = seen_by(Closed(), call(tmp_path))  # type: ignore[arg-type]
    request = json.loads(seen.request)
    assert [item["inputs"]["table"] for item in request["items"]] == ["/inputs/a/table/t.csv", "/inputs/b/table/t.csv"]
    assert request["output"] == "/output"
    assert seen.inputs == {f"/inputs/{item}/table/t.csv": tmp_path / "t.csv" for item in "ab"}


def test_a_folder_is_planted_under_the_stage_s_name_beside_the_contract(tmp_path: Path) -> None:
    place = plant("table_mean", STAGE, tmp_path)
    assert place == tmp_path / "containers" / "table_mean"
    assert (tmp_path / "containers" / "contract" / "stage.py").is_file()
    names = {path.name for path in (tmp_path / "containers").iterdir()}
    assert names == {"__init__.py", "contract", "toolkit", "table_mean"}


def test_the_digest_of_a_candidate_is_of_its_own_files_and_of_the_toolkit_s(tmp_path: Path) -> None:
    folder = tmp_path / "fusion"
    shutil.copytree(CONTAINERS / "fusion", folder, ignore=shutil.ignore_patterns("__pycache__"))
    copied = candidate_of("fusion", str(folder), tmp_path / "one").runner
    assert copied.identify("fusion").digest == ProcessRunner().identify("fusion").digest
    (folder / "seams.py").write_text((folder / "seams.py").read_text() + "# one more word\n")
    changed = candidate_of("fusion", str(folder), tmp_path / "two").runner
    assert changed.identify("fusion").digest != copied.identify("fusion").digest


def test_a_program_runs_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "stage.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = candidate_of("table_mean", str(program), tmp_path)
    assert (found.target, found.runner.name) == (str(program), "process")


def test_a_digest_must_be_one_of_content() -> None:
    assert split_digest("my/fusion:1.2@sha256:ab") == ("my/fusion:1.2", "sha256:ab")
    assert split_digest("my/fusion:1.2") == ("my/fusion:1.2", "")
    with pytest.raises(RequestFault, match="not sha256"):
        split_digest("my/fusion@md5:ab")


def test_a_run_with_an_image_does_not_ask_this_machine_for_programs() -> None:
    own = ProcessRunner()
    assert ByStage(own).name == "process"
    image = Candidate("fusion", "my/fusion", Closed(), "my/fusion")  # type: ignore[arg-type]
    assert ByStage(own, {"fusion": image}).name == "mixed"


def test_what_a_variation_changes_about_jobs_is_the_run_s_setting() -> None:
    """Threads, limits and order are in no item and no parameter: results are kept apart by them."""
    seen = {variation.setting() for variation in (*SAMPLED, *HARMLESS)}
    assert ONE_THREAD in seen and JobSetting(2) in seen and JobSetting(1, 8 << 30) in seen
    for variation in (*SAMPLED, *HARMLESS):
        plain = variation.threads == 1 and variation.memory_bytes is None and variation.order is None
        assert (variation.setting() == ONE_THREAD) == plain
