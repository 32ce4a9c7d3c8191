"""One item of the meta_analysis stage: read, exclude, make effects, then every analysis in the order of the file."""

from typing import Any

from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.meta_analysis.data.analyses_file import AnalysesFile
from containers.meta_analysis.data.effects import Effects, make_effects
from containers.meta_analysis.data.table import EffectDictionary, exclude_rows, read_effect_table
from containers.meta_analysis.kinds import KINDS
from containers.meta_analysis.kinds._analysis import Analysis
from containers.meta_analysis.report import EffectReport
from containers.toolkit.analyses.analyses_file import read_analyses
from containers.toolkit.analyses.loop import run_analyses, write_answers
from containers.toolkit.tables.cohort.dictionary import read_dictionary


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Answer one item. Raises ItemFault: one wrong analysis fails the item, so that no result is half a file's."""
    dictionary = read_dictionary(item.inputs["dictionary"], EffectDictionary)
    file, analyses = read_analyses(item.inputs["analyses"], AnalysesFile, KINDS)
    table = exclude_rows(read_effect_table(item.inputs["table"], dictionary), file.exclusions)
    answers: dict[str, Any] = {}
    effects: list[dict[str, Any]] = []
    if file.effects is not None:
        data = make_effects(table, file.effects)
        effects = _effects(data)
        for line in _same_rows(data):
            result.warn(line)

        def report_of(analysis: Analysis) -> EffectReport:
            report = EffectReport(result, table.flow, analysis.id)
            report.attach("fields", analysis.model_dump(mode="json"))
            return report

        answers = run_analyses(analyses, data, report_of, result)
    write_answers(result, answers, table.flow.all_shown(), effects=effects)


def _effects(data: Effects) -> list[dict[str, Any]]:
    error = data.table.number("standard_error", "effects")
    return [
        {
            "id": data.ids[i],
            "study": data.study[i],
            "effect": float(data.effect[i]),
            "standard_error": float(error[i]),
            "flipped": bool(data.flipped[i]),
        }
        for i in range(len(data))
    ]


def _same_rows(data: Effects) -> list[str]:
    """One line per pair of effects of a study that are the same number."""
    seen: dict[tuple[str, float, float], str] = {}
    lines = []
    for name, study, effect, variance in zip(data.ids, data.study, data.effect, data.variance, strict=True):
        key = (study, float(effect), float(variance))
        if key in seen:
            lines.append(f"effects {seen[key]} and {name} of one study are equal to the last digit: entered twice?")
        seen.setdefault(key, name)
    return lines
