"""The process that ends the groups of a process that died: see `children`. Run as a script, imported by nobody.

It reads lines `+GROUP` and `-GROUP` until their writer is gone, whatever ended it, and kills the groups that are left.
"""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Needs the standard library's first modules only, so that it starts in a few milliseconds."""
    # What stops the harness must not stop this before it; it ends by itself right after.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
