"""Entry point of the fusion stage: `python -m containers.fusion run REQUEST.json` or `describe`."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from containers.contract.errors import RequestFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result, main
from containers.fusion import backends
from containers.fusion.participant import fuse_participant
from containers.toolkit.runtime import cuda


def setup(job: Job) -> str:
    """Check what stage.toml cannot say of the parameters; returns the backend to use."""
    if len(job.parameters["spacing_mm"]) not in (0, 3):
        raise RequestFault("needs three numbers or none", where="parameters.spacing_mm", fix="give i, j, k in mm")
    stations = job.parameters["stations"]
    if stations not in ("auto", "all", "pelvis_to_knee") and not re.fullmatch(r"[1-9]\d?(,[1-9]\d?)*", stations):
        raise RequestFault(
            f"{stations!r} is not a choice of stations",
            where="parameters.stations",
            fix="use auto, all, pelvis_to_knee or numbers such as 3,4,5,6",
        )
    return backends.resolve(job.parameters["backend"], job.resources.device)


def process(item: Item, job: Job, backend: str, result: Result) -> None:
    """Fuse one item."""
    fuse_participant(item, job, backend, result)


def capabilities() -> dict[str, Any]:
    """Which backends this installation can run, and on which device."""
    return {
        "backends": ["numpy", "numba"]
        + (["torch"] if importlib.util.find_spec("torch") else [])
        + (["numba_cuda"] if cuda.missing("numba") is None else [])
    }


if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("stage.toml"), process, setup, capabilities, fault_of=cuda.fault_of))
