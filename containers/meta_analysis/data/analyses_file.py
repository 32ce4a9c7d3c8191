"""`analyses.json` of this stage: exclusions, how an effect comes from the table, analyses (README: analyses.json).

Invariant: whatever names a column is checked against the dictionary later, when the table is read.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from containers.contract.request import Strict
from containers.meta_analysis.fields import Terms
from containers.meta_analysis.measures.smd import VarianceType
from containers.toolkit.analyses import analyses_file


class Direction(Strict):
    """Where the sign of the effect is turned."""

    column: str
    """The category that says where the sign is turned."""
    flip: list[str] = Field(min_length=1)
    """Its levels at which the sign is turned."""


class Bilateral(Strict):
    """How left and right are averaged."""

    side: str
    """The category that says which side a row is of."""
    levels: tuple[str, str] = ("left", "right")
    """Its levels for the left and for the right side."""
    by: Terms = Field(default_factory=list)
    """Columns in which both rows of a pair agree, besides the study."""
    correlation: Annotated[float, Field(ge=-1, le=1)]
    """Correlation between the two sides."""
    of: Literal["summaries", "effects"]
    """Whether means and SDs (`summaries`) or effects and their variances (`effects`) are averaged."""


Columns = str | list[str]


class EffectSource(Strict):
    """How the effect and its variance come from the table."""

    study: str
    """Column that says which study a row is from: the third level, and the cluster of robust variances."""
    measure: Literal["smd", "given"]
    """`smd`: standardised mean difference of two groups; `given`: effects that the table has."""
    mean_1: Columns | None = None
    """Means of the first group; a list of columns is of groups that are combined first; None with `given`."""
    sd_1: Columns | None = None
    """Standard deviations of the first group, one column for each of `mean_1`; None with `given`."""
    n_1: Columns | None = None
    """Numbers of persons of the first group, one column for each of `mean_1`; None with `given`."""
    mean_2: Columns | None = None
    """Means of the second group; a list of columns is of groups that are combined first; None with `given`."""
    sd_2: Columns | None = None
    """Standard deviations of the second group, one column for each of `mean_2`; None with `given`."""
    n_2: Columns | None = None
    """Numbers of persons of the second group, one column for each of `mean_2`; None with `given`."""
    variance_type: VarianceType = "LS"
    """How the variance of a standardised mean difference is computed, by its name in metafor's `escalc`."""
    effect: str | None = None
    """Column of given effects, with `smd` for rows without means; None where the table has none."""
    standard_error: str | None = None
    """Column of their standard errors; None where there are none or `variance` is given."""
    variance: str | None = None
    """Column of their variances; None where there are none or `standard_error` is given."""
    direction: Direction | None = None
    """Where the sign of the effect is turned; None for nowhere."""
    bilateral: Bilateral | None = None
    """How left and right are averaged; None where they stay apart."""

    @model_validator(mode="after")
    def _complete(self) -> "EffectSource":
        arms = [self.arm(1), self.arm(2)]
        if self.measure == "smd" and not all(arms):
            raise ValueError("measure smd needs mean_1, sd_1, n_1, mean_2, sd_2, n_2")
        if self.measure == "given" and (any(arms) or self.effect is None):
            raise ValueError("measure given needs effect with standard_error or variance, and takes no means")
        if (self.effect is not None) != ((self.standard_error is not None) + (self.variance is not None) == 1):
            raise ValueError("effect goes with one of standard_error and variance")
        if self.bilateral and self.bilateral.of == "summaries" and self.measure != "smd":
            raise ValueError("bilateral of summaries needs measure smd")
        return self

    def arm(self, number: int) -> list[tuple[str, str, str]]:
        """(mean, sd, n) columns of each group of an arm (1 or 2). Raises ValueError when the lists do not match."""
        parts = [getattr(self, f"{name}_{number}") for name in ("mean", "sd", "n")]
        if any(part is None for part in parts):
            return []
        lists = [[part] if isinstance(part, str) else part for part in parts]
        if len({len(part) for part in lists}) != 1 or not lists[0]:
            raise ValueError(f"mean_{number}, sd_{number} and n_{number} must have equally many columns")
        return [(mean, sd, n) for mean, sd, n in zip(*lists, strict=True)]


class AnalysesFile(analyses_file.AnalysesFile):
    """The whole file. `analyses` are checked further by the classes of their kinds."""

    effects: EffectSource | None = None
    """How an effect comes from the table; None in a file without analyses."""

    @model_validator(mode="after")
    def _effects_are_known(self) -> "AnalysesFile":
        if self.analyses and self.effects is None:
            raise ValueError("analyses need effects, which say how an effect comes from the table")
        return self
