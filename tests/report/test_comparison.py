"""Two implementations digit by digit: every number is counted, and nothing that differs is hidden."""

from pathlib import Path

import pytest

from containers.contract.files import write_json
from containers.contract.record import Metric, Record, StageId
from harness.report import write
from harness.report.comparison import MOST_ROWS, comparison, line, shown
from harness.report.html import _exact
from harness.run.outcome import Outcome
from harness.run.results import Comparison, Results
from harness.run.steps.compare import Compare
from harness.run.steps.task import Task, perform
from tests.harness.conftest import lines_case
from tests.report.example import HOSTILE

Rendered = tuple[Results, Path, Path]
Values = dict[str, float | None]
SPEC = Compare(kind="compare", left="python", right="r", leave_out=["resampled.*"])
CASE = lines_case({"a": ""}, name="by_r", evidence="simulation")


def compared(folder: Path, left: Values, right: Values) -> Comparison:
    """What the report says of two records with these metrics."""
    paths = {}
    for side, values in (("left", left), ("right", right)):
        metrics = {n: Metric(value=v, unit="1", note="undefined" if v is None else "") for n, v in values.items()}
        record = Record(stage=StageId(name=side, version="1.0.0"), item="i", status="ok", metrics=metrics)
        paths[side] = folder / f"{side}.json"
        write_json(paths[side], record.model_dump(mode="json"))
    made = folder / "made"
    made.mkdir()
    perform(Task("compare", "i", paths, {}, {"leave_out": SPEC.leave_out}), made)
    record = Record.model_validate_json((made / "record.json").read_bytes())
    assert record.status == "ok"
    return comparison(CASE, "c", SPEC, "i", Outcome("ok", made, record))


def test_every_number_is_counted_and_the_worst_stands_first(tmp_path: Path) -> None:
    left: Values = {"b.m": 1.0, "b.n": 2.0, "p.m": 1.0, "q.m": 3.0, "q.n": None, "u.m": None, "resampled.m": 1.0}
    right: Values = {"b.m": 1.0, "b.n": 2.002, "p.m": 1.1, "q.n": 4.0, "u.m": None, "resampled.m": 9.0}
    found = compared(tmp_path, left, right)
    assert [row.name for row in found.rows] == ["q.m", "q.n", "p.m", "b.n", "b.m", "u.m"]
    assert [(q.quantity, q.compared, q.one_sided, q.undefined) for q in found.quantities] == [
        ("q", 0, 2, 0),
        ("p", 1, 0, 0),
        ("b", 2, 0, 0),
        ("u", 0, 0, 1),
    ]
    worst = found.quantities[2].worst
    assert worst is not None and (worst.name, worst.digits) == ("b.n", 3)
    assert worst.relative == pytest.approx(0.002 / 2.002)
    assert (found.rows_total, found.left_out) == (6, 1)
    assert line(found) == (
        "3 numbers of left and right compared, fewest digits that agree: 1 (p.m), 2 in one of them only, "
        "1 undefined in both, 1 left out (resampled.*)."
    )


def test_no_quantity_with_a_one_sided_number_is_folded_away(tmp_path: Path) -> None:
    names = [f"quantity_{i}.m" for i in range(30)]
    found = compared(tmp_path, dict.fromkeys(names, 1.0), dict.fromkeys(names[20:], 1.0))
    first, others = shown(found)
    assert [q.one_sided for q in first] == [1] * 20
    assert [q.one_sided for q in others] == [0] * 10


def test_the_report_holds_so_many_rows_and_names_the_file_of_all(tmp_path: Path) -> None:
    left: Values = {f"z.t{i}": 1.0 for i in range(MOST_ROWS + 50)}
    found = compared(tmp_path, left, left | {"z.t249": 1.5, "alone": 1.0})
    assert [row.name for row in found.rows[:2]] == ["alone", "z.t249"]
    assert (len(found.rows), found.rows_total) == (MOST_ROWS, MOST_ROWS + 51)
    assert found.differences == "by_r/c/i/differences.json"


def test_a_comparison_that_was_not_made_says_why() -> None:
    found = comparison(CASE, "c", SPEC, "i", Outcome("skipped", line="r failed for this item"))
    assert line(found) == "python and r were not compared: r failed for this item."
    assert found.rows == []


def test_page_and_markdown_show_what_only_one_implementation_has(rendered: Rendered) -> None:
    page = (rendered[2] / "index.html").read_text(encoding="utf-8")
    section = page.split('<section id="digits"')[1].split("</section>")[0]
    assert '<strong class="alone">1</strong>' in section
    assert '<span class="alone">none</span>' in section
    assert '<span class="evidence e-simulation">simulation</span>' in section
    assert (
        "The 2 worst of 300 numbers" in section and "by_<wbr>r/<wbr>compared/<wbr>one/<wbr>differences.json" in section
    )
    assert "0.03120001" in section and "4 left out (c_<wbr>index_<wbr>se.*)" in section
    assert "were not compared: b failed &lt;script&gt;" in section and HOSTILE not in section
    text = (rendered[2] / "summary.md").read_text(encoding="utf-8")
    lines = text.split("## Digit by digit\n\n")[1].split("\n\n")[0].splitlines()
    assert len(lines) == 2
    assert "1 number of association and r\\_reference compared" in lines[0]
    assert "1 in one of them only, 2 undefined in both, 4 left out" in lines[0]


def test_a_run_without_comparisons_has_no_empty_section(rendered: Rendered, tmp_path: Path) -> None:
    write(rendered[0].model_copy(update={"comparisons": []}), {}, rendered[1], tmp_path)
    assert "Digit by digit" not in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "#digits" not in (tmp_path / "index.html").read_text(encoding="utf-8").split("<body>")[1]


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "none"), (10.0, "10"), (-0.1, "−0.1"), (1e300, "1e+300"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_numbers_are_written_with_all_their_digits(value: float | None, said: str) -> None:
    assert _exact(value) == said
    assert value is None or float(said.replace("−", "-")) == value
