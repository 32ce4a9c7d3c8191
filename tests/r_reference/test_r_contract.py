"""The stage keeps the contract: its description, its exit statuses, the whole conformance test."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from containers.r_reference import __main__ as launcher
from harness.conformance.checks import check_stage
from harness.runners.process import ProcessRunner
from tests.r_reference.conftest import ROOT, STAGE


def test_describe_json_says_what_stage_toml_says() -> None:
    described = json.loads((STAGE / "describe.json").read_text(encoding="utf-8"))
    assert described == tomllib.loads((STAGE / "stage.toml").read_text(encoding="utf-8"))


def test_every_metric_of_the_two_stages_is_declared() -> None:
    ours = tomllib.loads((STAGE / "stage.toml").read_text(encoding="utf-8"))["metrics"]
    for stage in ("association", "meta_analysis"):
        theirs = tomllib.loads((STAGE.parent / stage / "stage.toml").read_text(encoding="utf-8"))["metrics"]
        assert theirs.keys() <= ours.keys(), stage


def test_without_r_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "containers.r_reference", "run", "request.json"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "apt-get install r-base-core" in done.stderr


def test_the_image_and_the_advice_name_the_same_packages() -> None:
    image = (STAGE / "Dockerfile").read_text(encoding="utf-8")
    advice = (STAGE / "R" / "main.R").read_text(encoding="utf-8")
    for package in launcher.PACKAGES.split():
        assert package in image
        assert package == "r-base-core" or f'"{package}"' in advice


@pytest.mark.slow
@pytest.mark.usefixtures("rscript")
def test_conformance() -> None:
    findings = check_stage(ProcessRunner(), "r_reference", {}, {})
    assert {f.check: f.reason for f in findings if f.result == "failed"} == {}
    assert [f.check for f in findings if f.result == "not checked"] == ["closed container"]


def test_numbers_survive_json_to_the_last_bit(rscript: Callable[[str], str], tmp_path: Path) -> None:
    seed = np.random.default_rng(4)
    numbers = seed.normal(size=500) * 10.0 ** seed.integers(-300, 300, 500)
    hard = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 2.0**53, 1e22, 0.30000000000000004]
    values = [*hard, *numbers.tolist()]
    (tmp_path / "in.json").write_text(json.dumps(values))
    code = f"""
    for (file in c("faults", "json", "files")) source(file.path("{STAGE}/R/contract", paste0(file, ".R")))
    raw <- jsonlite::parse_json(readChar("{tmp_path}/in.json", 1e6))
    write_json("{tmp_path}/out.json", list(b = raw, a = list(text = "\\"\\\\\\t\\u00e4", none = NULL, empty = list())))
    """
    rscript(code)
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    read = json.loads(text)
    assert read["b"] == values
    assert read["a"] == {"text": '"\\\t\u00e4', "none": None, "empty": []}
    assert text.index('"a"') < text.index('"b"')


def test_r_draws_the_rows_that_numpy_draws(rscript: Callable[[str], str]) -> None:
    asked = [(0, 0, 1), (1, 0, 10), (12345, 7, 1000), (7, 999, 27518), (2**40 + 5, 3, 33), (4294967295, 1, 2**17)]
    calls = ", ".join(f"c({seed}, {number}, {rows})" for seed, number, rows in asked)
    code = f"""
    source("{STAGE}/R/association/draws.R")
    for (a in list({calls})) cat(format(c(d <- draw_rows(a[1], a[2], a[3]) - 1)[1:min(a[3], 5)], scientific = FALSE),
                                 format(sum(d * seq_along(d)), digits = 22, scientific = FALSE), "\\n")
    """
    for line, (seed, number, rows) in zip(rscript(code).splitlines(), asked, strict=True):
        drawn = np.random.default_rng([seed, number]).integers(0, rows, rows)
        words = line.split()
        assert [int(word) for word in words[:-1]] == drawn[:5].tolist()
        assert int(words[-1]) == int((drawn * np.arange(1, rows + 1)).sum())
