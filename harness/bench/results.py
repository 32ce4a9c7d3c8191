"""The results file of a bench. `myorepro schema export` writes its schema.

Invariants: no host name, no user, no path; a method that was not measured has no figure, and `reason` says why; all
samples are kept, so that intervals can be computed anew.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.request import Finite, Strict, first_error
from harness.bench.statistics import Interval, median_interval

Scalar = Finite | int | str | bool


class Gpu(Strict):
    """A graphics card as its driver describes it. Clocks in MHz, power in W, memory in MiB; None: not told."""

    name: str
    driver: str
    memory_mib: int | None = None
    compute_capability: str = ""
    maximum_sm_mhz: int | None = None
    maximum_memory_mhz: int | None = None
    power_limit_w: float | None = None


class Machine(Strict):
    """What a time depends on besides the program. Two files are ranked only when all of this is equal.

    cores: that the bench could use. quota: of a container, in cores. flags: instruction sets that matter here.
    """

    cpu: str
    cpu_family_model_stepping: str
    cores: int
    quota: float | None
    flags: list[str]
    maximum_mhz: int | None
    virtual: bool
    memory_gib: int
    system: str
    kernel: str
    gpus: list[Gpu]


class Code(Strict):
    """What is measured, and may differ between two files that are ranked. images: stage -> digest, with containers."""

    project_version: str
    revision: str | None
    lock_sha256: str | None
    images: dict[str, str] = Field(default_factory=dict)


class Fingerprint(Strict):
    """Machine, libraries (name -> version) and code."""

    machine: Machine
    libraries: dict[str, str]
    code: Code


class Settings(Strict):
    """What was asked for. seconds: the longest time per method. precision: wanted half-width of a median's interval."""

    quick: bool
    threads: int
    seconds: float
    precision: float
    runner: str


class Check(Strict):
    """The largest difference between two outputs, or an output and the truth. passed: it is within the limit."""

    against: str
    quantity: str
    difference: float | None
    limit: float | None = Field(description="None: a difference that is shown and not judged")
    unit: str = "1"
    passed: bool


class Measured(Strict):
    """What one method took. Seconds are of the wall clock, synchronised with the device.

    seconds: one entry per sample, the mean of calls_per_sample calls. cpu_seconds: of all threads; None where other
    processes do the work.
    device_seconds: between two events on the device. peak_host_bytes: resident memory of the first call over what the
    inputs take; for work by stages in processes of their own, the whole of the largest.
    """

    seconds: list[float] = Field(min_length=1)
    calls_per_sample: int
    cpu_seconds: float | None
    first_call_seconds: float
    median: float
    low: float
    high: float
    coverage: float
    precise: bool
    calls_per_hour: float
    participants_per_hour: float | None = None
    device_seconds: float | None = None
    peak_host_bytes: int | None = None
    peak_device_bytes: int | None = None
    joules: float | None = None
    energy_source: str = "not told"
    bandwidth_share: float | None = Field(
        default=None, description="bytes that must move per second, as a share of the device's copy bandwidth"
    )

    @model_validator(mode="after")
    def _times_are_times(self) -> "Measured":
        if min(self.seconds) <= 0:
            raise ValueError("a sample takes no time")
        return self

    @property
    def interval(self) -> Interval:
        """The median, computed anew from the samples."""
        return median_interval(self.seconds)


class Method(Strict):
    """Ours or a peer. version: of the package that does the work. measured: None, with the reason.

    failed: it was tried and did not end well; else what it needs is not here.
    """

    name: str
    ours: bool
    version: str = ""
    measured: Measured | None = None
    reason: str = ""
    failed: bool = False

    @model_validator(mode="after")
    def _figures_or_reason(self) -> "Method":
        if (self.measured is None) != bool(self.reason):
            raise ValueError("a method has figures, or a reason why not")
        return self


class Ratio(Strict):
    """How many times longer the peer takes than ours. low, high: None where too few calls give no interval."""

    peer: str
    ratio: float
    low: float | None
    high: float | None
    coverage: float | None
    target: float | None = None
    met: bool | None = Field(default=None, description="None: no target, no interval, or one that encloses it")
    memory_ratio: float | None = None


class Row(Strict):
    """One piece of work by one or several methods. parameters: rows are compared only when these are equal."""

    name: str
    suite: str
    title: str
    device: Literal["cpu", "cuda"]
    work: str
    threads: int
    parameters: dict[str, Scalar]
    bytes_moved: int | None = None
    methods: list[Method]
    checks: list[Check] = Field(default_factory=list)
    ratios: list[Ratio] = Field(default_factory=list)

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
    """One run. copy_bandwidth: device -> bytes read and written per second by a plain copy.

    other_work: share of the cores' time that other programs took meanwhile; None where the system does not tell.
    """

    schema_version: Literal["1.0"]
    measured_on: str = Field(description="date, UTC")
    fingerprint: Fingerprint
    settings: Settings
    copy_bandwidth: dict[str, float]
    other_work: float | None
    rows: list[Row]

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
        raise RequestFault("is no text", where=path.name, mend="give a file that `myorepro bench` wrote") from error
    except OSError as error:
        why = error.strerror or "unknown"
        raise EnvironmentFault(
            f"cannot be read ({why})", where=path.name, mend="give a file that `myorepro bench` wrote"
        ) from error
    try:
        return BenchResults.model_validate_json(text)
    except ValidationError as error:
        raise RequestFault(
            f"is no results file of the bench ({first_error(error)})",
            where=path.name,
            mend="give a file that `myorepro bench` of this version wrote",
        ) from error
