"""Entry point: `python -m containers.meta_analysis run REQUEST.json` or `describe`."""

import sys
from pathlib import Path

from containers.contract.stage import main
from containers.meta_analysis.stage import process

if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("stage.toml"), process))
