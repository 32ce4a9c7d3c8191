"""Overlap measures: Dice and intersection over union."""

from fractions import Fraction
from typing import Literal

from pydantic import model_validator

from harness.claims.candidates import Candidate, made
from harness.claims.interval import Interval
from harness.claims.ledger import Claim
from harness.claims.reading import Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class MeanIou(Relation):
    """claim = mean intersection over union, bounded by the mean Dice and the range of the classes' Dice.

    IoU = D / (2 - D) is convex: the mean IoU is at least that of the mean Dice (Jensen) and at most the chord
    between the smallest and the largest class.
    """

    kind: Literal["mean_iou"]
    """Names the relation in the ledger."""

    in_words = "between Jensen's bound and the chord"
    excused = "averaged over cases"
    mean_dice: Ref
    """Id of the mean Dice over the classes."""
    smallest: Ref
    """Id of the smallest Dice of a class."""
    largest: Ref
    """Id of the largest Dice of a class."""

    bounds_only = True

    examples = (
        Example(
            {"d": "0.896", "l": "0.797", "h": "0.956"},
            {"mean_dice": "d", "smallest": "l", "largest": "h"},
            "0.815",
            "0.750",
        ),
    )

    def compute(self, source: Source) -> Terms:
        mean = source.interval(self.mean_dice)
        low, high = source.interval(self.smallest).low, source.interval(self.largest).high
        chord = iou(low) + (iou(high) - iou(low)) * (min(mean.high, high) - low) / (high - low)
        text = source.text
        formula = f"mean of D / (2 − D) over classes with mean D {text(self.mean_dice)}, "
        formula += f"each from {text(self.smallest)} to {text(self.largest)},"
        return [(formula, Interval.hull((iou(mean.low), chord)))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        mean = source.interval(self.mean_dice)
        wide = Interval(iou(mean.low), mean.high)
        formula = f"from D / (2 − D) to D at {source.text(self.mean_dice)},"
        return [Reading("if averaged over single cases", [(formula, wide)], source.target(claim), "claim")]


class DiceIou(Relation):
    """claim = the overlap of one case in the other measure: IoU = D / (2 - D), or D = 2 IoU / (1 + IoU)."""

    kind: Literal["dice_iou"]
    """Names the relation in the ledger."""

    in_words = "D / (2 − D) or 2 J / (1 + J)"
    excused = "means over cases"
    explained = "measures exchanged, the same measure"
    dice: Ref | None = None
    """Id of the Dice that the claim's IoU follows from; None where `iou` is given."""
    iou: Ref | None = None
    """Id of the IoU that the claim's Dice follows from; None where `dice` is given."""

    examples = (
        Example({"d": "0.800"}, {"dice": "d"}, "0.667", "0.660"),
        Example({"j": "0.667"}, {"iou": "j"}, "0.800", "0.810"),
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "DiceIou":
        if (self.dice is None) == (self.iou is None):
            raise ValueError("give either dice or iou")
        return self

    def compute(self, source: Source) -> Terms:
        """Both measures rise with each other. In per cent when the operand is."""
        key = self.dice or self.iou or ""
        scale = 100 if source.ledger.number(key).unit == "%" else 1
        overlap = source.probability(key) if scale == 1 else source.interval(key).scaled(Fraction(1, 100))
        text = source.text(key)
        if self.dice:
            found = Interval(iou(overlap.low), iou(overlap.high))
            return [(f"{text} / ({2 * scale} − {text})" + (" × 100" if scale > 1 else ""), found.scaled(scale))]
        ends = [2 * v / (1 + v) for v in (overlap.low, overlap.high)]
        return [(f"2 × {text} / ({scale} + {text})" + (" × 100" if scale > 1 else ""), Interval(*ends).scaled(scale))]

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        """Means over cases differ a little from one case: IoU is convex in Dice. A quarter of the way to equal
        numbers is far more than cases of one method are apart."""
        formula, value = self.compute(source)[0]
        operand = source.interval(self.dice or self.iou or "")
        ends = (value.low, value.high, *(v + (o - v) / 4 for v, o in zip(_both(value), _both(operand), strict=True)))
        other = DiceIou(kind="dice_iou", dice=self.iou, iou=self.dice)
        text = f"{formula}, up to a quarter of the way to {source.text(self.dice or self.iou or '')},"
        return made(
            [
                Candidate("if both are means over cases", "claim", lambda: [(text, Interval.hull(ends))]),
                Candidate("if the two measures are exchanged", "no", lambda: other.compute(source)),
                Candidate(
                    "as the same measure again",
                    "no",
                    lambda: [(source.text(self.dice or self.iou or ""), operand)],
                ),
            ],
            source.target(claim),
        )


def iou(dice: Fraction) -> Fraction:
    return dice / (2 - dice)


def _both(interval: Interval) -> tuple[Fraction, Fraction]:
    return interval.low, interval.high
