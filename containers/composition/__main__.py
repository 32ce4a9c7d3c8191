"""Entry point: `python -m containers.composition run REQUEST.json` or `describe`."""

import sys
from pathlib import Path

from containers.composition.stage import check_parameters, process
from containers.contract.stage import main

if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("stage.toml"), process, check_parameters))
