"""One item of the meta_analysis stage: read, exclude, make effects, then every analysis in the order of the file."""

from collections.abc import Callable
from typing import Any

from containers.contract.files import write_json
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.meta_analysis.data.effects import Dataset, make_dataset
from containers.meta_analysis.data.table import Dictionary, exclude_rows, read_cohort
from containers.meta_analysis.fields import Analyses
from containers.meta_analysis.kinds.bias import run_egger, run_trim_and_fill
from containers.meta_analysis.kinds.clusters import run_robust
from containers.meta_analysis.kinds.pooling import run_effects, run_pooled, run_subgroups
from containers.meta_analysis.kinds.regression import (
    run_likelihood_ratio,
    run_meta_regression,
    run_three_level,
    run_vif,
)
from containers.meta_analysis.report import Report
from containers.toolkit.tables.cohort.dictionary import read_dictionary
from containers.toolkit.tables.cohort.json_input import checked, read_json

KINDS: dict[str, Callable[[Any, Dataset, Report], None]] = {
    "effects": run_effects,
    "pooled": run_pooled,
    "subgroups": run_subgroups,
    "meta_regression": run_meta_regression,
    "three_level": run_three_level,
    "likelihood_ratio": run_likelihood_ratio,
    "vif": run_vif,
    "robust": run_robust,
    "egger": run_egger,
    "trim_and_fill": run_trim_and_fill,
}


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Answer one item. Raises ItemFault: one wrong analysis fails the item, so that no result is half a file's."""
    dictionary = read_dictionary(item.inputs["dictionary"], Dictionary)
    asked = checked(Analyses, read_json(item.inputs["analyses"], "analyses"), "input analyses")
    cohort = exclude_rows(read_cohort(item.inputs["table"], dictionary), asked.exclusions)
    results: dict[str, Any] = {}
    effects: list[dict[str, Any]] = []
    if asked.effects is not None:
        data = make_dataset(cohort, asked.effects)
        effects = _effects(data)
        for line in _same_rows(data):
            result.warn(line)
        for analysis in asked.analyses:
            report = Report(result, analysis.id)
            with result.step(f"analysis.{analysis.id}"):
                KINDS[analysis.kind](analysis, data, report)
            fields = analysis.model_dump(mode="json")
            results[analysis.id] = {"kind": analysis.kind, "fields": fields, **report.structured}
    write_json(
        result.file("results", "results.json"), {"schema_version": "1.0", "effects": effects, "analyses": results}
    )
    write_json(result.file("flow", "flow.json"), cohort.flow.all_shown())


def _effects(data: Dataset) -> list[dict[str, Any]]:
    error = data.cohort.number("standard_error", "effects")
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


def _same_rows(data: Dataset) -> list[str]:
    """One line per pair of effects of a study that are the same number."""
    seen: dict[tuple[str, float, float], str] = {}
    lines = []
    for name, study, effect, variance in zip(data.ids, data.study, data.effect, data.variance, strict=True):
        key = (study, float(effect), float(variance))
        if key in seen:
            lines.append(f"effects {seen[key]} and {name} of one study are equal to the last digit: entered twice?")
        seen.setdefault(key, name)
    return lines
