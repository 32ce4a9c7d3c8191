"""What a run found, as data: the one source of report, JUnit, Markdown and exit status.

Invariants: nothing here changes from run to run on the same inputs, images and machine; seconds, memory and
cache hits live in `timings.json`. A phantom or simulation result never carries the verdict `reproduced`.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from containers.contract.request import Strict

RESULTS_SCHEMA_VERSION = "1.1"
"""1.1 adds the arithmetic of claims, and findings. Files of 1.0 read as they are: every new field has a default."""


class Verdict(StrEnum):
    """Design section 7. `broken` is never counted as a scientific result."""

    REPRODUCED = "reproduced"
    CONSISTENT = "consistent"
    CONTRADICTED = "contradicted"
    NOT_TESTABLE = "not testable"
    BROKEN = "broken"


class Route(StrEnum):
    """The kind of evidence that a claim can get (design section 6)."""

    RECOMPUTE = "recompute"
    PHANTOM = "phantom"
    SIMULATION = "simulation"
    LICENSED = "licensed"
    HARDWARE = "hardware"


class ExitStatus:
    """Design section 7."""

    OK, MISMATCH, USAGE, ENVIRONMENT, INCOMPLETE = 0, 1, 2, 3, 4


class JobResult(Strict):
    """One job: which stage by which digest under which runner, and what was really in force."""

    case: str
    step: str
    stage: str
    version: str
    digest: str
    digest_kind: str = Field(description="'image id', 'repository digest' or 'source hash'")
    runner: str
    isolation: dict[str, Any]
    items_ok: int
    items_error: int


class ItemResult(Strict):
    """One item of one step: its record's status, and the record's place relative to the run folder."""

    case: str
    step: str
    item: str
    status: str
    record: str
    error: str = ""
    warnings: list[str] = Field(default_factory=list)


class CheckResult(Strict):
    """A measured value against an expectation. `evidence` is 'phantom', 'simulation', 'real data' or 'mutant'.

    A mutant check passes when the metric leaves its tolerance, as it must. `skipped` says that nothing was run
    because licensed or public data are missing: neither a pass nor a failure, and `note` says how to run it.
    """

    case: str
    check: str
    title: str
    evidence: str
    measured: float | None
    unit: str
    minimum: float | None = None
    maximum: float | None = None
    tolerance_source: str
    passed: bool
    broken: bool = False
    skipped: bool = False
    note: str = ""


class UsedNumber(Strict):
    """A printed number that a claim was computed from."""

    id: str
    place: str
    printed: str
    unit: str


class TriedReading(Strict):
    """Another reading of a printed statement. excuses: it lets the claim stand; else it explains at most."""

    name: str
    formula: str
    computed: str
    stands_for: str
    agrees: bool
    excuses: bool
    notes: list[str] = Field(default_factory=list)


class ClaimResult(Strict):
    """One claim with its verdict, the arithmetic line by line, and what else was tried.

    computed, stands_for: the computed interval, and the one that the printed text stands for, as text; interval and
    target: the same as numbers, None when there is none or when it has no limit on a side. bound: the relation can
    contradict, never reproduce. half_widths: distance in half-widths of the printed rounding, None where the claim
    agrees or nothing was rounded. chance: that a number drawn at random would agree with one of the readings.
    """

    paper: str
    claim: str
    place: str
    quantity: str
    printed: str
    unit: str
    route: Route
    verdict: Verdict
    reason: str
    arithmetic: list[str] = Field(default_factory=list)
    evidence_from: str = ""
    kind: str = ""
    formula: str = ""
    computed: str = ""
    stands_for: str = ""
    interval: tuple[float, float] | None = None
    target: tuple[float, float] | None = None
    bound: bool = False
    used: list[UsedNumber] = Field(default_factory=list)
    readings: list[TriedReading] = Field(default_factory=list)
    explanation: str = ""
    finding: str = ""
    surprise: str = ""
    half_widths: float | None = None
    chance: float | None = None

    @model_validator(mode="after")
    def _phantoms_replicate_no_paper(self) -> "ClaimResult":
        if self.route in (Route.PHANTOM, Route.SIMULATION) and self.verdict == Verdict.REPRODUCED:
            raise ValueError("a phantom or simulation shows an implementation right, never a paper")
        return self


class Finding(Strict):
    """What one or several claims of a paper show together.

    kind: "contradiction", or "equality" for many rows that equal numbers which they are said to differ from.
    chance: that random numbers would agree, or for an equality that all rows would be equal by luck.
    """

    id: str
    paper: str
    title: str
    text: str
    claims: list[str]
    rows: int
    kind: str
    chance: float | None = None


class Picture(Strict):
    """A PNG for the report, relative to the run folder. `evidence` is drawn into the image itself."""

    case: str
    path: str
    title: str
    evidence: str
    alt: str


class ComparedNumber(Strict):
    """One number by two implementations. None where one has none, or calls it undefined; digits: that agree."""

    name: str
    left: float | None
    right: float | None
    relative: float | None
    digits: int | None


class ComparedQuantity(Strict):
    """All numbers of one quantity. one_sided: that only one record has; undefined: in both. worst: of the compared."""

    quantity: str
    compared: int
    one_sided: int
    undefined: int
    worst: ComparedNumber | None


class Comparison(Strict):
    """Two records of one item, number by number. `problem` says why there is none.

    left_out: how many numbers the case leaves out, by left_out_patterns. quantities and rows: the worst first, where
    one-sided numbers are the worst of all. rows: the first of rows_total; all are in the file `differences`, relative
    to the run folder.
    """

    case: str
    step: str
    item: str
    evidence: str
    left: str
    right: str
    left_out: int = 0
    left_out_patterns: list[str] = Field(default_factory=list)
    quantities: list[ComparedQuantity] = Field(default_factory=list)
    rows: list[ComparedNumber] = Field(default_factory=list)
    rows_total: int = 0
    differences: str = ""
    problem: str = ""


class Results(Strict):
    """Everything one `reproduce` found."""

    schema_version: str = RESULTS_SCHEMA_VERSION
    project_version: str
    contract: str
    preset: str
    runner: str
    runner_note: str = ""
    environment: dict[str, str] = Field(description="facts of machine and packages that do not change between runs")
    jobs: list[JobResult] = Field(default_factory=list)
    items: list[ItemResult] = Field(default_factory=list)
    checks: list[CheckResult] = Field(default_factory=list)
    claims: list[ClaimResult] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)
    comparisons: list[Comparison] = Field(default_factory=list)
    pictures: list[Picture] = Field(default_factory=list)
    exit_status: int
