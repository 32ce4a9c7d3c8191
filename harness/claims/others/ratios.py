"""Other readings of odds ratios, risk ratios and of effects that follow from printed ratios."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

import harness.claims.relations as kinds
from harness.claims.compute.base import ONE, Terms, powers_text, signed_power
from harness.claims.compute.ratios import COMPUTE, Measure, Table, combined, ratio_terms, table_of
from harness.claims.compute.spread import level_of, quantile_text
from harness.claims.compute.tables import profile_limit
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval, total
from harness.claims.ledger import Claim
from harness.claims.others.base import LEVELS, Candidate, made, suffixed
from harness.claims.plain import change_terms, risk_terms
from harness.claims.reading import Reading
from harness.claims.source import Source

_PLURAL: dict[Measure, str] = {"odds": "odds", "risk": "risks"}


def _ratio(claim: Claim, relation: kinds.OddsRatio | kinds.RiskRatio, source: Source) -> list[Reading]:
    measure: Measure = "odds" if isinstance(relation, kinds.OddsRatio) else "risk"
    table, target = table_of(relation, source), source.target(claim)
    candidates = [*_of_counts(table, measure, relation.part)]
    if relation.part != "estimate":
        candidates += _of_limits(table, measure, relation.part)
        if relation.method:
            unit = claim.parsed()[0].step
            near = Interval(target.low - unit, target.high + unit)
            name = f"within one unit of the last digit, for limits by {relation.method}"
            terms = ratio_terms(table, measure, relation.part)
            candidates.append(Candidate(name, "claim", lambda: terms, near))
    return made(candidates, target)


def _of_counts(table: Table, measure: Measure, part: str) -> list[Candidate]:
    other: Measure = "risk" if measure == "odds" else "odds"
    turned: Literal["estimate", "lower", "upper"] = (
        "estimate" if part == "estimate" else "lower" if part == "upper" else "upper"
    )
    return [
        Candidate(f"as a ratio of {_PLURAL[other]}", "no", lambda: ratio_terms(table, other, part)),
        Candidate(
            "with the groups exchanged",
            "no",
            # The lower limit of the reciprocal is one over the upper limit: the turned table has it by itself.
            lambda: ratio_terms(table.turned(), measure, part),
        ),
        Candidate("with the sizes exchanged", "no", lambda: ratio_terms(table.sizes_exchanged(), measure, part)),
        *(
            [Candidate("with exchanged limits", "no", lambda: ratio_terms(table, measure, turned))]
            if part != "estimate"
            else []
        ),
    ]


def _of_limits(table: Table, measure: Measure, part: str) -> list[Candidate]:
    found = []
    if measure == "odds":
        found.append(
            Candidate(
                "with profile-likelihood limits",
                "claim",
                lambda: [(f"profile-likelihood {part} limit of {_counts(table)}", profile_limit(table, part))],
            )
        )
    for level in LEVELS:
        if level != "95":
            quantile, said = t_quantile(level_of(level), None), quantile_text(level)
            found.append(
                Candidate(
                    f"with a confidence level of {level} %",
                    "no",
                    lambda q=quantile, s=said: ratio_terms(table, measure, part, q, s),  # type: ignore[misc]
                )
            )
    return found


def _counts(table: Table) -> str:
    return " against ".join(f"{events} of {size}" for events, size in table.texts)


def _ratio_power(claim: Claim, relation: kinds.RatioPower, source: Source) -> list[Reading]:
    ratio, text = source.interval(relation.ratio), source.text(relation.ratio)
    power = Fraction(relation.power)

    def linear() -> Terms:
        return [(f"1 + {relation.power} × ({text} − 1)", ONE + (ratio - ONE).scaled(power))]

    def times() -> Terms:
        return [(f"{relation.power} × {text}", ratio.scaled(power))]

    inverse = f"-{relation.power}".replace("--", "")
    return made(
        [
            Candidate("on the linear scale", "no", linear),
            Candidate("as a multiple", "no", times),
            Candidate(
                "as the reciprocal", "no", lambda: [(powers_text([text], [inverse]), signed_power(ratio, inverse))]
            ),
        ],
        source.target(claim),
    )


def _combined_ratio(claim: Claim, relation: kinds.CombinedRatio, source: Source) -> list[Reading]:
    powers = relation.powers or ["1"] * len(relation.ratios)

    def added() -> Terms:
        parts = [signed_power(source.interval(r), p) - ONE for r, p in zip(relation.ratios, powers, strict=True)]
        texts = powers_text([source.text(r) for r in relation.ratios], powers).replace(" × ", " + ")
        return [(f"{texts} − {len(parts) - 1}", ONE + total(parts))]

    candidates = [Candidate("with effects that add on the linear scale", "no", added)]
    if len(relation.ratios) > 2:
        candidates.append(
            Candidate("without the last factor", "no", lambda: combined(relation.ratios[:-1], powers[:-1], source))
        )
    inverse = [f"-{p}".replace("--", "") for p in powers]
    candidates.append(Candidate("as the reciprocal", "no", lambda: combined(relation.ratios, inverse, source)))
    return made(candidates, source.target(claim))


def _change_percent(claim: Claim, relation: kinds.ChangePercent, source: Source) -> list[Reading]:
    ratio, text = source.interval(relation.ratio), source.text(relation.ratio)

    def reciprocal() -> Terms:
        return change_terms(claim, [(f"100 × (1 / {text} − 1)", (ONE / ratio - ONE).scaled(100))])

    return made(
        [
            Candidate("relative to the other group", "no", reciprocal),
            Candidate("as per cent of, not more or less than", "no", lambda: [(f"100 × {text}", ratio.scaled(100))]),
            Candidate("on the log scale", "no", lambda: change_terms(claim, [_hundred_logs(text, ratio)])),
        ],
        source.target(claim),
    )


def _hundred_logs(text: str, ratio: Interval) -> tuple[str, Interval]:
    return f"100 × ln {text}", ratio.log().scaled(100)


def _odds_as_risk(claim: Claim, relation: kinds.OddsAsRisk, source: Source) -> list[Reading]:
    odds = source.interval(relation.odds_ratio)
    terms = risk_terms(claim, [(source.text(relation.odds_ratio), odds)])
    baseline = suffixed(COMPUTE["odds_as_risk"](relation, source), "", lambda value: value)
    candidates = [Candidate("if it is said of the odds", "no", lambda: terms)]
    if claim.unit == "%":
        candidates.append(Candidate("as per cent of, not more", "no", lambda: suffixed(baseline, " × 100", _percent)))
    return made(candidates, source.target(claim))


def _percent(value: Interval) -> Interval:
    return value.scaled(100)


OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    "odds_ratio": _ratio,
    "risk_ratio": _ratio,
    "ratio_power": _ratio_power,
    "combined_ratio": _combined_ratio,
    "change_percent": _change_percent,
    "odds_as_risk": _odds_as_risk,
}
