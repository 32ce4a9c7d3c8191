"""What a test could leave to the next one: signal handlers, environment, folder, torch's settings, child processes.

`Guard` is a plug-in of pytest that looks before and after every test; what is left fails the test that left it and is
put right, so that no other test is blamed.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

SECONDS_TO_END = 10.0
"""How long a child process that was told to end may take on a loaded machine."""
PR_SET_CHILD_SUBREAPER = 36
"""From linux/prctl.h: orphans below this process become its children, so that they are seen."""
NOT_OURS = ("PYTEST_", "TORCHINDUCTOR_CACHE_DIR", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")
"""Beginnings of variables that pytest sets for each test, torch once when it is first used, and scikit-learn once when
it is imported: which test does so first is chance."""
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "harness/runners/guard.py")
"""Processes that serve the whole run and end with it: of Python, and the guard of `harness.runners.children`."""


@dataclass(frozen=True)
class State:
    """What is compared."""

    handlers: dict[int, Any]
    """Handler of each signal."""
    environment: dict[str, str]
    """Variables of the environment, without pytest's own."""
    folder: str
    """The working directory."""
    torch: dict[str, Any]
    """Threads and determinism of torch; empty before it is imported."""


def adopt_orphans() -> None:
    """Make orphans of this process's descendants its own children."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def look() -> State:
    """The present state."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
    # The alarm is that of pytest-timeout, which sets and clears it around the hooks that look.
    handlers = {int(n): signal.getsignal(n) for n in signal.valid_signals() if n != signal.SIGALRM}
    return State(handlers, kept, str(Path.cwd()), _torch())


def _torch() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    # A test may put None or a stand-in in torch's place for its own length.
    if torch is None or not hasattr(torch, "are_deterministic_algorithms_enabled"):
        return {}
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "fill_uninitialized_memory": torch.utils.deterministic.fill_uninitialized_memory,
    }


def put_right(before: State) -> list[str]:
    """What differs from `before`, a line each; afterwards it does not any more."""
    after, found = look(), []
    for number, handler in before.handlers.items():
        if after.handlers[number] != handler:
            found.append(f"handler of {signal.Signals(number).name}: {after.handlers[number]}")
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    for name in sorted(before.environment.keys() | after.environment.keys()):
        if before.environment.get(name) != after.environment.get(name):
            found.append(f"variable {name}: {after.environment.get(name)!r}")
            if name in before.environment:
                os.environ[name] = before.environment[name]
            else:
                del os.environ[name]
    if after.folder != before.folder:
        found.append(f"working directory: {after.folder}")
        os.chdir(before.folder)
    found += [
        f"torch {name}: {after.torch[name]}, before {value}"
        for name, value in before.torch.items()
        if after.torch.get(name) != value
    ]
    if before.torch and found:
        torch = sys.modules["torch"]
        torch.set_num_threads(before.torch["threads"])
        torch.use_deterministic_algorithms(before.torch["deterministic"])
        torch.utils.deterministic.fill_uninitialized_memory = before.torch["fill_uninitialized_memory"]
    return found


def children() -> dict[int, str]:
    """Living descendants by their number, with the command line; Python's own helpers left out."""
    return {process.pid: line for process, line in _descendants()}


def _numbers(parent: int) -> Iterator[int]:
    # psutil reads every process of the machine for this, which takes longer than most tests.
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            for number in map(int, file.read_text().split()):
                yield number
                yield from _numbers(number)


def _descendants() -> Iterator[tuple[psutil.Process, str]]:
    for number in _numbers(os.getpid()):
        with suppress(psutil.Error):
            process = psutil.Process(number)
            line = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and not any(helper in line for helper in HELPERS):
                yield process, line


def end_children(before: dict[int, str]) -> list[str]:
    """Descendants that were not there `before` and do not end by themselves, a line each; they are killed."""
    multiprocessing.active_children()  # reaps those that have ended
    deadline = time.monotonic() + SECONDS_TO_END
    while left := [(process, line) for process, line in _descendants() if process.pid not in before]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for process, _ in left:
        with suppress(psutil.Error):
            process.kill()
    _reap(before)
    return [f"process {process.pid}: {line[:160]}" for process, line in left]


def _reap(before: dict[int, str]) -> None:
    """Take leave of adopted orphans that have ended: nobody else does, and tests that look at children meet them."""
    for number in _numbers(os.getpid()):
        with suppress(psutil.Error, ChildProcessError):
            if number not in before and psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                os.waitpid(number, os.WNOHANG)


class Guard:
    """Fails a test that leaves something behind, and a run that leaves a process."""

    def __init__(self) -> None:
        self._before: dict[str, State] = {}
        self._children: dict[str, dict[int, str]] = {}
        adopt_orphans()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Look before the fixtures, and, for processes, before the call: those of a module's fixtures live on."""
        self._before[item.nodeid] = look()
        yield
        self._children[item.nodeid] = children()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        """Compare when the test and its fixtures have ended."""
        yield
        left = []
        if (before := self._children.pop(item.nodeid, None)) is not None:
            left += end_children(before)
        if (state := self._before.pop(item.nodeid, None)) is not None:
            left += put_right(state)
        if left:
            pytest.fail("the test leaves behind:\n" + "\n".join(left), pytrace=False)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """When all fixtures have ended no process may be left. In a parallel run every worker looks for itself."""
        parallel = session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput")
        if not parallel and (left := end_children({})):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            raise pytest.UsageError("the tests leave behind:\n" + "\n".join(left))
