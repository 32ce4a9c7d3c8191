"""Facts of where a run came from that do not change from run to run: commit, engine, memory.

The one date is the commit's: equal runs must give equal results.json.
"""

import os
import subprocess
from pathlib import Path

GIT_SECONDS = 10


def _git(root: Path, *arguments: str) -> str | None:
    """Output of a git command, or None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit(root: Path) -> str | None:
    """The commit of the project's own repository; `(modified)` when files differ from it or are new."""
    top = _git(root, "rev-parse", "--show-toplevel")
    head = _git(root, "rev-parse", "HEAD")
    if head is None or top is None or Path(top).resolve() != root.resolve():
        return None
    return f"{head} (modified)" if _git(root, "status", "--porcelain") else head


def facts(root: Path, engine: str) -> dict[str, str]:
    """Facts for `Results.environment`; what cannot be found out is left out.

    root: folder of the project. engine: version of the container engine; empty where none was used.
    """
    found = {
        "git commit": (found_commit := commit(root)),
        "commit date": _git(root, "log", "-1", "--format=%cs") if found_commit else None,
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "container engine": engine,
    }
    return {name: value for name, value in found.items() if value}
