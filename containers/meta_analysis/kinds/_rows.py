"""The effects that an analysis uses: restricted, complete, whole and by stratum; what is left out is in the flow."""

from collections.abc import Callable, Iterable, Sequence

from containers.contract.errors import ItemFault
from containers.meta_analysis.data.effects import Effects
from containers.meta_analysis.fields import Restrict
from containers.meta_analysis.report import EffectReport
from containers.toolkit.tables.cohort.arrays import BoolArray


def used_effects(data: Effects, restrict: Restrict, columns: Sequence[str], report: EffectReport) -> Effects:
    """Rows within `restrict` that have a value in all `columns`. Raises ItemFault when none is left."""
    table = data.table
    for name, levels in restrict.items():
        table.known_levels(name, levels, report.where)
    if restrict:
        outside = (
            (f"{name} not {', '.join(levels)}", ~table.category(name, report.where).is_in(levels))
            for name, levels in restrict.items()
        )
        data = _leave_out(data, "restrict", outside, report)
    missing = ((f"{name} missing", data.table.missing(name, report.where)) for name in dict.fromkeys(columns))
    data = _leave_out(data, "complete", missing, report)
    if not len(data):
        raise report.fault("no effect is left", fix="check restrict, and the columns with missing values")
    return data


def _leave_out(data: Effects, step: str, reasons: Iterable[tuple[str, BoolArray]], report: EffectReport) -> Effects:
    return data.kept(report.leave_out(step, len(data), reasons))


def put_counts(data: Effects, report: EffectReport) -> None:
    """Record n and groups, and which effects were used."""
    report.put("n", len(data))
    report.put("groups", data.studies)
    report.attach("effects", data.ids)


def need_studies(data: Effects, report: EffectReport) -> None:
    """Raise ItemFault unless there are two effects of two studies."""
    if len(data) < 2:
        raise report.fault("there is only one effect", fix="two effects are the least")
    if data.studies < 2:
        raise report.fault("all effects are of one study", fix="effects of two studies are the least")


def warn_dependent(data: Effects, report: EffectReport) -> None:
    """Say when a model that takes effects as independent is given several of one study."""
    more = len(data) - data.studies
    if more:
        report.warn(
            f"effects are taken as independent, and {len(data)} effects are of {data.studies} studies; see three_level"
        )


def each_stratum(
    data: Effects, column: str | None, report: EffectReport, head: str, fit: Callable[[Effects, EffectReport], None]
) -> None:
    """Fit the whole, then each level of `column`. A stratum that cannot be fitted has a null `head` with the reason."""
    fit(data, report)
    if column is None:
        return
    category = data.table.category(column, report.where)
    for code, level in enumerate(category.levels):
        rows = category.codes == code
        if not rows.any():
            continue
        part, inside = data.kept(rows), report.inside(f"{column}:{level}")
        try:
            fit(part, inside)
        except ItemFault as fault:
            inside.put(head, None, note=fault.what)
