"""What a run found, as data: the one source of report, JUnit, Markdown and exit status.

Invariants: nothing here changes from run to run on the same inputs, images and machine; seconds, memory and
cache hits live in `timings.json`. A phantom or simulation result never carries the verdict `reproduced`.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from containers.contract.request import Strict

RESULTS_SCHEMA_VERSION = "1.2"
"""1.1 adds the arithmetic of claims, and findings; 1.2 the cases that were asked for, and too few draws. Files of 1.0
and 1.1 read as they are: every new field has a default."""


class Verdict(StrEnum):
    """Design section 7. `broken` is never counted as a scientific result."""

    REPRODUCED = "reproduced"
    """The printed number follows from other printed numbers, for all values inside their roundings."""
    CONSISTENT = "consistent"
    """Nothing stands against the claim, but the evidence does not fix it."""
    CONTRADICTED = "contradicted"
    """No values inside the printed roundings can agree, under any rounding that was tried."""
    NOT_TESTABLE = "not testable"
    """Needs data, hardware or a check that was not in this run; the reason gives the command that would test it."""
    BROKEN = "broken"
    """The environment or one of our stages failed."""


class Route(StrEnum):
    """The kind of evidence that a claim can get (design section 6)."""

    RECOMPUTE = "recompute"
    """From other printed numbers, by interval arithmetic over their roundings."""
    PHANTOM = "phantom"
    """From checks on an input whose truth is known."""
    SIMULATION = "simulation"
    """From checks on many draws of a cohort phantom."""
    LICENSED = "licensed"
    """From data that need a licence."""
    HARDWARE = "hardware"
    """From a machine that is not here."""


class ExitStatus:
    """Design section 7."""

    OK, MISMATCH, USAGE, ENVIRONMENT, INCOMPLETE = 0, 1, 2, 3, 4


class JobResult(Strict):
    """One step and way it was run: which stage by which digest under which runner, and what was really in force."""

    case: str
    """Name of the case that the job belongs to."""
    step: str
    """Name of the step in the case."""
    stage: str
    """Name of the stage that was called."""
    version: str
    """Semantic version of the stage, as it describes itself."""
    digest: str
    """What the stage's results are keyed by: an image's digest, or the hash of the sources that a process imports."""
    digest_kind: str
    """What `digest` is: `image id`, `repository digest` or `source hash`."""
    runner: str
    """How the stage was run: `process`, `docker` or another runner's name."""
    isolation: dict[str, Any]
    """What was really in force (network, user, limits), by name, when the results were made."""
    items_ok: int
    """Items with a result, whether made now or taken from the cache."""
    items_error: int
    """Items whose record is an error."""


class ItemResult(Strict):
    """One item of one step, as its record says."""

    case: str
    """Name of the case."""
    step: str
    """Name of the step in the case."""
    item: str
    """Identifier of the item, unique in the step."""
    status: str
    """`ok` or `error` of its record; `skipped`: an input of it failed; `missing`: the stage left no valid record."""
    record: str
    """Path of the record, relative to the run folder; empty where there is none."""
    error: str = ""
    """One line that says why the item is not `ok`; empty for a good one."""
    warnings: list[str] = Field(default_factory=list)
    """The warnings of the record."""


class CheckResult(Strict):
    """A measured value against an expectation.

    A mutant check passes when the metric leaves its tolerance, as it must.
    """

    case: str
    """Name of the case."""
    check: str
    """Name of the check in its case; `<step>_items` for the one that every stage step has."""
    title: str
    """What is expected, in words for the report."""
    evidence: str
    """What the value was measured on: `phantom`, `simulation`, `real data` or `mutant`."""
    measured: float | None
    """The value that decides, in `unit`; None where nothing was run or it could not be measured."""
    unit: str
    """Unit of measured value and bounds."""
    minimum: float | None = None
    """Smallest value that is accepted, itself included; None for no bound."""
    maximum: float | None = None
    """Largest value that is accepted, itself included; None for no bound."""
    tolerance_source: str
    """Where the bounds come from: a rounding, sampled variability, a standard, a paper."""
    passed: bool
    """Whether the value is as expected; False for a check that was not run or could not be measured."""
    broken: bool = False
    """Whether it could not be measured because the environment or a stage failed: never counted as failed."""
    skipped: bool = False
    """Whether it has no verdict, because data or an item are missing or as `too_few` says: neither a pass nor a
    failure."""
    too_few: bool = False
    """Whether what was run are too few draws for a verdict; then it is skipped, and so are the claims that need it."""
    note: str = ""
    """Which item decided, why nothing was measured, or how to run what was skipped; empty where nothing is to say."""
    qualified_by: list[str] = Field(default_factory=list)
    """Why the value is doubtful by its own record, one line a reason; empty where nothing is known."""


class UsedNumber(Strict):
    """A printed number that a claim was computed from."""

    id: str
    """Identifier of the number in the paper's ledger."""
    place: str
    """Where the paper prints it, such as a table's row."""
    printed: str
    """The text as printed; its digits give the rounding."""
    unit: str
    """Unit of the printed number."""


class TriedReading(Strict):
    """Another reading of a printed statement."""

    name: str
    """The reading in words that go on from "agrees only" or "it would agree"."""
    formula: str
    """What was computed, with the printed numbers put in."""
    computed: str
    """The computed interval as text, several parted by a semicolon."""
    stands_for: str
    """What the printed text stands for in this reading, as text."""
    agrees: bool
    """Whether some values inside the printed roundings agree with it."""
    excuses: bool
    """Whether it lets the claim stand as consistent; otherwise it explains at most."""
    notes: list[str] = Field(default_factory=list)
    """Assumptions and side results of the reading."""


class ClaimResult(Strict):
    """One claim with its verdict, the arithmetic line by line, and what else was tried."""

    paper: str
    """Name of the paper, as its folder in `reference_results`."""
    claim: str
    """Identifier of the claim in the paper's ledger."""
    place: str
    """Where the paper prints it."""
    quantity: str
    """What the number is of, in words."""
    printed: str
    """The text as printed; its digits give the rounding."""
    unit: str
    """Unit of the printed number."""
    route: Route
    """The kind of evidence that the claim can get."""
    verdict: Verdict
    """What was found."""
    reason: str
    """Why the verdict is what it is, in sentences for the report."""
    arithmetic: list[str] = Field(default_factory=list)
    """The computation line by line, or the checks with how each ended; empty where nothing was computed."""
    evidence_from: str = ""
    """The checks that the verdict rests on, as `case/check`; empty on the other routes."""
    kind: str = ""
    """Kind of the relation that was computed; empty where there is none."""
    formula: str = ""
    """What was computed, with the printed numbers put in; empty where nothing was."""
    computed: str = ""
    """The computed interval as text; empty where nothing was computed."""
    stands_for: str = ""
    """The interval that the printed text stands for, as text; empty where nothing was computed."""
    interval: tuple[float, float] | None = None
    """Lowest and highest computed value, in `unit`; None where nothing was computed or a side has no limit."""
    target: tuple[float, float] | None = None
    """Lowest and highest value that the printed text stands for, in `unit`; None where a side has no limit."""
    bound: bool = False
    """Whether the relation only bounds the number: it can contradict, never reproduce."""
    used: list[UsedNumber] = Field(default_factory=list)
    """The printed numbers that the relation uses, each once."""
    readings: list[TriedReading] = Field(default_factory=list)
    """Other readings that were tried after the plain one had failed."""
    explanation: str = ""
    """Which other readings agree, in one sentence; empty for a claim that agrees at once."""
    finding: str = ""
    """Identifier of the finding that the claim is part of, `paper/number`; empty where it is in none."""
    disagreement: str = ""
    """How surprising the contradiction (or the equality) is, in words; empty where there is nothing to say."""
    half_widths: float | None = None
    """Distance in half-widths of the printed rounding; None where the claim agrees or nothing was rounded."""
    chance: float | None = None
    """Probability that a number drawn at random would agree with one of the readings; None where it is not known."""

    @model_validator(mode="after")
    def _phantoms_replicate_no_paper(self) -> "ClaimResult":
        if self.route in (Route.PHANTOM, Route.SIMULATION) and self.verdict == Verdict.REPRODUCED:
            raise ValueError("a phantom or simulation shows an implementation right, never a paper")
        return self


class Finding(Strict):
    """What one or several claims of a paper show together."""

    id: str
    """Identifier, `paper/number`, counted in the order of the claims."""
    paper: str
    """Name of the paper."""
    title: str
    """What was found, in a few words."""
    text: str
    """What was found, in sentences for the report."""
    claims: list[str]
    """Identifiers of the claims that it joins, in the ledger's order."""
    rows: int
    """How many printed rows it is about."""
    kind: str
    """`contradiction`, or `equality` for many rows that equal numbers which they are said to differ from."""
    chance: float | None = None
    """Probability that random numbers would agree, or that all rows would be equal by luck; None where not known."""


class Picture(Strict):
    """A PNG for the report."""

    case: str
    """Name of the case that it belongs to; `print` for one drawn from printed numbers only."""
    path: str
    """Path of the PNG, relative to the run folder."""
    title: str
    """Heading of the picture in the report."""
    evidence: str
    """What is shown, such as `phantom`; it is drawn into the image itself."""
    alt: str
    """What the picture shows, for readers who do not see it."""


class ComparedNumber(Strict):
    """One number by two implementations."""

    name: str
    """Name of the metric in both records."""
    left: float | None
    """Value in the first record; None where it has none or calls it undefined."""
    right: float | None
    """Value in the second record; None where it has none or calls it undefined."""
    relative: float | None
    """Difference over the larger of both sizes; 0 for numbers nearer than 1e-12; None without two numbers."""
    digits: int | None
    """Leading digits in which both agree, 16 at most; None without two numbers."""


class ComparedQuantity(Strict):
    """All numbers of one quantity."""

    quantity: str
    """Part of the metrics' names before the first dot."""
    compared: int
    """Numbers that both records have."""
    one_sided: int
    """Numbers that only one record has."""
    undefined: int
    """Metrics that both records call undefined."""
    worst: ComparedNumber | None
    """The compared number with the largest relative difference; None where nothing was compared."""


class Comparison(Strict):
    """Two records of one item, number by number."""

    case: str
    """Name of the case."""
    step: str
    """Name of its `compare` step."""
    item: str
    """Identifier of the item that both records are of."""
    evidence: str
    """What the case rests on: `phantom`, `simulation` or `real data`."""
    left: str
    """Name of the stage of the first record; of its step where there is no comparison."""
    right: str
    """Name of the stage of the second record; of its step where there is no comparison."""
    left_out: int = 0
    """How many metrics the case leaves out of the comparison."""
    left_out_patterns: list[str] = Field(default_factory=list)
    """Patterns of their names, with `*` for anything."""
    quantities: list[ComparedQuantity] = Field(default_factory=list)
    """The quantities, the worst first, where one-sided numbers are the worst of all."""
    rows: list[ComparedNumber] = Field(default_factory=list)
    """The worst numbers, the worst first; the file `differences` has all."""
    rows_total: int = 0
    """How many numbers were compared in all."""
    differences: str = ""
    """Path of the JSON with all numbers, relative to the run folder; empty where there is none."""
    problem: str = ""
    """Why there is no comparison; empty where there is one."""


class Results(Strict):
    """Everything one `reproduce` found."""

    schema_version: str = RESULTS_SCHEMA_VERSION
    """Version of this file's schema."""
    project_version: str
    """Version of the project that made the run."""
    contract: str
    """Version of the stage contract that was spoken."""
    preset: str
    """How much was run: `small` or `full`."""
    cases: list[str] = Field(default_factory=list)
    """The cases that were asked for, in whose light alone claims were judged; empty where all were run."""
    runner: str
    """What ran the stages, such as `process` or `docker`."""
    runner_note: str = ""
    """Why this runner and what it means for the results; empty where nothing is to say."""
    environment: dict[str, str]
    """Facts of machine and packages that do not change between runs, by name."""
    jobs: list[JobResult] = Field(default_factory=list)
    """One entry for each stage step of each case."""
    items: list[ItemResult] = Field(default_factory=list)
    """Every item of every step."""
    checks: list[CheckResult] = Field(default_factory=list)
    """Every check of every case, and for each stage step that its items ended as they should."""
    claims: list[ClaimResult] = Field(default_factory=list)
    """Every claim with its verdict, by paper and then in the ledger's order."""
    findings: list[Finding] = Field(default_factory=list)
    """What the contradicted claims and equal rows show together."""
    comparisons: list[Comparison] = Field(default_factory=list)
    """Records of two implementations put side by side."""
    pictures: list[Picture] = Field(default_factory=list)
    """The pictures that were drawn."""
    exit_status: int
    """0 all as expected, 1 a mismatch, 2 wrong usage, 3 the environment, 4 incomplete."""
