"""The written report: offline, complete, safe, and the same twice."""

import csv
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from harness import provenance
from harness.claims.paper import papers
from harness.report import summary, times, write
from harness.run.results import CheckResult, Results, Verdict
from tests.report.example import HOSTILE, TIMINGS

Rendered = tuple[Results, Path, Path]
LOADING = {"src", "href", "srcset", "action", "formaction", "poster", "data", "background"}


class Page(HTMLParser):
    """Tags, what they would load, and the text of elements, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        found = self.links if tag == "a" else self.loads
        found += [value or "" for name, value in attrs if name in LOADING]

    def count(self, tag: str, **attributes: str) -> int:
        return sum(t == tag and all(a.get(k) == v for k, v in attributes.items()) for t, a in self.tags)


@pytest.fixture(scope="module")
def page(rendered: Rendered) -> Page:
    return Page((rendered[2] / "index.html").read_text(encoding="utf-8"))


def test_all_files_are_written_and_nothing_else(rendered: Rendered) -> None:
    names = {p.name for p in rendered[2].iterdir()} - {"ro-crate-metadata.json"}
    assert names == {"index.html", "junit.xml", "claims.csv", "results.json", "summary.md"}


def test_the_page_loads_nothing_from_outside(rendered: Rendered, page: Page) -> None:
    assert page.loads
    # A link to the paper is not a load; what a tag loads by itself is data only.
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    assert all(link.startswith(("#", "https://doi.org/10.")) for link in page.links)
    text = re.sub(
        r"data:image/png;base64,[A-Za-z0-9+/=]+", "", (rendered[2] / "index.html").read_text(encoding="utf-8")
    )
    text = re.sub(r'<a href="https://doi\.org/[^"]+"', "", text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    assert page.count("meta", **{"http-equiv": "Content-Security-Policy"}) == 1


def test_every_claim_check_and_picture_has_its_row(rendered: Rendered, page: Page) -> None:
    results = rendered[0]
    rows = [attributes for tag, attributes in page.tags if tag == "tbody" and "data-verdict" in attributes]
    assert len(rows) == len(results.claims)
    for verdict in Verdict:
        shown = sum(row["data-verdict"] == verdict.value for row in rows)
        assert shown == sum(c.verdict == verdict for c in results.claims)
    bars = [a for tag, a in page.tags if tag == "span" and (a.get("class") or "").split()[:1] == ["bar"]]
    # no bar for a check that was not measured or whose tolerance is one number
    told = [c for c in results.checks if c.measured is not None and c.minimum != c.maximum]
    assert len(bars) == len(told)
    assert page.count("img") == len(results.pictures) - 1, "one picture is missing on purpose"
    assert all(a.get("alt") for tag, a in page.tags if tag == "img")


def test_every_link_inside_the_page_leads_to_one_place(page: Page) -> None:
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(names)


def test_foreign_text_never_becomes_markup(rendered: Rendered, page: Page) -> None:
    text = (rendered[2] / "index.html").read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "&lt;script&gt;alert" in text
    assert page.count("script") == 1
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_the_first_lines_count_right(rendered: Rendered) -> None:
    results = rendered[0]
    text = (rendered[2] / "summary.md").read_text(encoding="utf-8")
    # 10 checks in the example: one failed, one broken, one not run; one mutant of two is broken
    assert "7 of 10 checks passed: 4 of 5 on phantom, 2 of 3 on real data, 1 of 2 on mutants." in text
    assert "1 check could not be measured." in text
    assert "1 check not run." in text
    contradicted = [c for c in results.claims if c.verdict == Verdict.CONTRADICTED]
    assert f"{len(contradicted)} contradicted" in text
    assert "Exit status 1: a mismatch or regression." in text


def test_contradictions_stand_in_the_summary_with_their_arithmetic(rendered: Rendered) -> None:
    text = (rendered[2] / "summary.md").read_text(encoding="utf-8")
    for paper in {claim.paper for claim in rendered[0].claims}:
        section = text.split(f"## {paper.replace('_', chr(92) + '_')}: ")[1].split("\n## ")[0]
        rows = section.split("### Cannot be so as printed")[1].split("###")[0].splitlines()
        found = [f for f in rendered[0].findings if (f.paper, f.kind) == (paper, "contradiction")]
        assert sum(row.startswith("| ") for row in rows) - 2 == len(found)
    assert any("37,004" in row and "37,003" in row for row in text.splitlines())
    assert "<script>" not in text


def test_markdown_tables_are_rectangular(rendered: Rendered) -> None:
    width = None
    for line in (rendered[2] / "summary.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line


def test_junit_counts_what_a_ci_server_would(rendered: Rendered) -> None:
    results = rendered[0]
    root = ElementTree.parse(rendered[2] / "junit.xml").getroot()
    suites = {suite.get("name"): suite for suite in root}
    for paper in {claim.paper for claim in results.claims}:
        claims = suites[f"claims of {paper}"]
        of_paper = [claim for claim in results.claims if claim.paper == paper]
        assert int(claims.get("tests", "")) == len(of_paper)
        assert int(claims.get("failures", "")) == 0, "a contradicted paper is a finding, not a failed run"
        assert int(claims.get("errors", "")) == sum(c.verdict == Verdict.BROKEN for c in of_paper)
        assert int(claims.get("skipped", "")) == sum(c.verdict == Verdict.NOT_TESTABLE for c in of_paper)
    dixon = suites["ukb_imaging"]
    assert (dixon.get("tests"), dixon.get("failures"), dixon.get("errors")) == ("6", "1", "1")
    assert suites["licensed_case"].get("skipped") == "1"
    assert all("time" not in element.attrib for element in root.iter())


def test_ledger_has_one_row_per_claim(rendered: Rendered) -> None:
    with (rendered[2] / "claims.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["claim"] for row in rows] == [c.claim for c in rendered[0].claims]
    flow = next(row for row in rows if row["claim"] == "flow.analysed")
    assert flow["verdict"] == "contradicted"
    assert "64,524 − 27,521 = 37,003. | Difference: 1." in flow["arithmetic"]


def test_results_json_reads_back_as_the_same_results(rendered: Rendered) -> None:
    raw = json.loads((rendered[2] / "results.json").read_text(encoding="utf-8"))
    assert Results.model_validate(raw) == rendered[0]


def test_equal_results_give_equal_bytes(rendered: Rendered, tmp_path: Path) -> None:
    results, run, report = rendered
    write(results, TIMINGS, run, tmp_path / "again")
    for path in report.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_seconds_change_the_timings_section_only(rendered: Rendered, tmp_path: Path) -> None:
    results, run, report = rendered
    write(results, {"total": 9.0}, run, tmp_path / "other")
    for name in ("results.json", "junit.xml", "summary.md", "claims.csv"):
        assert (report / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    first, other = (f.read_text(encoding="utf-8") for f in (report / "index.html", tmp_path / "other" / "index.html"))
    assert first != other
    section = r'<section id="timings".*?</section>'
    assert re.sub(section, "", first, flags=re.S) == re.sub(section, "", other, flags=re.S)


def test_an_empty_run_still_gives_a_report(tmp_path: Path) -> None:
    nothing = Results(
        project_version="0", contract="1.0", preset="small", runner="process", environment={}, exit_status=3
    )
    write(nothing, {}, tmp_path, tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "the environment failed; nothing was measured" in text
    ElementTree.parse(tmp_path / "report" / "junit.xml")
    assert len((tmp_path / "report" / "claims.csv").read_text().splitlines()) == 1


def test_real_data_have_a_section_of_their_own(rendered: Rendered) -> None:
    """The checks on real data, but not that items ended well; and their pictures, which stand nowhere else."""
    results = rendered[0]
    text = (rendered[2] / "index.html").read_text(encoding="utf-8")
    section = text.split('<section id="real-data" class="real"')[1].split("</section>")[0]
    real = [check for check in results.checks if check.evidence == "real data"]
    assert real
    for check in real:
        assert (str(escape(check.title)) in section) == (check.unit != "items" or not check.passed)
    assert all(str(escape(check.title)) not in section for check in results.checks if check.evidence == "phantom")
    assert '<a href="#real-data">Real data</a>' in text


def test_control_characters_do_not_break_the_xml(rendered: Rendered, tmp_path: Path) -> None:
    results = rendered[0]
    broken = results.model_copy(
        update={"checks": [results.checks[-1].model_copy(update={"note": "bad \x00 \x1b[31m", "passed": False})]}
    )
    write(broken, {}, rendered[1], tmp_path / "report")
    ElementTree.parse(tmp_path / "report" / "junit.xml")


def test_errors_that_had_to_come_are_no_failures(rendered: Rendered) -> None:
    results = rendered[0]
    held = CheckResult(
        case="ukb_imaging",
        check="fuse_items",
        title="fuse",
        evidence="phantom",
        measured=0,
        unit="items",
        maximum=0,
        tolerance_source="exact",
        passed=True,
    )
    assert summary.item_line(results) == "4 item records: 2 ok, 1 error, 1 missing."
    told = results.model_copy(update={"checks": [held]})
    assert summary.item_line(told) == "4 item records: 2 ok, 1 refused as expected (seeded faults), 1 missing."
    failed = results.model_copy(update={"checks": [held.model_copy(update={"passed": False})]})
    assert summary.item_line(failed) == summary.item_line(results)


def test_the_runner_is_named_in_one_sentence(rendered: Rendered) -> None:
    results = rendered[0].model_copy(update={"runner": "process", "runner_note": "process: child processes"})
    assert summary.runner_line(results) == "Stages ran with the process runner (child processes), preset small."


def test_the_paper_is_named_with_its_doi(rendered: Rendered) -> None:
    text = (rendered[2] / "index.html").read_text(encoding="utf-8")
    paper = papers()["ukb_thigh"]
    assert paper.title in text
    assert f'href="https://doi.org/{paper.doi}"' in text


def test_readme_and_glossary_have_one_wording() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for verdict in Verdict:
        assert f"| {verdict.value} | {summary.VERDICT_MEANING[verdict]} |" in readme
    assert summary.RANGE_RULE in " ".join(readme.split())


def test_timings_are_counted_per_step() -> None:
    rows = [
        {"case": "c", "step": "s", "item": "a", "cached": True, "seconds": {"total": 1.25, "read": 1.0}},
        {"case": "c", "step": "s", "item": "b", "cached": False, "seconds": {"total": 2.0}},
        {"case": "c", "step": "t", "item": "a", "cached": False},
    ]
    timings = {"total_seconds": 9.5, "items": rows, "images": [{"stage": "fusion", "seconds": 3.5}], "cached": 1}
    assert times.step_rows(timings) == [("c", "s", 2, 1, "3.2"), ("c", "t", 1, 0, "–")]
    assert times.image_rows(timings) == (["stage", "seconds"], [["fusion", "3.5"]])
    assert times.other_rows(timings) == [("total seconds", "9.5"), ("cached", "1")]


def test_the_commit_says_when_files_differ_from_it(tmp_path: Path) -> None:
    assert provenance.commit(tmp_path) is None
    run = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*run, "init", "-q"], check=True)
    (tmp_path / "a").write_text("1")
    subprocess.run([*run, "add", "a"], check=True)
    subprocess.run([*run, "commit", "-q", "-m", "first"], check=True)
    clean = provenance.commit(tmp_path)
    assert clean and re.fullmatch("[0-9a-f]{40,64}", clean)
    (tmp_path / "b").write_text("2")
    assert provenance.commit(tmp_path) == f"{clean} (modified)"
    (tmp_path / "inner").mkdir()
    assert provenance.commit(tmp_path / "inner") is None, "another project's repository around ours"
