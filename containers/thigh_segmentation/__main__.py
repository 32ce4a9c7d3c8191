"""Entry point of the stage: `python -m containers.thigh_segmentation run REQUEST.json` or `describe`.

The networks' library takes seconds to load: it is loaded when a right request needs it, so that a wrong one is refused
at once.
"""

import sys
from pathlib import Path
from typing import Any

from containers.contract.request import Item
from containers.contract.stage import Job, Result, main
from containers.toolkit.runtime import cuda


def setup(job: Job) -> Any:
    """Load the library and prepare the job."""
    from containers.thigh_segmentation import stage

    return stage.setup(job)


def process(item: Item, job: Job, state: Any, result: Result) -> None:
    """Segment one volume."""
    from containers.thigh_segmentation import stage

    stage.process(item, job, state, result)


def capabilities() -> dict[str, Any]:
    """What `describe` says of this installation."""
    from containers.thigh_segmentation import stage

    return stage.capabilities()


if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("stage.toml"), process, setup, capabilities, fault_of=cuda.fault_of))
