"""Derived categories: classes by thresholds."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from containers.association.data.rule import Rule
from containers.contract.request import Finite, Strict
from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray
from containers.toolkit.tables.cohort.columns import Category, Cohort, Column


class Cut(Rule):
    """Groups by cut points: a value of at least a cut point is in the group that begins there (PI-NRS >= 4)."""

    kind: Literal["cut"]
    """Marks the rule that cuts a number at fixed points."""
    of: str
    """The number that is cut."""
    at: Annotated[tuple[Finite, ...], Field(min_length=1)]
    """Cut points in ascending order, in the number's unit; a value equal to one is in the upper group."""
    labels: tuple[str, ...]
    """Names of the groups from the lowest, one more than there are cut points."""

    @model_validator(mode="after")
    def _ordered(self) -> "Cut":
        if list(self.at) != sorted(set(self.at)):
            raise ValueError("at must rise")
        if len(self.labels) != len(self.at) + 1 or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"{len(self.at)} cut points need {len(self.at) + 1} different labels")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.of,)

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        values = cohort.number(self.of)
        codes = np.searchsorted(np.array(self.at), values, side="right").astype(np.int64)
        return Category(np.where(np.isnan(values), -1, codes), self.labels), {}


class Recode(Rule):
    """Levels of a category under other names: several may become one."""

    kind: Literal["recode"]
    """Marks the rule that renames levels."""
    of: str
    """The category whose levels are renamed."""
    map: dict[str, str]
    """New name of each level."""
    levels: Annotated[tuple[str, ...], Field(min_length=2)]
    """The new levels in order, of which the first is the reference."""

    @model_validator(mode="after")
    def _all_used(self) -> "Recode":
        if set(self.map.values()) != set(self.levels) or len(set(self.levels)) != len(self.levels):
            raise ValueError("levels must be the values of map, each once")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.of,)

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        column = self.levels_of(cohort, self.of, self.map)
        position = np.array([self.levels.index(self.map[level]) for level in column.levels] + [-1], dtype=np.int64)
        return Category(position[column.codes], self.levels), {}


class Below(Rule):
    """Whether a number is below the threshold of the row's level of `by`: low muscle mass, weak grip."""

    kind: Literal["below"]
    """Marks the rule that compares a number with thresholds."""
    of: str
    """The number that is compared."""
    by: str
    """The category whose level says which threshold holds for a row."""
    thresholds: dict[str, Finite]
    """Threshold by level of `by`, in the number's unit; a value equal to it is not below."""
    labels: tuple[str, str] = ("no", "yes")
    """Names of the levels: not below, below."""

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.of, self.by)

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        group = self.levels_of(cohort, self.by, self.thresholds)
        low, missing = below(cohort.number(self.of), group, self.thresholds)
        return Category(np.where(missing, -1, low.astype(np.int64)), self.labels), {}


class Thresholds(Strict):
    """Thresholds of one sex, below which a value is low."""

    strength: Finite
    """Grip strength in kg."""
    quantity: Finite
    """Muscle quantity (ALMI) in kg/m2."""


class Ewgsop2(Rule):
    """Sarcopenia by EWGSOP2 as ukb_thigh states it (Methods, Sarcopenia classification).

    none: strength is not low. probable: low strength, quantity not low. confirmed: both are low. Low is strictly
    below the threshold of the row's sex; the paper's are grip < 27 kg (men), < 16 kg (women), ALMI < 7.0 and
    < 5.5 kg/m2. A row that lacks one of the three columns gets no class, so that no class is easier to get.
    """

    kind: Literal["ewgsop2"]
    """Marks the rule that classifies sarcopenia."""
    strength: str
    """The column of grip strength, in kg."""
    quantity: str
    """The column of muscle quantity (ALMI), in kg/m2."""
    sex: str
    """The category whose level says which thresholds hold for a row."""
    thresholds: dict[str, Thresholds]
    """Thresholds of strength and quantity, by level of `sex`."""
    labels: tuple[str, str, str] = ("none", "probable", "confirmed")
    """Names of the classes none, probable and confirmed."""

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.strength, self.quantity, self.sex)

    def make(self, cohort: Cohort) -> tuple[Column, dict[str, Any]]:
        sex = self.levels_of(cohort, self.sex, self.thresholds)
        strength = {level: limit.strength for level, limit in self.thresholds.items()}
        quantity = {level: limit.quantity for level, limit in self.thresholds.items()}
        weak, no_strength = below(cohort.number(self.strength), sex, strength)
        little, no_quantity = below(cohort.number(self.quantity), sex, quantity)
        codes = np.where(weak, 1 + little.astype(np.int64), 0)
        return Category(np.where(no_strength | no_quantity, -1, codes), self.labels), {}


def below(values: FloatArray, group: Category, thresholds: dict[str, Finite]) -> tuple[BoolArray, BoolArray]:
    """(n,) whether the value is below the threshold of its group, and whether either is missing."""
    limits = np.array([thresholds[level] for level in group.levels] + [np.nan])
    missing = np.isnan(values) | group.missing
    return (values < limits[group.codes]) & ~missing, missing
