"""Fields that several kinds of analysis share: the models that they state."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from containers.contract.request import Finite, Strict

Level = Annotated[float, Field(gt=0.5, lt=1.0, allow_inf_nan=False)]
"""Confidence level of an interval, 0.95 for 95 %."""


class ModelFields(Strict):
    """A regression of an outcome on terms, as all kinds that fit a model state it."""

    outcome: str
    """Category of two levels after `restrict`, of which the second is the event; for a linear model a number."""
    terms: tuple[str, ...] = Field(min_length=1)
    """Columns that the outcome is regressed on."""
    interactions: tuple[tuple[str, ...], ...] = ()
    """Products of two terms or more, each of which is a term itself."""
    restrict: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Levels whose rows are kept, by category; the other levels go from the column; empty for all rows."""
    scale: dict[str, Finite] = Field(default_factory=dict)
    """Units of a number term that one odds ratio (or coefficient) is for, by column; 1 where not named."""
    level: Level = 0.95
    """Confidence level of all intervals, as a share."""

    @field_validator("terms")
    @classmethod
    def _once(cls, terms: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in terms if terms.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"term {twice!r} is given twice")
        return terms

    @model_validator(mode="after")
    def _parts_are_terms(self) -> "ModelFields":
        for parts in self.interactions:
            if len(set(parts)) < 2:
                raise ValueError(f"interaction {list(parts)} needs at least two different terms")
            if missing := [part for part in parts if part not in self.terms]:
                raise ValueError(f"interaction {list(parts)} has {missing[0]!r}, which is not in terms")
        if len({frozenset(parts) for parts in self.interactions}) < len(self.interactions):
            raise ValueError("an interaction is given twice")
        if self.outcome in self.terms:
            raise ValueError(f"outcome {self.outcome!r} is also a term")
        if unknown := [name for name in self.scale if name not in self.terms]:
            raise ValueError(f"scale names {unknown[0]!r}, which is not in terms")
        if wrong := [name for name, units in self.scale.items() if units <= 0]:
            raise ValueError(f"scale of {wrong[0]!r} is not above 0")
        return self


class LogisticFields(ModelFields):
    """What the kinds of logistic regression share."""

    strata: str | None = None
    """Category whose levels get a model each, besides the whole; None for the whole only."""
    intervals: tuple[Literal["wald", "profile"], ...] = Field(default=("wald", "profile"))
    """Kinds of intervals; `wald` always comes, `profile` when it is named."""
