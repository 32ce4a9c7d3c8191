"""The command `audit`: exit statuses, formats, and the shipped example."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.claims.audit import as_csv, as_json, as_markdown, audit, rows
from harness.run.results import ClaimResult, Finding

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "reference_results" / "example" / "my_claims.toml"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "harness.cli", "audit", *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def right(tmp_path: Path) -> Path:
    path = tmp_path / "right.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8").replace('"0.004"', '"0.041"'), encoding="utf-8")
    return path


def test_the_example_has_one_contradiction_which_is_explained() -> None:
    found = audit(EXAMPLE)
    wrong = [c for c in found.claims if c.verdict == "contradicted"]
    assert [c.claim for c in wrong] == ["odds.p"]
    # prop.test(c(15, 25), c(50, 50), correct = FALSE) in R: p-value = 0.04123
    assert wrong[0].computed == "0.0412268 to 0.0412269"
    assert wrong[0].explanation == "It would agree with the decimal point moved."
    assert wrong[0].half_widths and wrong[0].half_widths > 70
    assert wrong[0].chance is not None and 0 < wrong[0].chance < 0.05
    assert [f.claims for f in found.findings] == [["odds.p"]]


def test_exit_statuses(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("paper = ", encoding="utf-8")
    assert run(str(EXAMPLE)).returncode == 1
    clean = run(str(right(tmp_path)))
    assert (clean.returncode, clean.stderr) == (0, "")
    assert "6 claims recomputed: 6 reproduced" in clean.stdout
    assert "not settled by arithmetic: 1 licensed" in clean.stdout
    broken = run(str(bad))
    assert broken.returncode == 2
    assert broken.stderr.count("\n") == 1 and "bad.toml: is not TOML" in broken.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no ledger is named"),
        (["nowhere.toml"], "cannot be read"),
        ([str(EXAMPLE), "--json", "--csv"], "two formats at once"),
        ([str(EXAMPLE), "--only", "wrong"], "no verdict 'wrong'"),
        ([str(EXAMPLE), "--self-test"], "takes neither a ledger nor a format"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], said: str) -> None:
    found = run(*arguments)
    assert found.returncode == 2
    assert said in found.stderr and found.stderr.count("\n") == 1


def test_formats_hold_every_claim() -> None:
    found = audit(EXAMPLE)
    data = json.loads(as_json(found))
    assert [ClaimResult.model_validate_json(json.dumps(c)) for c in data["claims"]] == found.claims
    assert [Finding.model_validate(f) for f in data["findings"]] == found.findings
    table = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [row["claim"] for row in table] == [c.claim for c in found.claims]
    assert table[0]["formula"] == "100 × 15 / 50"
    page = as_markdown(found)
    assert page.count("\n| ") == 2 + len(rows(found.claims)), "head, rule and rows"
    assert as_json(audit(EXAMPLE)) == as_json(found), "equal input gives equal bytes"


def test_the_cells_of_a_terminal_table_are_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "markup.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8").replace('"0.43"', '"0.43 [red]"'), encoding="utf-8")
    assert "0.43 [red]" in run(str(path)).stdout
