"""Entry point of the stage: `python -m containers.thigh_segmentation run REQUEST.json` or `describe`."""

import sys
from pathlib import Path

from containers.contract.stage import main
from containers.toolkit.runtime import cuda

if __name__ == "__main__":
    # Imported here, so that `describe` answers without loading the networks' library.
    from containers.thigh_segmentation.stage import capabilities, process, setup

    sys.exit(main(Path(__file__).with_name("stage.toml"), process, setup, capabilities, fault_of=cuda.fault_of))
