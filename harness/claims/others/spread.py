"""Other readings of means, standard deviations, standard errors and confidence limits."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import harness.claims.relations as kinds
from harness.claims.compute.base import ONE, Terms, ratio_log
from harness.claims.compute.spread import (
    half_width,
    interval_centre,
    level_of,
    limit_from_se,
    quantile_text,
    se_from_limits,
)
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval, show, total
from harness.claims.ledger import Claim
from harness.claims.others.base import LEVELS, Candidate, made
from harness.claims.reading import Reading
from harness.claims.source import Source

SMALL_DF = Interval(Fraction(10), Fraction(10**6))
"""Degrees of freedom that a paper may have used without saying so: Student's quantile is then up to 2.23."""
OFF_CENTRE = Fraction(1, 10)
"""Share of their width that profile-likelihood or bootstrap limits may lie off centre before it is a contradiction."""


def student(level: str) -> tuple[Interval, str]:
    """Quantiles of Student's t with ten or more degrees of freedom, and their text."""
    return t_quantile(level_of(level), SMALL_DF), quantile_text(level, "10 or more")


def _other_sizes(
    relation: kinds.WeightedMean | kinds.PooledSd, mean: str, claim: Claim, source: Source
) -> list[Reading]:
    """Two groups whose sizes are not the printed ones (values missing): the first group's share follows from the
    means, and the standard deviation from that share."""
    if len(relation.means) != 2:
        return []
    first, second = source.intervals(relation.means)
    whole = source.interval(mean)
    try:
        share = (whole - second) / (first - second)
    except ZeroDivisionError:
        return []
    counts = source.intervals(relation.counts)
    from_counts = show(counts[0] / total(counts))
    notes = [f"The first group's share is {show(share)} by the means and {from_counts} by the counts."]
    name = "with other group sizes than printed (values missing)"
    if isinstance(relation, kinds.WeightedMean):
        span = Interval(min(first.low, second.low), max(first.high, second.high))
        formula = f"any weighted mean of {source.texts(relation.means, ' and ')}"
        return [Reading(name, [(formula, span)], source.target(claim), notes=notes)]
    between = share * (ONE - share) * (first - second).square()
    formula = (
        f"√(share × {source.text(relation.sds[0])}² + (1 − share) × {source.text(relation.sds[1])}² + between means)"
    )

    def spread() -> Terms:
        sds = source.intervals(relation.sds)
        within = [w * sd.square() for w, sd in zip((share, ONE - share), sds, strict=True)]
        return [(formula, (total(within) + between).root())]

    return made([Candidate(name, "no", spread, notes=notes)], source.target(claim))


def _weighted_mean(claim: Claim, relation: kinds.WeightedMean, source: Source) -> list[Reading]:
    def unweighted() -> Terms:
        means = source.intervals(relation.means)
        formula = f"({source.texts(relation.means, ' + ')}) / {len(means)}"
        return [(formula, total(means).scaled(Fraction(1, len(means))))]

    plain = Candidate("as the plain mean of the groups' means", "no", unweighted)
    return [*_other_sizes(relation, claim.id, claim, source), *made([plain], source.target(claim))]


def _pooled_sd(claim: Claim, relation: kinds.PooledSd, source: Source) -> list[Reading]:
    sds, counts = source.intervals(relation.sds), source.intervals(relation.counts)

    def within() -> Terms:
        weights = [n - ONE for n in counts]
        squares = total(w * sd.square() for w, sd in zip(weights, sds, strict=True))
        formula = f"√(mean square within groups of {source.texts(relation.sds, ', ')})"
        return [(formula, (squares / total(weights)).root())]

    def mean() -> Terms:
        return [(f"({source.texts(relation.sds, ' + ')}) / {len(sds)}", total(sds).scaled(Fraction(1, len(sds))))]

    candidates = [
        Candidate("as the standard deviation within the groups", "no", within),
        Candidate("as the mean of the groups' standard deviations", "no", mean),
    ]
    return [*_other_sizes(relation, relation.mean, claim, source), *made(candidates, source.target(claim))]


def _interval_centre(claim: Claim, relation: kinds.IntervalCentre, source: Source) -> list[Reading]:
    if relation.method:
        return []
    other: kinds.Scale = "log" if relation.scale == "linear" else "linear"

    def off_centre() -> Terms:
        """The centre, moved by up to a tenth of the width on the scale."""
        low, high = source.interval(relation.low), source.interval(relation.high)
        shift = half_width(low, high, relation.scale).scaled(2 * OFF_CENTRE)
        reach = Interval(-shift.high, shift.high)
        formula, centre = interval_centre(relation.low, relation.high, relation.scale, source)[0]
        moved = (ratio_log(centre) + reach).exp() if relation.scale == "log" else centre + reach
        return [(f"{formula}, moved by up to a tenth of the width,", moved)]

    return made(
        [
            Candidate("with limits a little off centre, as profile and bootstrap limits are", "claim", off_centre),
            Candidate(
                f"with limits made on the {other} scale",
                "no",
                lambda: interval_centre(relation.low, relation.high, other, source),
            ),
        ],
        source.target(claim),
    )


def _interval_from_se(claim: Claim, relation: kinds.IntervalFromSe, source: Source) -> list[Reading]:
    quantile, said = student(relation.level)
    other = relation.model_copy(update={"part": "lower" if relation.part == "upper" else "upper"})
    scale = relation.model_copy(update={"scale": "log" if relation.scale == "linear" else "linear"})
    usual = t_quantile(level_of(relation.level), source.interval(relation.df) if relation.df else None)
    usual_text = quantile_text(relation.level, source.text(relation.df) if relation.df else "")
    candidates = [
        Candidate(
            f"with a confidence level of {level} %",
            "no",
            lambda level=level: limit_from_se(  # type: ignore[misc]
                relation, source, t_quantile(level_of(level), None), quantile_text(level)
            ),
        )
        for level in LEVELS
        if level != relation.level
    ]
    candidates += [
        Candidate("with limits of one standard error", "no", lambda: limit_from_se(relation, source, ONE, "1")),
        Candidate("with exchanged limits", "no", lambda: limit_from_se(other, source, usual, usual_text)),
        Candidate(f"on the {scale.scale} scale", "no", lambda: limit_from_se(scale, source, usual, usual_text)),
    ]
    if not relation.df:
        candidates.insert(
            0,
            Candidate(
                "with Student's t of ten or more degrees of freedom",
                "table",
                lambda: limit_from_se(relation, source, quantile, said),
            ),
        )
    return made(candidates, source.target(claim))


def _se_from_interval(claim: Claim, relation: kinds.SeFromInterval, source: Source) -> list[Reading]:
    quantile, said = student(relation.level)
    candidates = [
        Candidate(
            "with Student's t of ten or more degrees of freedom",
            "table",
            lambda: se_from_limits(relation, source, quantile, said),
        )
    ]
    candidates += [
        Candidate(
            f"with a confidence level of {level} %",
            "no",
            lambda level=level: se_from_limits(  # type: ignore[misc]
                relation, source, t_quantile(level_of(level), None), quantile_text(level)
            ),
        )
        for level in LEVELS
        if level != relation.level
    ]
    other = relation.model_copy(update={"scale": "log" if relation.scale == "linear" else "linear"})
    usual = t_quantile(level_of(relation.level), None)
    candidates += [
        Candidate("as half the width of the limits", "no", lambda: se_from_limits(relation, source, ONE, "1")),
        Candidate(
            f"on the {other.scale} scale",
            "no",
            lambda: se_from_limits(other, source, usual, quantile_text(relation.level)),
        ),
    ]
    return made(candidates, source.target(claim))


def _sd_from_se(claim: Claim, relation: kinds.SdFromSe, source: Source) -> list[Reading]:
    se, n = source.count(relation.se), source.count(relation.n)
    text_se, text_n = source.text(relation.se), source.text(relation.n)
    return made(
        [
            Candidate("as the standard error itself", "no", lambda: [(text_se, se)]),
            Candidate(
                "if the standard error is a standard deviation",
                "no",
                lambda: [(f"{text_se} / √{text_n}", se / n.root())],
            ),
            Candidate(
                "from limits given as ± 1.96 standard errors",
                "no",
                lambda: [(f"{text_se} × √{text_n} / 1.96", se * n.root() / Interval.point("1.96"))],
            ),
        ],
        source.target(claim),
    )


OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    "weighted_mean": _weighted_mean,
    "pooled_sd": _pooled_sd,
    "interval_centre": _interval_centre,
    "interval_from_se": _interval_from_se,
    "se_from_interval": _se_from_interval,
    "sd_from_se": _sd_from_se,
}
