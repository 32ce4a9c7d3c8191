"""Entry point for the process runner: hands over to R. The image calls Rscript itself and holds no file of this kind.

`python -m containers.r_reference run REQUEST.json` or `describe`. Exit status 3 where R is not installed.
"""

import os
import shutil
import sys
from pathlib import Path

PACKAGES = (
    "r-base-core r-cran-jsonlite r-cran-digest r-cran-lme4 r-cran-rms r-cran-metafor"
    " r-cran-clubsandwich r-cran-proc r-cran-numderiv"
)


def main() -> int:
    """Replace this process by R. Returns only where there is none."""
    program = shutil.which("Rscript")
    if program is None:
        print(
            f"r_reference: environment: R is not installed; on Debian 12: apt-get install {PACKAGES}", file=sys.stderr
        )
        return 3
    script = Path(__file__).with_name("R") / "main.R"
    return os.execv(program, [program, "--vanilla", str(script), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
