"""The loop over the analyses of an item, and the two files that it ends with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from containers.contract.files import write_json
from containers.contract.stage import Result
from containers.toolkit.analyses.kinds import AnalysisT
from containers.toolkit.analyses.report import Report


def run_analyses(
    analyses: Sequence[AnalysisT], data: Any, report_of: Callable[[AnalysisT], Report], result: Result
) -> dict[str, Any]:
    """Run the analyses in their order, so that one may read what an earlier one put; what each gives, by its id.

    data: what the stage's kinds analyse. report_of: the report that an analysis writes into. Raises ItemFault: one
    wrong analysis fails the item, so that no result is half a file's.
    """
    answers = {}
    for analysis in analyses:
        report = report_of(analysis)
        with result.step(f"analysis.{analysis.id}"):
            analysis.run(data, report)
        answers[analysis.id] = {"kind": analysis.kind, **report.structured}
    return answers


def write_answers(result: Result, answers: Mapping[str, Any], flow: Mapping[str, Any], **others: Any) -> None:
    """Write the outputs `results` (results.json, with `others` next to the analyses) and `flow` (flow.json)."""
    write_json(result.file("results", "results.json"), {"schema_version": "1.0", "analyses": answers, **others})
    write_json(result.file("flow", "flow.json"), flow)
