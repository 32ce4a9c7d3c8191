"""Progress: bars on a terminal, elsewhere a plain line as a step starts and one as it ends.

Writes to stderr, so that stdout stays data.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """Shows steps as they go. `quiet` shows nothing."""

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True, soft_wrap=True, highlight=False)
        self.quiet = quiet

    def line(self, text: str) -> None:
        """One line of text, markup not interpreted."""
        if not self.quiet:
            self.console.print(text, markup=False)

    @contextmanager
    def step(self, case: str, step: str, total: int, cached: int) -> Iterator[Callable[[str], None]]:
        """Show one step; call the yielded function with each item's name as it ends (from any thread)."""
        label = f"{case}/{step}"
        if self.quiet or total == 0 or cached == total:
            if total:
                self.line(f"{label}: {total} of {total} from the cache")
            yield lambda item: None
            return
        start = time.monotonic()
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Bars(*columns, console=self.console, transient=True) as bars:
                task = bars.add_task(label, total=total, completed=cached)
                yield lambda item: bars.advance(task)
        else:
            self.line(f"{label}: starts, {total - cached} of {total} to do")
            yield lambda item: None
        seconds = time.monotonic() - start
        self.line(f"{label}: {total - cached} of {total} done in {seconds:.1f} s ({cached} from the cache)")
