"""What a benchmark script says: rows of work, and the methods that do it.

A script defines `rows(asked)` and ends with `sys.exit(main(rows))`. Called without arguments it runs alone and prints
its table; the other calls are the harness's own (`running`): `--list` for the rows as JSON, `--worker` to do one
method's work in a process of its own, `--check` to compare the outputs that were timed.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from containers.contract.files import replacing_folder, sha256_file
from containers.toolkit.runtime import cuda
from harness.bench.results import Check, Scalar
from harness.project import ROOT

Values = Mapping[str, npt.NDArray[Any]]
"""What a method found, by name of quantity."""


@dataclass(frozen=True)
class Asked:
    """What a script is asked for."""

    device: Literal["cpu", "cuda"] = "cpu"
    """Where the work is to be done."""
    quick: bool = False
    """Whether inputs are to be small."""
    threads: int = 1
    """Processor threads that a method may use."""
    runner: str = "process"
    """How stages are run: `process` or `docker`."""
    work: str = "work/bench"
    """Folder for inputs that take long to make."""

    @contextmanager
    def making(self, name: str) -> Iterator[tuple[Path, Path | None]]:
        """A folder of the cache, and next to it the folder to fill, or None where it is filled already.

        What is in it comes from the phantoms: a change of their sources makes another folder.
        """
        sources = sorted((ROOT / "phantoms").rglob("*.py"))
        version = hashlib.sha256("".join(map(sha256_file, sources)).encode()).hexdigest()[:12]
        place = Path(self.work).resolve() / f"{name}-{version}"
        if place.is_dir():
            yield place, None
            return
        with replacing_folder(place) as temporary:
            yield place, temporary


@dataclass(frozen=True)
class Prepared:
    """A method whose inputs are in memory."""

    call: Callable[[], Any]
    """Does the work once and returns its output."""
    values: Callable[[Any], Values]
    """Makes the values that are compared from the output of `call`."""
    pid: int | None = None
    """Identifier of the process that does the work, where it is another one; None for this process."""
    peak_bytes: Callable[[], int | None] | None = None
    """Peak resident bytes of the processes that the last call started; None where this process does the work."""
    close: Callable[[], None] = lambda: None
    """Ends what was started."""


@dataclass(frozen=True)
class Method:
    """A way to do the work."""

    name: str
    """Name of the method, unique in its row."""
    prepare: Callable[[], Prepared]
    """Makes the inputs, before the clock starts."""
    missing: str = ""
    """Why it cannot be measured here; empty where it can."""
    package: str = ""
    """The package whose version counts; empty for the project itself."""
    target: float | None = None
    """How many times longer than ours this peer should take at least; None for no target."""


@dataclass(frozen=True)
class Work:
    """A row. The first method is ours."""

    name: str
    """Name of the row, unique with its device."""
    title: str
    """What is done, in words."""
    work: str
    """What one call does once, such as `volume`."""
    methods: Sequence[Method]
    """The methods, ours first."""
    check: Callable[[Mapping[str, Values]], Iterator[Check]]
    """Compares outputs by method name, of those methods that were measured."""
    parameters: dict[str, Scalar] = field(default_factory=dict)
    """Sizes and settings of the work, by name; rows are compared only when these are equal."""
    participants: float | None = None
    """How many participants a call serves; None for work that is not of participants."""
    bytes_moved: int | None = None
    """Bytes that a call must read and write at least; None where that is not stated."""
    threads: int | None = None
    """Processor threads of this row; None for as many as asked."""
    memory_limit: int | None = None
    """Bytes of host memory that ours may take over its inputs, at full size; None for no limit."""
    slow: bool = False
    """Whether it is run only when it is asked for by name."""

    def facts(self) -> dict[str, Any]:
        """The row without its functions, as JSON."""
        own = {k: v for k, v in self.__dict__.items() if k not in ("methods", "check")}
        keys = ("name", "missing", "package", "target")
        return own | {"methods": [{key: getattr(method, key) for key in keys} for method in self.methods]}


Rows = Callable[[Asked], Sequence[Work]]


def difference(
    against: str, quantity: str, a: npt.ArrayLike, b: npt.ArrayLike, limit: float | None, unit: str = "1"
) -> Check:
    """The largest absolute difference of two arrays; NaN agrees with NaN only. A limit of None judges nothing."""
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or not np.array_equal(np.isnan(left), np.isnan(right)):
        return Check(against=against, quantity=quantity, difference=None, limit=limit, unit=unit, passed=limit is None)
    gap = np.abs(left - right)
    largest = float(np.nanmax(gap)) if gap.size and not np.isnan(gap).all() else 0.0
    within = limit is None or largest <= limit
    return Check(against=against, quantity=quantity, difference=largest, limit=limit, unit=unit, passed=within)


def no_cuda(*libraries: cuda.Library) -> str:
    """Why none of the libraries (default: any) can be measured on a GPU here, in one line; empty where one can."""
    reasons = [cuda.missing(library) for library in libraries or ("torch", "numba")]
    return "" if None in reasons else str(reasons[0])


def absent(package: str) -> str:
    """Why a Python package cannot be used here; empty where it is installed."""
    return "" if importlib.util.find_spec(package) else f"{package} is not installed"


def no_check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """For work without a result."""
    yield from ()


def save(path: Path, values: Values) -> None:
    """Keep the values of a method for `--check`."""
    named: dict[str, Any] = {name: np.asarray(value) for name, value in values.items()}
    np.savez(path, **named)


def stored(path: Path) -> Values:
    """Values that `save` kept."""
    with np.load(path, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def main(rows: Rows) -> int:
    """A script's command line. Returns its exit status."""
    parser = argparse.ArgumentParser(description="One suite of the bench; `myorepro bench` runs all.")
    parser.add_argument("--asked", default=json.dumps(asdict(Asked())), help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", nargs=2, metavar=("ROW", "METHOD"), help=argparse.SUPPRESS)
    parser.add_argument("--check", nargs=2, metavar=("ROW", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="small inputs and few repeats")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options = parser.parse_args()
    asked = Asked(**json.loads(options.asked))
    if not (options.list or options.worker or options.check):
        from harness.bench.command import alone

        return alone(Path(sys.argv[0]), options.device, quick=options.quick)
    found = {row.name: row for row in rows(asked)}
    if options.list:
        print(json.dumps([row.facts() for row in found.values()]))
    elif options.worker:
        from harness.bench.worker import serve

        row = found[options.worker[0]]
        method = next(one for one in row.methods if one.name == options.worker[1])
        serve(method, asked.device)
    else:
        row, folder = found[options.check[0]], Path(options.check[1])
        names = {str(n): method.name for n, method in enumerate(row.methods)}
        outputs = {name: stored(folder / f"{n}.npz") for n, name in names.items() if (folder / f"{n}.npz").exists()}
        print(json.dumps([check.model_dump() for check in row.check(outputs)]))
    return 0


def environment(threads: int) -> dict[str, str]:
    """The variables of a worker: threads of every library, and no writing of bytecode next to the scripts."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **{name: str(threads) for name in names}, "OMP_WAIT_POLICY": "PASSIVE"}
