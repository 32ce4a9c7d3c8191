"""Worker processes of the harness: one that dies costs its own item a second try, and the other items nothing.

Each worker is served by one thread and holds one item at a time, so that the item of a worker that died is known. (In
`ProcessPoolExecutor` a dead worker ends the pool and every item in it.) The second try is made alone, in a new worker,
while no other item is in work: what kills a worker is mostly want of memory. A second death ends the item with an
EnvironmentFault; the other items go on.

Invariants: no worker outlives the block or the parent process; a worker that waits for work can die unnoticed.
"""

import os
import pickle
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from containers.contract.errors import EnvironmentFault

T = TypeVar("T")
CLOSING_SECONDS = 10.0
"""A worker that has not ended so long after its last item is killed."""
# Spawned, not forked: the parent has threads, and numpy's own threads do not survive a fork.
_SPAWN = get_context("spawn")
_CHILDREN = threading.Lock()
"""Held to start and to reap: multiprocessing reaps children of all threads when it starts one."""


class Workers:
    """`count` worker processes while the block lasts. Any thread may submit."""

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._workers = [_Worker() for _ in range(count)]
        self._turns = _Turns()
        self._threads = [
            threading.Thread(target=self._serve, args=(worker,), name="workers", daemon=True)
            for worker in self._workers
        ]

    def submit(self, folder: Path, function: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Have a worker call `function`, which must be importable and may write into `folder` only.

        The folder is emptied after each death. The future raises what the function raised, or EnvironmentFault
        where the worker died twice.
        """
        task = _Task(folder, function, arguments, Future())
        self._tasks.put(task)
        return task.future

    def __enter__(self) -> "Workers":
        try:
            # All are ready before the first line is printed: a process whose parent is stopped while it starts prints
            # a traceback.
            for worker in self._workers:
                worker.start()
            for worker in self._workers:
                worker.require_ready()
            for thread in self._threads:
                thread.start()
        except BaseException:
            self._stop()
            for worker in self._workers:
                worker.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _stop(self) -> None:
        """End at once: nothing that waits is begun, and no worker is replaced."""
        while not self._tasks.empty():
            with suppress(Exception):
                task = self._tasks.get_nowait()
                if task is not None:
                    task.future.cancel()
        for worker in self._workers:
            worker.kill()

    def _serve(self, worker: "_Worker") -> None:
        while (task := self._tasks.get()) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                task.future.set_result(self._call(worker, task))
            except BaseException as error:
                task.future.set_exception(error)
        worker.close()

    def _call(self, worker: "_Worker", task: "_Task") -> Any:
        with suppress(_DiedError), self._turns.taken(alone=False):
            return worker.call(task)
        with self._turns.taken(alone=True):
            _empty(task.folder)
            try:
                return worker.call(task)
            except _DiedError as death:
                _empty(task.folder)
                raise EnvironmentFault(
                    f"the worker process died twice ({death}), the second time with no other item in work",
                    fix="if memory ran out, free some or take a machine with more; then run again",
                ) from None


@dataclass(frozen=True)
class _Task:
    """One item in work."""

    folder: Path
    """The only folder that the function writes into; emptied before a second try."""
    function: Callable[..., Any]
    """What a worker calls; it must be importable there."""
    arguments: tuple[Any, ...]
    """Its arguments, pickled on their way."""
    future: "Future[Any]"
    """Where the result or the error goes."""


class _DiedError(Exception):
    """The worker died while it held an item; says how."""


class _Worker:
    """One process after another, each in the place of one that died."""

    def __init__(self) -> None:
        self._killed = False
        self._process: Any = None
        self._pipe: Connection | None = None
        self._ready = False

    def start(self) -> None:
        """Start a process. Raises EnvironmentFault."""
        ours, theirs = _SPAWN.Pipe()
        try:
            with _CHILDREN:
                if self._killed:
                    raise _DiedError("stopped")
                process = _SPAWN.Process(target=_work, args=(theirs,), daemon=True)
                process.start()
                self._process, self._pipe, self._ready = process, ours, False
        except OSError as error:
            raise EnvironmentFault(
                f"a worker process cannot be started ({error.strerror})", fix="free memory, or run fewer with --jobs"
            ) from error
        finally:
            theirs.close()

    def require_ready(self) -> None:
        """Wait until the process takes work. Raises EnvironmentFault where it ended first."""
        try:
            self._receive()
        except _DiedError as death:
            raise EnvironmentFault(
                f"a worker process ended as it started ({death})", fix="free memory, or run fewer with --jobs"
            ) from None
        self._ready = True

    def call(self, task: _Task) -> Any:
        """What the function returned or raised; _DiedError where the process ended first."""
        if not self._alive():
            self._reap()
            self.start()
        if not self._ready:
            self._receive()
            self._ready = True
        assert self._pipe is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died: `_receive` says how
            self._pipe.send((task.function, task.arguments))
        good, answer = self._receive()
        if good:
            return answer
        raise answer

    def _receive(self) -> Any:
        assert self._pipe is not None
        # Of both, since a program that the worker started could hold its end of the pipe open.
        if self._pipe in connection.wait([self._pipe, self._process.sentinel]):
            with suppress(EOFError, OSError):
                return self._pipe.recv()
        raise _DiedError(self._reap())

    def _alive(self) -> bool:
        with _CHILDREN:
            return self._process is not None and bool(self._process.is_alive())

    def _reap(self) -> str:
        """Take leave of a process that ended, or that closed its pipe and is about to; how it ended."""
        if self._process is None:
            return ""
        connection.wait([self._process.sentinel], CLOSING_SECONDS)
        with _CHILDREN:
            self._process.kill()
            self._process.join()
            code, self._process = self._process.exitcode or 0, None
        if self._pipe is not None:
            self._pipe.close()
        return f"killed by signal {-code}" if code < 0 else f"exit status {code}"

    def kill(self) -> None:
        """End the process at once, and start none after it."""
        with _CHILDREN:
            self._killed = True
            if self._process is not None and self._process.is_alive():
                self._process.kill()

    def close(self) -> None:
        """Let the process end, since no work is left."""
        if self._process is not None:
            if self._pipe is not None:
                self._pipe.close()
            self._reap()


class _Turns:
    """Items are in work side by side; one that asks for it is alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._in_work = 0
        self._wanted_alone = 0

    @contextmanager
    def taken(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn and hold it. One that wants to be alone goes before all that have not begun."""
        with self._changed:
            self._wanted_alone += alone
            self._changed.wait_for(lambda: not self._in_work if alone else not self._wanted_alone)
            self._in_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_work -= 1
                self._wanted_alone -= alone
                self._changed.notify_all()


def _empty(folder: Path) -> None:
    """Remove what a try that was cut short left."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _work(pipe: Connection) -> None:
    """The life of a worker process."""
    # Ctrl-C reaches the whole group of processes; the parent ends the workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send("ready")
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send_bytes(_answer(function, arguments))


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """Pickled: whether the function returned, and what it returned or raised."""
    try:
        return pickle.dumps((True, function(*arguments)))
    except BaseException as error:
        # An error that does not survive the way to the parent, or would end it, goes as its text.
        error.add_note(f"in a worker process:\n{traceback.format_exc()}")
        with suppress(Exception):
            sent = pickle.dumps((False, error))
            if isinstance(pickle.loads(sent)[1], Exception):
                return sent
        return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _end_with_parent() -> None:
    """Wait for the parent's death."""
    # A parent that is killed tells its children nothing. Linux can send them a signal (PR_SET_PDEATHSIG), but when the
    # thread ends that started the child, which here is not the life of the pool. This pipe closes with the process.
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
    os._exit(1)
