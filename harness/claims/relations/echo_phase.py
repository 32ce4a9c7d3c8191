"""Fat against water at an echo time."""

from fractions import Fraction
from typing import Literal

from harness.claims.interval import Interval, product, show
from harness.claims.ledger import Claim, Number
from harness.claims.reading import Excuse, Reading, Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source

GYROMAGNETIC_MHZ_PER_T = Fraction("42.577478")
"""Proton gyromagnetic ratio over 2 pi, CODATA 2018, cut at eight digits: the rounding is far below the printed one."""


class EchoPhase(Relation):
    """claim = the phase of fat against water at an echo time: cycles = echo time x field x gamma x shift."""

    kind: Literal["echo_phase"]
    """Names the relation in the ledger."""

    in_words = "fat against water at an echo time"
    explained = "the other phase"
    echo_time_ms: Ref
    """Id of the echo time in ms."""
    field_t: Ref
    """Id of the field strength in T."""
    shift_ppm: Ref
    """Id of the chemical shift of fat against water in ppm."""
    phase: Literal["in-phase", "opposed-phase"]
    """The phase that the paper says."""

    bounds_only = True
    statement = True
    cut_off = False

    examples = (
        Example(
            {"te": "4.47", "b": "1.5", "s": "3.5"},
            {"echo_time_ms": "te", "field_t": "b", "shift_ppm": "s", "phase": "in-phase"},
            "4.47 (in-phase)",
            changed={"te": "2.24"},
        ),
    )

    def compute(self, source: Source) -> Terms:
        te, field_t, shift = (source.text(k) for k in (self.echo_time_ms, self.field_t, self.shift_ppm))
        return [(f"{te} ms × {shift} ppm × 42.577 MHz/T × {field_t} T", self._cycles(source))]

    def _cycles(self, source: Source) -> Interval:
        parts = source.intervals([self.echo_time_ms, self.field_t, self.shift_ppm])
        return product(parts).scaled(GYROMAGNETIC_MHZ_PER_T / 1000)

    def readings(self, claim: Claim, source: Source) -> list[Reading]:
        other = "opposed-phase" if self.phase == "in-phase" else "in-phase"
        return [phase_reading("if the echo has the other phase", other, self.compute(source), "no", [])]

    def against(self, claim: Claim, source: Source, reading: Reading) -> Reading:
        return phase_reading(reading.name, self.phase, reading.computed, reading.excuse, reading.notes)

    def assumed(self, key: str, number: Number) -> bool:
        return super().assumed(key, number) or key != self.echo_time_ms


def phase_target(cycles: Interval, phase: str) -> Interval:
    """Within a quarter cycle of the nearest whole (in-phase) or half (opposed-phase) number of cycles."""
    centre = Fraction(round(cycles.middle))
    if phase == "opposed-phase":
        centre = cycles.middle.__floor__() + Fraction(1, 2)
    return Interval(centre - Fraction(1, 4), centre + Fraction(1, 4))


def phase_reading(name: str, phase: str, terms: Terms, excuse: Excuse, notes: list[str]) -> Reading:
    """Cycles of fat against water, against the phase that is stated."""
    number = "a whole number" if phase == "in-phase" else "a whole number and a half"
    target = phase_target(terms[0][1], phase)
    stands = f"{phase} means {number} of cycles; within a quarter cycle that is {show(target)} cycles"
    return Reading(name, terms, target, excuse, notes, " cycles", stands, f"what {phase} means")
