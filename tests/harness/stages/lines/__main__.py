"""A stage for tests: counts lines; can be made to refuse, crash or wait by its input."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result, main


def process(item: Item, job: Job, state: Any, result: Result) -> None:
    text = item.inputs["text"].read_text(encoding="utf-8")
    if text.startswith("BAD"):
        raise ItemFault("is bad", where=item.inputs["text"].name, fix="write a better one")
    if text.startswith("CRASH"):
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("CHILD"):
        subprocess.run(["sleep", "30"], check=True)
    if text.startswith("SLEEP"):
        time.sleep(30)
    result.file("copy", "copy.txt").write_text(text, encoding="utf-8")
    lines = text.splitlines()
    result.metric("lines", len(lines) * job.parameters["factor"])
    result.metric("length.first", len(lines[0]))
    result.metric("length.last", len(lines[-1]))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent / "stage.toml", process))
