"""Two groups of which means and standard deviations are printed: t, its degrees of freedom, effect sizes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.claims.interval import Interval, total
from harness.claims.mathematics.ratio import ONE


@dataclass(frozen=True)
class Groups:
    """Two groups of which summaries are printed."""

    means: Sequence[Interval]
    """Mean of each group."""
    sds: Sequence[Interval]
    """Standard deviation (n - 1) of each group."""
    counts: Sequence[Interval]
    """Number of persons in each group."""

    @property
    def difference(self) -> Interval:
        return self.means[0] - self.means[1]

    @property
    def variances(self) -> tuple[Interval, Interval]:
        """Squared standard errors of the means."""
        first, second = (sd.square() / n for sd, n in zip(self.sds, self.counts, strict=True))
        return first, second

    def welch(self) -> tuple[Interval, Interval]:
        """Welch's t and its degrees of freedom."""
        a, b = self.variances
        return over(self.difference, (a + b).root()), self._welch_df(a, b)

    def _welch_df(self, a: Interval, b: Interval) -> Interval:
        """1 / df = r^2 / (n1 - 1) + (1 - r)^2 / (n2 - 1), r = a / (a + b): convex in r, least at (n1 - 1) / (n1 + n2
        - 2), where df is n1 + n2 - 2. So the range over r is at its ends and, when it holds that point, there."""
        low, high = (x / (x + y) if x + y else Fraction(0) for x, y in ((a.low, b.high), (a.high, b.low)))
        ends = []
        for n1 in (self.counts[0].low, self.counts[0].high):
            for n2 in (self.counts[1].low, self.counts[1].high):
                if n1 <= 1 or n2 <= 1:
                    raise ValueError("a group of one has no standard deviation")
                turn = (n1 - 1) / (n1 + n2 - 2)
                for r in (low, high, *([turn] if low <= turn <= high else [])):
                    ends.append(1 / (r**2 / (n1 - 1) + (1 - r) ** 2 / (n2 - 1)))
        return Interval.hull(ends)

    def pooled_sd(self) -> Interval:
        """Root of the variance within the groups."""
        weights = [n - ONE for n in self.counts]
        squares = total(w * sd.square() for w, sd in zip(weights, self.sds, strict=True))
        return (squares / total(weights)).root()

    def student(self) -> tuple[Interval, Interval]:
        """Student's t with the pooled standard deviation, and its degrees of freedom."""
        spread = self.pooled_sd() * total(ONE / n for n in self.counts).root()
        return over(self.difference, spread), total(self.counts) - Interval.point(2)


def over(value: Interval, spread: Interval) -> Interval:
    """value / spread for a spread that is not negative; where it may be zero, up to a thousand times the value."""
    if spread.high <= 0:
        raise ValueError("the standard deviations are zero")
    return value / Interval(max(spread.low, spread.high / 1000), spread.high)


def hedges_correction(df: float) -> float:
    """Hedges' correction: gamma(df/2) / (sqrt(df/2) gamma((df - 1)/2)) (Hedges 1981)."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
