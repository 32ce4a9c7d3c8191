"""What several commands need: examples in help texts, the console, and the end by a signal."""

import os
import sys

from rich.console import Console

_WIDE = 10_000
"""Columns of a line that is never cut."""

CORES = len(os.sched_getaffinity(0))

KEPT = "; finished items are kept, run again to go on"


class Stopped(BaseException):
    """The user or the system asked the program to end, by signal `number`. note: what becomes of finished work."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.note = ""


def examples(*lines: str) -> str:
    """The epilog of a help text."""
    # The sign keeps click from joining the lines.
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def console() -> Console:
    """Standard output; in a file or a pipe as wide as a table's longest line, since a cut name is of no use there."""
    return Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else _WIDE)
