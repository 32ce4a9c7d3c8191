"""Odds ratios and risk ratios from counts, with their limits, and effects that follow from printed ratios."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import harness.claims.relations as kinds
from harness.claims.compute.base import ONE, Terms, minus, powers_text, signed_power
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval, product, total
from harness.claims.ledger import Claim
from harness.claims.source import Source

NORMAL_975 = t_quantile(Fraction(95, 100), None)
"""The 97.5th percentile of the normal distribution, as it is or rounded to 1.96 as papers use it."""
Measure = Literal["odds", "risk"]


@dataclass(frozen=True)
class Table:
    """A table of two groups."""

    events: tuple[Interval, Interval]
    """Events in the first and the second group."""
    sizes: tuple[Interval, Interval]
    """Persons in the first and the second group."""
    texts: tuple[tuple[str, str], tuple[str, str]]
    """Events and size of each group as they were printed, for formulas."""

    def turned(self) -> "Table":
        """The second group first."""
        return Table(*(tuple(reversed(pair)) for pair in (self.events, self.sizes, self.texts)))  # type: ignore[arg-type]

    def sizes_exchanged(self) -> "Table":
        """The sizes at the other group."""
        (a, n), (b, m) = self.texts
        return Table(self.events, (self.sizes[1], self.sizes[0]), ((a, m), (b, n)))

    @property
    def rests(self) -> tuple[Interval, Interval]:
        """Members without the event."""
        return (self.sizes[0] - self.events[0], self.sizes[1] - self.events[1])


def table_of(relation: kinds.OddsRatio | kinds.RiskRatio, source: Source) -> Table:
    """The counts of a relation. Raises ValueError when a group has no event, or more events than members."""
    if isinstance(relation, kinds.OddsRatio):
        sizes = (relation.size, relation.size_low or relation.size)
    else:
        sizes = (relation.size_high, relation.size_low)
    events = (relation.events_high, relation.events_low)
    table = Table(
        (source.interval(events[0]), source.interval(events[1])),
        (source.interval(sizes[0]), source.interval(sizes[1])),
        ((source.text(events[0]), source.text(sizes[0])), (source.text(events[1]), source.text(sizes[1]))),
    )
    for count, rest, (event_text, size_text) in zip(table.events, table.rests, table.texts, strict=True):
        if rest.high < 0:
            raise ValueError(f"{event_text} events are more than {size_text} members")
        if count.low <= 0 or (rest.low <= 0 and isinstance(relation, kinds.OddsRatio)):
            raise ValueError("a cell of the table is zero: the ratio has no value")
    return table


def ratio_terms(
    table: Table, measure: Measure, part: str, quantile: Interval = NORMAL_975, said: str = "1.96"
) -> Terms:
    """Estimate or limit. Odds: a / (n - a) over b / (m - b), Woolf's SE. Risk: a / n over b / m, Katz's SE."""
    (a, b), (n, m), (rest_a, rest_b) = table.events, table.sizes, table.rests
    (text_a, text_n), (text_b, text_m) = table.texts
    if measure == "odds":
        estimate = (a / rest_a) / (b / rest_b)
        formula = f"({text_a} / ({text_n} − {text_a})) / ({text_b} / ({text_m} − {text_b}))"
        name, cells = "OR", f"1/{text_a} + 1/({text_n} − {text_a}) + 1/{text_b} + 1/({text_m} − {text_b})"
    else:
        estimate = (a / n) / (b / m)
        formula = f"({text_a} / {text_n}) / ({text_b} / {text_m})"
        name, cells = "RR", f"1/{text_a} − 1/{text_n} + 1/{text_b} − 1/{text_m}"
    if part == "estimate":
        return [(formula, estimate)]
    if measure == "odds":
        squared = total(ONE / cell for cell in (a, b, rest_a, rest_b))
    else:
        # (1/a - 1/n) with n >= a: never below zero, whatever the roundings of both allow.
        squared = total((ONE / x - ONE / y).cut(Interval.at_least(Fraction(0))) for x, y in ((a, n), (b, m)))
    sign = Fraction(1 if part == "upper" else -1)
    limit = (estimate.log() + (quantile * squared.root()).scaled(sign)).exp()
    return [(f"exp(ln {name} {'+' if sign > 0 else '−'} {said} × √({cells})) with {name} = {formula}", limit)]


def odds_ratio(relation: kinds.OddsRatio, source: Source) -> Terms:
    """Both groups have their printed size, each for itself inside its rounding."""
    return ratio_terms(table_of(relation, source), "odds", relation.part)


def _risk_ratio(relation: kinds.RiskRatio, source: Source) -> Terms:
    return ratio_terms(table_of(relation, source), "risk", relation.part)


def equal_rows(relation: kinds.Unadjusted, source: Source) -> list[Claim]:
    """The rows whose printed number agrees with the unadjusted ratio."""
    found = []
    for key in relation.rows:
        row = source.ledger.number(key)
        if isinstance(row, Claim) and isinstance(row.relation, kinds.OddsRatio | kinds.RiskRatio):
            computed = COMPUTE[row.relation.kind](row.relation, source)[0][1]
            if computed.meets(source.target(row)):
                found.append(row)
    return found


def _unadjusted(relation: kinds.Unadjusted, source: Source) -> Terms:
    equal = len(equal_rows(relation, source))
    return [(f"how many of {len(relation.rows)} printed numbers agree with the unadjusted ones", Interval.point(equal))]


def ratio_power(relation: kinds.RatioPower, source: Source) -> Terms:
    text = f"{source.text(relation.ratio)}^{minus(relation.power)}"
    return [(text, signed_power(source.interval(relation.ratio), relation.power))]


def combined(ratios: list[str], powers: list[str], source: Source) -> Terms:
    """Product of ratio ** power."""
    values = [signed_power(source.interval(r), p) for r, p in zip(ratios, powers, strict=True)]
    return [(powers_text([source.text(r) for r in ratios], powers), product(values))]


def _combined_ratio(relation: kinds.CombinedRatio, source: Source) -> Terms:
    return combined(relation.ratios, relation.powers or ["1"] * len(relation.ratios), source)


def _change_percent(relation: kinds.ChangePercent, source: Source) -> Terms:
    """Without its sign: papers print a decrease of 20 % and −20 % alike. See `harness.verdicts.plain`."""
    change = (source.interval(relation.ratio) - ONE).scaled(100)
    return [(f"100 × ({source.text(relation.ratio)} − 1)", change)]


def risk_from_odds(odds: Interval, baseline: Interval) -> Interval:
    """OR / (1 - p0 + p0 OR): rises with the odds ratio, and goes towards 1 as the baseline risk p0 rises."""
    ends = [o / (1 - p + p * o) for o in (odds.low, odds.high) for p in (baseline.low, baseline.high)]
    return Interval.hull(ends)


def _odds_as_risk(relation: kinds.OddsAsRisk, source: Source) -> Terms:
    odds = source.interval(relation.odds_ratio)
    baseline = source.interval(relation.baseline_percent).scaled(Fraction(1, 100)).cut(Interval.at_least(Fraction(0)))
    if odds.low <= 0 or baseline.high > 1:
        raise ValueError("the odds ratio must be positive, the baseline at most 100 per cent")
    ratio, share = source.text(relation.odds_ratio), f"{source.text(relation.baseline_percent)} %"
    return [(f"{ratio} / (1 − {share} + {share} × {ratio})", risk_from_odds(odds, baseline))]


COMPUTE: dict[str, Callable[[Any, Source], Terms]] = {
    "odds_ratio": odds_ratio,
    "risk_ratio": _risk_ratio,
    "unadjusted": _unadjusted,
    "ratio_power": ratio_power,
    "combined_ratio": _combined_ratio,
    "change_percent": _change_percent,
    "odds_as_risk": _odds_as_risk,
}
