"""A table of events in two groups: ratios of odds and of risks, and their limits."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from scipy import optimize, special

from harness.claims.interval import Interval, corners, total
from harness.claims.mathematics.confidence import NORMAL_975
from harness.claims.mathematics.ratio import ONE
from harness.claims.reading import Terms

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


def _profile(a: float, b: float, n: float, m: float, upper: bool) -> float:
    """Limit of the odds ratio where twice the drop of the profile log-likelihood is 3.841 (95 %).

    At a given log odds ratio the second group's probability follows from the score equation, a quadratic.
    """
    drop = float(special.chdtri(1, 0.05)) / 2
    estimate = math.log(a / (n - a)) - math.log(b / (m - b))

    def profile(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)

        def surplus(p: float) -> float:
            return n * ratio * p / (1 - p + ratio * p) + m * p - a - b

        p = float(optimize.brentq(surplus, 1e-300, 1 - 1e-16, xtol=1e-15))
        high = ratio * p / (1 - p + ratio * p)
        return float(
            special.xlogy(a, high) + special.xlog1py(n - a, -high) + special.xlogy(b, p) + special.xlog1py(m - b, -p)
        )

    top = profile(estimate)
    error = math.sqrt(1 / a + 1 / (n - a) + 1 / b + 1 / (m - b))
    far = estimate + (10 if upper else -10) * error
    return math.exp(float(optimize.brentq(lambda x: top - profile(x) - drop, *sorted((estimate, far)), xtol=1e-12)))


def profile_limit(table: Table, part: str) -> Interval:
    """Profile-likelihood limit of the odds ratio, at the corners of the counts: it rises with the first group's
    events, and turns with each count at most where a cell is below two. Raises ValueError for an empty cell."""
    boxes = (*table.events, *table.sizes)
    try:
        return corners(lambda a, b, n, m: _profile(a, b, n, m, part == "upper"), *boxes)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ValueError("profile limits have no value for these counts") from error
