"""One item of the association stage: read, exclude, derive, then every analysis in the order of the file."""

from containers.association.data.analyses_file import AnalysesFile
from containers.association.data.derive import prepare
from containers.association.kinds import KINDS
from containers.association.kinds._analysis import Analysis
from containers.association.report import CohortReport
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.analyses.analyses_file import read_analyses
from containers.toolkit.analyses.loop import run_analyses, write_answers
from containers.toolkit.tables.cohort.dictionary import Dictionary, read_dictionary
from containers.toolkit.tables.cohort.flow import Flow
from containers.toolkit.tables.cohort.table import read_cohort


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Answer one item. Raises ItemFault: one wrong analysis fails the item, so that no result is half a file's."""
    threshold = int(job.parameters["disclosure_threshold"])
    dictionary = read_dictionary(item.inputs["dictionary"], Dictionary)
    file, analyses = read_analyses(item.inputs["analyses"], AnalysesFile, KINDS)
    with result.step("read_table"):
        cohort = read_cohort(item.inputs["table"], dictionary)
    flow = Flow(cohort.size, cohort.ignored_columns)
    with result.step("prepare"):
        cohort, derived = prepare(cohort, file, flow)

    def report_of(analysis: Analysis) -> CohortReport:
        return CohortReport(result, flow, analysis.id, threshold=threshold)

    answers = run_analyses(analyses, cohort, report_of, result)
    write_answers(result, answers, flow.shown(threshold), derived=derived)
