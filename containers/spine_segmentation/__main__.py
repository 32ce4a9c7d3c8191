"""Entry point of the stage: `python -m containers.spine_segmentation run REQUEST.json` or `describe`."""

import sys
from pathlib import Path

from containers.contract.stage import main
from containers.toolkit.runtime import cuda

if __name__ == "__main__":
    # Imported here, so that `describe` answers without loading the networks' library.
    from containers.spine_segmentation.stage import capabilities, process, setup_for

    request = Path(sys.argv[2]) if sys.argv[1:2] == ["run"] and len(sys.argv) > 2 else None
    sys.exit(
        main(Path(__file__).with_name("stage.toml"), process, setup_for(request), capabilities, fault_of=cuda.fault_of)
    )
