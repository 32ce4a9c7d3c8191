"""R as a peer: one R process that stays, so that neither its start nor the loading of packages is timed.

The script defines `work()`, which is timed, and `values(output)`, a named list of numbers. It finds its arguments in
`arguments`. A call costs one line each way over a pipe, under a tenth of a millisecond.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from containers.contract.errors import EnvironmentFault
from harness.bench.suite import Prepared, Values

LOOP = """
input <- file("stdin", "r")
cat("ready\\n")
while (length(line <- readLines(input, 1)) > 0) {
  if (line == "go") {
    output <- work()
    cat("done\\n")
  } else {
    cat(jsonlite::toJSON(values(output), digits = NA, na = "null"), "\\n", sep = "")
  }
}
"""


@cache
def missing(*packages: str) -> str:
    """Why R cannot be a peer here; empty where it and its packages are installed."""
    if shutil.which("Rscript") is None:
        return "no Rscript here"
    wanted = ("jsonlite", *packages)
    test = "cat(vapply(commandArgs(TRUE), function(p) nzchar(system.file(package = p)), TRUE))"
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", test, *wanted], capture_output=True, text=True, check=False, timeout=60
    )
    found = done.stdout.split()
    lacking = [name for name, there in zip(wanted, found, strict=False) if there != "TRUE"]
    if done.returncode or len(found) != len(wanted):
        return "Rscript does not answer"
    return f"R has no package {', '.join(lacking)}" if lacking else ""


def prepare(script: str, tables: dict[str, bytes], arguments: Sequence[str] = ()) -> Prepared:
    """Start R on a script. tables: files that it finds in the folder `arguments[1]`. Raises EnvironmentFault."""
    folder = tempfile.TemporaryDirectory(prefix="myorepro-r-")
    for name, content in tables.items():
        Path(folder.name, name).write_bytes(content)
    path = Path(folder.name, "peer.R")
    path.write_text(f"arguments <- commandArgs(trailingOnly = TRUE)\n{script}\n{LOOP}", encoding="utf-8")
    process = subprocess.Popen(
        ["Rscript", "--vanilla", str(path), folder.name, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def read() -> str:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            status = process.wait()
            raise EnvironmentFault(f"ended with status {status}", where="R", fix="see the lines above")
        return line

    def ask(word: str) -> str:
        assert process.stdin
        process.stdin.write(word + "\n")
        process.stdin.flush()
        return read()

    def values(output: Any) -> Values:
        raw = json.loads(ask("values"))
        return {name: np.array(value, dtype=np.float64) for name, value in raw.items()}

    def close() -> None:
        if process.stdin:
            process.stdin.close()
        process.kill()
        process.wait()
        folder.cleanup()

    read()
    return Prepared(lambda: ask("go"), values, pid=process.pid, close=close)


def table(columns: dict[str, Any]) -> bytes:
    """Columns as CSV with every digit."""
    rows = np.column_stack(list(columns.values()))
    lines = [",".join(columns), *(",".join(f"{value:.17g}" for value in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()
