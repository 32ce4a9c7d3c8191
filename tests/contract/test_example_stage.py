"""The example stage, which is no Python, keeps the contract: the proof that any language will do."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from harness.conformance.checks import check_stage
from harness.runners.docker import DockerRunner
from harness.runners.process import ProcessRunner
from tests.build_folder import build_folder

FOLDER = Path(__file__).parent / "example_stage"


@pytest.fixture(scope="module")
def image() -> str:
    return build_folder(FOLDER, "myorepro-test/word_count:1.0.0").image_id


def test_description_is_that_of_stage_toml() -> None:
    said = json.loads((FOLDER / "describe.json").read_text(encoding="utf-8"))
    assert said == tomllib.loads((FOLDER / "stage.toml").read_text(encoding="utf-8"))


@pytest.mark.needs("jq")
def test_plain_copy_conforms_as_a_program(tmp_path: Path) -> None:
    copy = shutil.copytree(FOLDER, tmp_path / "my_stage")
    findings = check_stage(ProcessRunner(), str(copy / "stage.sh"), {}, {})
    assert {f.check for f in findings if f.result != "passed"} == {"closed container"}
    assert len(findings) > 10


@pytest.mark.needs("images")
def test_shell_stage_conforms(image: str) -> None:
    findings = check_stage(DockerRunner(), image, {}, {})
    assert [finding for finding in findings if finding.result != "passed"] == []
    assert len(findings) > 10


@pytest.mark.needs("images")
def test_shell_stage_counts(image: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("eins zwei drei\n", encoding="utf-8")
    (tmp_path / "request.json").write_text(
        json.dumps({"stage": "word_count", "items": [{"id": "a", "inputs": {"text": "a.txt"}}], "output": "out"})
    )
    command = ["docker", "run", "--rm", "--network", "none", "--user", "0", "--volume", f"{tmp_path}:/job", image]
    subprocess.run([*command, "run", "/job/request.json"], check=True)
    record = json.loads((tmp_path / "out" / "a" / "record.json").read_text())
    assert record["metrics"]["words"] == {"value": 3, "unit": "1"}
