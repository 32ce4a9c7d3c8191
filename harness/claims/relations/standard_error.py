"""Standard errors from limits, and standard deviations from standard errors."""

from collections.abc import Iterable
from typing import Literal, Self

from harness.claims.candidates import Candidate, made
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import LEVELS, Scale, half_width, level_of, quantile_text, student
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Decimal, Ref
from harness.claims.source import Source


class SeFromInterval(Relation):
    """claim = standard error: width of the limits over twice the normal quantile; on the log scale, SE of the log."""

    kind: Literal["se_from_interval"]
    """Names the relation in the ledger."""

    in_words = "width / (2 quantile)"
    excused = "Student's t (table)"
    explained = "90 / 99 %, half width, the other scale"
    low: Ref
    """Id of the lower limit."""
    high: Ref
    """Id of the upper limit."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    level: Decimal = "95"
    """Level of the limits, in %."""

    examples = (
        Example({"l": "0.70", "h": "0.94"}, {"low": "l", "high": "h", "scale": "log"}, "0.075", "0.100"),
        Example({"l": "1.00", "h": "4.92"}, {"low": "l", "high": "h"}, "1.00", "1.20"),
    )

    def compute(self, source: Source) -> Terms:
        return self.error(source, t_quantile(level_of(self.level), None), quantile_text(self.level))

    def error(self, source: Source, quantile: Interval, said: str) -> Terms:
        low, high = source.text(self.low), source.text(self.high)
        width = f"ln {high} − ln {low}" if self.scale == "log" else f"{high} − {low}"
        half = half_width(source.interval(self.low), source.interval(self.high), self.scale)
        return [(f"({width}) / (2 × {said})", half / quantile)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        quantile, said = student(self.level)
        candidates = [
            Candidate(
                "with Student's t of ten or more degrees of freedom",
                "table",
                lambda: self.error(source, quantile, said),
            )
        ]
        candidates += [
            Candidate(
                f"with a confidence level of {level} %",
                "no",
                lambda level=level: self.error(  # type: ignore[misc]
                    source, t_quantile(level_of(level), None), quantile_text(level)
                ),
            )
            for level in LEVELS
            if level != self.level
        ]
        other = self.model_copy(update={"scale": "log" if self.scale == "linear" else "linear"})
        usual = t_quantile(level_of(self.level), None)
        candidates += [
            Candidate("as half the width of the limits", "no", lambda: self.error(source, ONE, "1")),
            Candidate(
                f"on the {other.scale} scale",
                "no",
                lambda: other.error(source, usual, quantile_text(self.level)),
            ),
        ]
        return made(candidates, source.target(claim))

    def limits(self) -> Iterable[tuple[None, str, str]]:
        return [(None, self.low, self.high)]

    def exchanged(self) -> Self:
        return self.swapped("low", "high")


class SdFromSe(Relation):
    """claim = standard deviation = SE sqrt(n)."""

    kind: Literal["sd_from_se"]
    """Names the relation in the ledger."""

    in_words = "SE √n"
    explained = "SE itself, SE is an SD, from limits"
    se: Ref
    """Id of the standard error."""
    n: Ref
    """Id of the number of persons."""

    examples = (Example({"s": "0.50", "n": "100"}, {"se": "s", "n": "n"}, "5.0", "5.3"),)

    def compute(self, source: Source) -> Terms:
        formula = f"{source.text(self.se)} × √{source.text(self.n)}"
        return [(formula, source.count(self.se) * source.count(self.n).root())]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        se, n = source.count(self.se), source.count(self.n)
        text_se, text_n = source.text(self.se), source.text(self.n)
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

    def not_negative(self) -> list[str]:
        return [self.se]
