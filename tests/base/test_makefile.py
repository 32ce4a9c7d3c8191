"""The Makefile's own words: its list of targets, and one line instead of a traceback on an unfit machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = {"reproduce", "test", "lint", "images", "check", "gate", "bench", "lock", "clean", "venv", "help"}


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")}
    environment |= {"PATH": path} if path else {}
    return subprocess.run(
        ["/usr/bin/env", "make", *arguments], cwd=ROOT, check=False, capture_output=True, text=True, env=environment
    )


def test_help_lists_each_target_on_one_line() -> None:
    done = make("help")
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", done.stdout, flags=re.MULTILINE))
    assert done.returncode == 0
    assert listed.keys() >= TARGETS
    assert make().stdout == done.stdout


def test_ci_calls_targets_that_exist() -> None:
    called = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / ".ci/run").read_text()))
    assert {"reproduce", "test", "lint", "images", "check"} <= called
    for target in called - {"targets"}:
        assert make("--dry-run", target).returncode == 0, target


@pytest.fixture
def path_with_python(tmp_path: Path) -> str:
    """A PATH with the usual tools, whose only Python says that it is too old."""
    for tool in ("make", "bash", "sh", "uname", "grep", "sed", "env"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    return str(tmp_path)


def test_missing_python_is_one_line_with_the_mend(path_with_python: str, tmp_path: Path) -> None:
    done = make("venv", f"VENV={tmp_path}/venv", path=path_with_python)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1
    assert "apt-get install python3 python3-venv" in said[0]
    assert not (tmp_path / "venv").exists()
