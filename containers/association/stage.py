"""One item of the association stage: read, exclude, derive, then every analysis in the order of the file."""

from containers.association import kinds
from containers.association.data.derive import prepare
from containers.association.fields import Analysis, read_analyses
from containers.association.report import Report
from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.tables.cohort.dictionary import Dictionary, read_dictionary
from containers.toolkit.tables.cohort.flow import Flow
from containers.toolkit.tables.cohort.json_input import checked
from containers.toolkit.tables.cohort.table import read_cohort


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Answer one item. Raises ItemFault: one wrong analysis fails the item, so that no result is half a file's."""
    threshold = int(job.parameters["disclosure_threshold"])
    dictionary = read_dictionary(item.inputs["dictionary"], Dictionary)
    file = read_analyses(item.inputs["analyses"])
    asked = [_analysis(number, raw) for number, raw in enumerate(file.analyses)]
    _check_unique(asked)
    with result.step("read_table"):
        cohort = read_cohort(item.inputs["table"], dictionary)
    flow = Flow(cohort.size, cohort.ignored_columns)
    with result.step("prepare"):
        cohort, derived = prepare(cohort, file, flow)
    results = {}
    for analysis in asked:
        report = Report(result, flow, analysis.id, threshold)
        with result.step(f"analysis.{analysis.id}"):
            kinds.kind_of(analysis.kind, "").run(analysis, cohort, report)
        results[analysis.id] = {"kind": analysis.kind, **report.structured}
    write_json(
        result.file("results", "results.json"),
        {"schema_version": "1.0", "derived": derived, "analyses": results},
    )
    write_json(result.file("flow", "flow.json"), flow.shown(threshold))


def _analysis(number: int, raw: dict[str, object]) -> Analysis:
    where = f"input analyses, analyses.{number}"
    if isinstance(raw.get("id"), str):
        where += f" ({raw['id']})"
    return checked(kinds.kind_of(raw.get("kind"), where).spec, raw, where)


def _check_unique(asked: list[Analysis]) -> None:
    seen: set[str] = set()
    for analysis in asked:
        if analysis.id in seen:
            raise ItemFault(f"id {analysis.id!r} is given twice", where="input analyses", mend="give each its own")
        seen.add(analysis.id)
