"""Confidence limits from a standard error."""

from fractions import Fraction
from typing import Literal

from harness.claims.candidates import Candidate, made
from harness.claims.distributions import t_quantile
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.mathematics.confidence import LEVELS, Scale, level_of, quantile_text, student
from harness.claims.mathematics.ratio import ONE, ratio_log
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Decimal, Ref
from harness.claims.source import Source


class IntervalFromSe(Relation):
    """claim = a limit, estimate -+ quantile x SE; on the log scale exp(ln estimate -+ quantile x SE), SE of the log."""

    kind: Literal["interval_from_se"]
    """Names the relation in the ledger."""

    in_words = "estimate ∓ quantile × SE"
    excused = "Student's t, 10 df or more (table)"
    explained = "90 / 99 %, one SE, exchanged limits, the other scale"
    estimate: Ref
    """Id of the estimate."""
    se: Ref
    """Id of its standard error, on the log scale that of the logarithm."""
    part: Literal["lower", "upper"]
    """Which limit the claim is."""
    df: Ref | None = None
    """Id of the degrees of freedom of Student's t; None for the normal distribution."""
    scale: Scale = "linear"
    """Scale on which the limits are symmetric; `log` for ratios."""
    level: Decimal = "95"
    """Level of the limits, in %."""

    examples = (
        Example(
            {"e": "10.000", "s": "2.000", "k": "9"},
            {"estimate": "e", "se": "s", "df": "k", "part": "lower"},
            "5.476",
            "5.376",
        ),
        Example(
            {"e": "2.000", "s": "0.100"}, {"estimate": "e", "se": "s", "part": "upper", "scale": "log"}, "2.43", "2.53"
        ),
    )

    def compute(self, source: Source) -> Terms:
        df = source.interval(self.df) if self.df else None
        said = quantile_text(self.level, source.text(self.df) if self.df else "")
        return self.limit(source, t_quantile(level_of(self.level), df), said)

    def limit(self, source: Source, quantile: Interval, said: str) -> Terms:
        """estimate -+ quantile x SE; with the quantile's text."""
        sign = Fraction(1 if self.part == "upper" else -1)
        symbol = "+" if sign > 0 else "−"
        reach = (quantile * source.count(self.se)).scaled(sign)
        estimate, se = source.text(self.estimate), source.text(self.se)
        if self.scale == "linear":
            return [(f"{estimate} {symbol} {said} × {se}", source.interval(self.estimate) + reach)]
        found = (ratio_log(source.interval(self.estimate)) + reach).exp()
        return [(f"exp(ln {estimate} {symbol} {said} × {se})", found)]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        quantile, said = student(self.level)
        other = self.model_copy(update={"part": "lower" if self.part == "upper" else "upper"})
        scale = self.model_copy(update={"scale": "log" if self.scale == "linear" else "linear"})
        usual = t_quantile(level_of(self.level), source.interval(self.df) if self.df else None)
        usual_text = quantile_text(self.level, source.text(self.df) if self.df else "")
        candidates = [
            Candidate(
                f"with a confidence level of {level} %",
                "no",
                lambda level=level: self.limit(  # type: ignore[misc]
                    source, t_quantile(level_of(level), None), quantile_text(level)
                ),
            )
            for level in LEVELS
            if level != self.level
        ]
        candidates += [
            Candidate("with limits of one standard error", "no", lambda: self.limit(source, ONE, "1")),
            Candidate("with exchanged limits", "no", lambda: other.limit(source, usual, usual_text)),
            Candidate(f"on the {scale.scale} scale", "no", lambda: scale.limit(source, usual, usual_text)),
        ]
        if not self.df:
            candidates.insert(
                0,
                Candidate(
                    "with Student's t of ten or more degrees of freedom",
                    "table",
                    lambda: self.limit(source, quantile, said),
                ),
            )
        return made(candidates, source.target(claim))

    def not_negative(self) -> list[str]:
        return [self.se]
