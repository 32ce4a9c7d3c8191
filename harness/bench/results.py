"""The results file of a bench. `myorepro schema export` writes its schema.

Invariants: no host name, no user, no path; a method that was not measured has no figure, and `reason` says why; all
samples are kept, so that intervals can be computed again.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.request import Finite, Strict, first_error
from harness.bench.statistics import Interval, median_interval

Scalar = Finite | int | str | bool


class Gpu(Strict):
    """A graphics card as its driver describes it."""

    name: str
    """Name of the card."""
    driver: str
    """Version of the driver."""
    memory_mib: int | None = None
    """Memory of the card in MiB; None where the driver does not say."""
    compute_capability: str = ""
    """CUDA's compute capability, such as `9.0`; empty where the driver does not say."""
    maximum_sm_mhz: int | None = None
    """Highest clock of the processors in MHz; None where the driver does not say."""
    maximum_memory_mhz: int | None = None
    """Highest clock of the memory in MHz; None where the driver does not say."""
    power_limit_w: float | None = None
    """Power that the card may take, in W; None where the driver does not say."""


class Machine(Strict):
    """What a time depends on besides the program. Two files are ranked only when all of this is equal."""

    cpu: str
    """Name of the processor."""
    cpu_family_model_stepping: str
    """Family, model and stepping of the processor, for names that cover several."""
    cores: int
    """Logical cores that the bench could use."""
    quota: float | None
    """Processor time that a container may take, in cores; None where there is no limit."""
    flags: list[str]
    """Instruction sets that matter here and that the processor has."""
    maximum_mhz: int | None
    """Highest clock of the processor in MHz; None where the system does not say, as in most virtual machines."""
    virtual: bool
    """Whether it is a virtual machine."""
    memory_gib: int
    """Memory of the machine in GiB, rounded."""
    system: str
    """Name and version of the operating system."""
    kernel: str
    """Version of the kernel."""
    gpus: list[Gpu]
    """The graphics cards, in the driver's order; empty where there is none."""


class Code(Strict):
    """What is measured, and may differ between two files that are ranked."""

    project_version: str
    """Version of the project."""
    revision: str | None
    """Commit of the working tree, with `(modified)` where files differ from it; None outside of a repository."""
    lock_sha256: str | None
    """SHA-256 of the lock file of the environment; None where it is not there."""
    images: dict[str, str] = Field(default_factory=dict)
    """Digest of each image, by stage; empty without containers."""


class Fingerprint(Strict):
    """What a figure was measured on and with."""

    machine: Machine
    """The machine and its system."""
    libraries: dict[str, str]
    """Version of each library that does work, by name."""
    code: Code
    """The project's own code."""


class Settings(Strict):
    """What was asked for."""

    quick: bool
    """Whether small inputs and few repeats were asked for: such figures are not judged."""
    threads: int
    """Processor threads that a method may use."""
    seconds: float
    """Longest time of samples per method, in seconds."""
    precision: float
    """Wanted half-width of the 95 % interval of a median, as a share of the median."""
    runner: str
    """How the stages were run: `process` or `docker`."""


class Check(Strict):
    """The largest difference between two outputs, or between an output and the truth."""

    against: str
    """What our output was compared with: a peer's name, `truth` or `limit`."""
    quantity: str
    """What was compared, in words."""
    difference: float | None
    """The largest absolute difference, in `unit`; None where the outputs cannot be compared."""
    limit: float | None
    """Largest difference that is accepted, in `unit`; None: a difference that is shown and not judged."""
    unit: str = "1"
    """Unit of difference and limit; `1` for a pure number."""
    passed: bool
    """Whether the difference is within the limit, or is not judged."""


class Measured(Strict):
    """What one method took. Seconds are of the wall clock, synchronised with the device."""

    seconds: list[float] = Field(min_length=1)
    """Seconds of a call, one entry for each sample: the mean of `calls_per_sample` calls."""
    calls_per_sample: int
    """Calls that a sample repeats, so that the clock resolves it."""
    cpu_seconds: float | None
    """Processor seconds of a call over all threads; None where other processes do the work."""
    first_call_seconds: float
    """Seconds of the first call, which loads and compiles; it is not in `seconds` unless it used up the time."""
    median: float
    """Median of `seconds`."""
    low: float
    """Lower end of the median's interval, in seconds."""
    high: float
    """Upper end of the median's interval, in seconds."""
    coverage: float
    """Probability that the interval holds the true median, as a share."""
    precise: bool
    """Whether the interval is as narrow as was asked for."""
    calls_per_hour: float
    """Calls in an hour at the median."""
    participants_per_hour: float | None = None
    """Participants in an hour at the median; None for work that is not of participants."""
    device_seconds: float | None = None
    """Median of the seconds between two events on the device; None where it has no such clock."""
    peak_host_bytes: int | None = None
    """Resident bytes of the first call over its inputs, or of the largest process of a stage; None if unknown."""
    peak_device_bytes: int | None = None
    """Largest memory that the first call took on the device, in bytes; None if unknown."""
    joules: float | None = None
    """Energy of a call in J; None where the machine does not measure it."""
    energy_source: str = "not told"
    """What measured the energy, or why nothing did."""
    bandwidth_share: float | None = None
    """Bytes that must move per second, as a share of the device's copy bandwidth; None where neither is known."""

    @model_validator(mode="after")
    def _times_are_times(self) -> "Measured":
        if min(self.seconds) <= 0:
            raise ValueError("a sample takes no time")
        return self

    @property
    def interval(self) -> Interval:
        """The median, computed again from the samples."""
        return median_interval(self.seconds)


class Method(Strict):
    """Ours or a peer."""

    name: str
    """Name of the method, unique in its row."""
    ours: bool
    """Whether it is the project's own; exactly one of a row is."""
    version: str = ""
    """Version of the package that does the work; empty where it is the project itself."""
    measured: Measured | None = None
    """What it took; None where it was not measured, and then `reason` says why."""
    reason: str = ""
    """Why it was not measured; empty where it was."""
    failed: bool = False
    """Whether it was tried and did not end well; otherwise what it needs is not here."""

    @model_validator(mode="after")
    def _figures_or_reason(self) -> "Method":
        if (self.measured is None) != bool(self.reason):
            raise ValueError("a method has figures, or a reason why not")
        return self


class Ratio(Strict):
    """How many times longer a peer takes than ours."""

    peer: str
    """Name of the peer."""
    ratio: float
    """Time of the peer over ours: the median over all pairs of calls."""
    low: float | None
    """Lower end of the ratio's interval; None where too few calls give none."""
    high: float | None
    """Upper end of the ratio's interval; None where too few calls give none."""
    coverage: float | None
    """Probability that the interval holds the true ratio, as a share; None where there is no interval."""
    target: float | None = None
    """Ratio that is wanted at least; None where none is stated or sizes are small."""
    met: bool | None = None
    """Whether the target is met; None: no target, no interval, or one that encloses it."""
    memory_ratio: float | None = None
    """Peak host memory of the peer over ours; None where one of them is not known."""


class Row(Strict):
    """One piece of work by one or several methods."""

    name: str
    """Name of the row, unique with its device."""
    suite: str
    """The benchmark script that it is from, without `bench_`."""
    title: str
    """What is done, in words."""
    device: Literal["cpu", "cuda"]
    """Where the work was done."""
    work: str
    """What one call does once, such as `volume`."""
    threads: int
    """Processor threads that each method could use."""
    parameters: dict[str, Scalar]
    """Sizes and settings of the work, by name; rows are compared only when these are equal."""
    bytes_moved: int | None = None
    """Bytes that a call must read and write at least; None where that is not stated."""
    methods: list[Method]
    """The methods, ours first."""
    checks: list[Check] = Field(default_factory=list)
    """Comparisons of the outputs that were timed; empty where ours was not measured."""
    ratios: list[Ratio] = Field(default_factory=list)
    """Time of each measured peer over ours; empty where ours was not measured."""

    @property
    def ours(self) -> Method:
        """The project's own method."""
        return next(method for method in self.methods if method.ours)

    @model_validator(mode="after")
    def _one_is_ours(self) -> "Row":
        if sum(method.ours for method in self.methods) != 1:
            raise ValueError("one method of a row is ours")
        return self


class BenchResults(Strict):
    """One run."""

    schema_version: Literal["1.0"]
    """Version of this file's schema."""
    measured_on: str
    """Date of the run, UTC, as YYYY-MM-DD."""
    fingerprint: Fingerprint
    """Machine, libraries and code."""
    settings: Settings
    """What the run was asked for: sizes, threads, time and precision."""
    copy_bandwidth: dict[str, float]
    """Bytes read and written per second by a plain copy, by device."""
    other_work: float | None
    """Share of the cores' time that other programs took meanwhile; None where the system does not say."""
    rows: list[Row]
    """The work that was measured, in the order in which it was done."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "BenchResults":
        names = [(row.name, row.device) for row in self.rows]
        if len(set(names)) != len(names):
            raise ValueError("a row is given twice")
        return self

    @property
    def by_name(self) -> dict[tuple[str, str], Row]:
        """Rows by name and device."""
        return {(row.name, row.device): row for row in self.rows}


def load(path: Path) -> BenchResults:
    """Read a results file. Raises EnvironmentFault when it cannot be read, RequestFault when it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RequestFault("is not text", where=path.name, fix="give a file that `myorepro bench` wrote") from error
    except OSError as error:
        why = error.strerror or "unknown"
        raise EnvironmentFault(
            f"cannot be read ({why})", where=path.name, fix="give a file that `myorepro bench` wrote"
        ) from error
    try:
        return BenchResults.model_validate_json(text)
    except ValidationError as error:
        raise RequestFault(
            f"is not a results file of the bench ({first_error(error)})",
            where=path.name,
            fix="give a file that `myorepro bench` of this version wrote",
        ) from error
