"""Derived columns and exclusions, in their order.

Exclusions come first, then the derived columns in the order of the file, over the rows that are left, so that
quantiles and SDs are those of the analysed cohort. Only what an exclusion names is derived before it.
Invariant: a row without a value in a column that a rule reads has none in the derived one; nothing is clipped.
"""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from containers.association.data.analyses_file import AnalysesFile
from containers.association.data.classes import Below, Cut, Ewgsop2, Recode
from containers.association.data.quantities import Asymmetry, QuantileGroups, Ratio, Sum, ZScore
from containers.association.data.rule import Rule
from containers.contract.errors import ItemFault
from containers.contract.request import first_error
from containers.toolkit.tables.cohort.columns import Cohort
from containers.toolkit.tables.cohort.exclusions import exclude
from containers.toolkit.tables.cohort.flow import Flow

RULES: TypeAdapter[Rule] = TypeAdapter(
    Annotated[
        Asymmetry | Below | Cut | Ewgsop2 | QuantileGroups | Ratio | Recode | Sum | ZScore,
        Field(discriminator="kind"),
    ]
)
KINDS = ("asymmetry", "below", "cut", "ewgsop2", "quantile_groups", "ratio", "recode", "sum", "z_score")


def prepare(cohort: Cohort, file: AnalysesFile, flow: Flow) -> tuple[Cohort, dict[str, Any]]:
    """Cohort after exclusions with all derived columns, and what the rules say of themselves. Raises ItemFault."""
    rules = [_rule(number, raw) for number, raw in enumerate(file.derive)]
    early = _needed({name for exclusion in file.exclusions for name in exclusion.columns}, rules)
    derived: dict[str, Any] = {}
    for rule in early:
        cohort = _apply(rule, cohort, derived)
    for exclusion in file.exclusions:
        cohort = exclude(cohort, exclusion, flow)
    for rule in rules:
        if rule not in early:
            cohort = _apply(rule, cohort, derived)
    return cohort, derived


def _rule(number: int, raw: dict[str, Any]) -> Rule:
    where = f"input analyses, derive.{number} ({raw.get('column')})"
    if raw.get("kind") not in KINDS:
        raise ItemFault(f"kind is {raw.get('kind')!r}", where=where, fix=f"known: {', '.join(KINDS)}")
    try:
        return RULES.validate_python(raw)
    except ValidationError as error:
        raise ItemFault(first_error(error), where=where, fix="see the stage's README for the format") from error


def _needed(names: set[str], rules: list[Rule]) -> list[Rule]:
    """The rules that `names` need, in the order of the file. A rule reads only what stands before it."""
    chosen: list[Rule] = []
    for rule in reversed(rules):
        if rule.column in names:
            chosen.insert(0, rule)
            names = names | set(rule.sources)
    return chosen


def _apply(rule: Rule, cohort: Cohort, derived: dict[str, Any]) -> Cohort:
    column, details = rule.make(cohort)
    if details:
        derived[rule.column] = details
    return cohort.with_column(rule.column, column)
