"""Entry point: `python -m containers.agreement run REQUEST.json` or `describe`."""

import sys
from pathlib import Path

from containers.agreement.stage import check_parameters, process
from containers.contract.stage import main

if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("stage.toml"), process, check_parameters))
