"""The CI files for other repositories: they parse, take no text into a shell unquoted, and their gate command works."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github" / "workflows" / "gate.yml"
GITLAB = ROOT / "ci" / "gitlab-gate.yml"


def github() -> dict[str, Any]:
    return dict(yaml.safe_load(GITHUB.read_text()))


def gate_script(of: str) -> str:
    """The shell text of the gate step."""
    if of == "github":
        steps = github()["jobs"]["gate"]["steps"]
        return str(next(step["run"] for step in steps if step.get("name") == "gate"))
    return "\n".join(yaml.safe_load(GITLAB.read_text())[".myorepro-gate"]["script"])


def test_the_workflow_can_be_called_and_has_no_rights_to_write() -> None:
    workflow = github()
    # YAML 1.1 reads the key `on` as true.
    inputs = workflow[True]["workflow_call"]["inputs"]
    assert {name for name, entry in inputs.items() if entry.get("required")} == {"benchmark", "stages"}
    assert workflow["permissions"] == {"contents": "read"}


def test_no_input_is_pasted_into_a_shell() -> None:
    for step in github()["jobs"]["gate"]["steps"]:
        assert "${{" not in step.get("run", "")
    names = set(re.findall(r"inputs\.(\w+)", GITHUB.read_text()))
    assert names <= set(github()[True]["workflow_call"]["inputs"])


def test_make_targets_and_reports_that_the_files_name_exist() -> None:
    for text in (GITHUB.read_text(), GITLAB.read_text()):
        for target in re.findall(r"make -C myorepro (\w+)", text):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert yaml.safe_load(GITLAB.read_text())[".myorepro-gate"]["artifacts"]["reports"]["junit"] == (
        "gate-report/junit.xml"
    )


@pytest.fixture
def caller(tmp_path: Path) -> Path:
    """A repository with a candidate, and the benchmark next to it as the CI files have it."""
    shutil.copytree(ROOT / "containers" / "meta_analysis", tmp_path / "my_meta")
    program = tmp_path / "myorepro" / ".venv" / "bin" / "myorepro"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m harness.cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(script: str, folder: Path, stages: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"STAGES": stages}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("of", ["github", "gitlab"])
def test_the_gate_step_runs_a_candidate_of_the_calling_repository(of: str, caller: Path) -> None:
    done = run(gate_script(of), caller, "meta_analysis=./my_meta\n")
    assert done.returncode == 0, done.stderr
    assert "green" in done.stdout
    result = json.loads((caller / "gate-report" / "gate.json").read_text())
    assert result["candidates"] == {"meta_analysis": "./my_meta"}
    assert (caller / "gate-report" / "junit.xml").is_file()
    source = caller / "my_meta" / "measures" / "smd.py"
    source.write_text(source.read_text().replace("g = j * d", "g = d"))
    red = run(gate_script(of), caller, "meta_analysis=./my_meta\n")
    assert red.returncode == 1
    assert "**red" in (caller / "gate-report" / "summary.md").read_text()


def test_a_candidate_with_a_shell_in_its_name_is_only_a_name(caller: Path) -> None:
    done = run(gate_script("github"), caller, "meta_analysis=$(touch gotcha)\n")
    assert done.returncode in (2, 3)
    assert not (caller / "gotcha").exists()
