"""Child processes that end with their block, with all that they started, and with this process however it ends.

Each child leads a session of its own, so that it can be killed with the programs that it started, and so that Ctrl-C
reaches only this process, which ends them. A process that is killed by SIGKILL ends nobody: one guard process, which
sees the end of a pipe whose only writer is this process, then kills the groups that are left. Linux's own way, a signal
at the parent's death (PR_SET_PDEATHSIG), reaches the child but not what it started, comes when the starting thread
ends, and is lost where a program changes its user.
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_GUARD = Path(__file__).with_name("guard.py")


class _Guard:
    """The guard process, started with the first child; another takes its place if it was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def add(self, group: int) -> None:
        """End this group when this process ends."""
        with self._lock:
            self._groups.add(group)
            self._write(f"+{group}\n")

    def remove(self, group: int) -> None:
        """It has ended."""
        with self._lock:
            self._groups.discard(group)
            self._write(f"-{group}\n")

    def _write(self, line: str) -> None:
        with suppress(BrokenPipeError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(line.encode())
                return
        self.close()
        # -I and -S: no user's settings and no packages; in a session of its own no signal to this group ends it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd="/", start_new_session=True, bufsize=0,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"+{group}\n" for group in self._groups).encode())

    def close(self) -> None:
        """Let the guard end."""
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait()
            self._process = None


_guard = _Guard()
atexit.register(_guard.close)


@contextmanager
def started(line: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[Any]"]:
    """A child process while the block lasts; options are those of `subprocess.Popen`. Raises OSError."""
    child = subprocess.Popen(line, start_new_session=True, **options)
    try:
        _guard.add(child.pid)
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        _guard.remove(child.pid)


def run(line: Sequence[str], *, seconds: float, **options: Any) -> "subprocess.CompletedProcess[str]":
    """As `subprocess.run` with captured text. Raises OSError, and TimeoutExpired once `seconds` have passed."""
    pipe = subprocess.PIPE
    with started(line, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, **options) as child:
        out, err = child.communicate(timeout=seconds)
        return subprocess.CompletedProcess(list(line), child.returncode, out, err)
