"""The report: one offline HTML file, JSON, JUnit XML, Markdown, CSV and RO-Crate, all from the same `Results`.

Invariant: equal results, pictures and timings give equal bytes; seconds appear in the HTML's timings section only.
"""

from pathlib import Path
from typing import Any

from containers.contract.files import replacing, write_json
from harness.report import crate
from harness.report.exports import claims_csv, junit, summary_markdown
from harness.report.html import page
from harness.run.results import Results


def write(results: Results, timings: dict[str, Any], run_folder: Path, report_folder: Path) -> None:
    """Write the page, results.json, junit.xml, summary.md, claims.csv and the crate's metadata, each atomically.

    timings: seconds by name, nested as you like; shown in the HTML, apart from the results.
    run_folder: where the pictures' paths start. A missing picture is named in the page, it stops nothing.
    """
    texts = {
        "index.html": page(results, timings, run_folder),
        "junit.xml": junit(results),
        "summary.md": summary_markdown(results),
        "claims.csv": claims_csv(results),
    }
    write_json(report_folder / "results.json", results.model_dump(mode="json"))
    for name, text in texts.items():
        with replacing(report_folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    crate.write(results, report_folder)
