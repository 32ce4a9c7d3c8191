"""Rows that are said to be adjusted."""

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.claims.interval import Interval, decimal
from harness.claims.ledger import Claim, Ledger
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.event_ratio import EventRatio
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class Unadjusted(Relation):
    """claim = a statement that the rows were adjusted; counts the rows that equal the unadjusted ratios."""

    kind: Literal["unadjusted"]
    """Names the relation in the ledger."""

    in_words = "how many rows equal the unadjusted ones"
    rows: list[Ref] = Field(min_length=1)
    """Ids of the claims that are said to be adjusted, each of them an odds or risk ratio."""

    bounds_only = True
    statement = True
    cut_off = False

    examples = (
        Example(
            {"a": "15", "b": "25", "n": "50"},
            {"rows": ["row"]},
            "adjusted",
            claims={
                "row": (
                    "0.43",
                    {"kind": "odds_ratio", "events_high": "a", "events_low": "b", "size": "n", "part": "estimate"},
                )
            },
        ),
    )

    def equal_rows(self, source: Source) -> list[Claim]:
        """The rows whose printed number meets the unadjusted ratio."""
        found = []
        for key in self.rows:
            row = source.ledger.number(key)
            if isinstance(row, Claim) and isinstance(row.relation, EventRatio):
                computed = row.relation.compute(source)[0][1]
                if computed.meets(source.target(row)):
                    found.append(row)
        return found

    def compute(self, source: Source) -> Terms:
        equal = len(self.equal_rows(source))
        return [(f"how many of {len(self.rows)} printed numbers agree with the unadjusted ones", Interval.point(equal))]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        equal, rows = reading.computed[0][1], len(self.rows)
        some = f"All {rows}" if equal.low == rows else f"{decimal(equal.low)} of {rows}"
        said = (
            f"{some} printed numbers agree with the unadjusted ones, computed from the events alone. An adjustment "
            "that changes none of their digits is possible: print cannot tell whether one was made"
        )
        stands = "no number of equal rows is impossible for it"
        whole = Interval(Fraction(0), Fraction(rows))
        return replace(reading, target=whole, stands=stands, within="what is possible", said=said)

    def assumptions(self, ledger: Ledger) -> list[str]:
        """None: its rows are compared as they stand."""
        return []
