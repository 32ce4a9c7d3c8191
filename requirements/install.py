"""Fill the virtual environment that runs this script from the hashed locks: what `make venv` runs.

pip's own configuration decides where packages come from, so this works with a local folder of wheels, with the
public index, and with a further index of CPU wheels. Every package is named in a lock with its hashes: pip is
given `--no-deps`, so nothing else can come in, and wheels only, so nothing is built but the project itself.

- `auto`: the CPU wheel of torch where pip finds the locked one, else the public CUDA build with its libraries.
  A torch of the locked version that is there already stays.
- `cuda`: the public build, whatever CPU wheel there is.
"""

import argparse
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "requirements"

QUIET = ("--disable-pip-version-check", "-qq", "--no-compile")
"""Python writes byte code of what is imported, at the first import: a quarter of the modules that pip would compile."""
LOCKED = ("--no-deps", "--require-hashes", "--only-binary=:all:")


def pip(*arguments: str | Path, silent: bool = False) -> bool:
    """Run pip of this environment; whether it succeeded. silent: without its complaints."""
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL if silent else None).returncode == 0


def install(lock: str) -> None:
    """Install the packages of a hashed lock and nothing else. Ends the script when pip cannot."""
    if not pip("install", *QUIET, *LOCKED, "--requirement", HERE / lock):
        sys.exit(f"install: pip cannot install {lock}; its last line above says why")


def install_torch(wanted: str) -> None:
    """Install the wanted build of torch, or keep the one that is there when any will do."""
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        version = ""
    lines = (HERE / "torch-cuda.lock").read_text().splitlines()
    pinned = next(line for line in lines if line.startswith("torch==="))
    present = f"torch==={version.partition('+')[0]}" == pinned.split()[0]
    if wanted == "cuda" or (present and "+" not in version):
        print("torch: the public CUDA build", flush=True)
        install("torch-cuda.lock")
    elif not present:
        # Not finding a CPU wheel is not an error; any other trouble shows up again in the next line's call.
        if pip("install", *QUIET, *LOCKED, "--requirement", HERE / "torch-cpu.lock", silent=True):
            print("torch: the CPU build")
        else:
            print("torch: pip finds no locked CPU wheel; installing the public CUDA build, about 3 GB", flush=True)
            install("torch-cuda.lock")


def main() -> None:
    """Install locks, then the project itself in place, then check that all requirements are met."""
    parser = argparse.ArgumentParser(description="Install the locked packages and the project.")
    parser.add_argument("--torch", choices=("auto", "cuda"), default="auto")
    parser.add_argument("--bench", action="store_true", help="also the packages that benchmarks compare with")
    options = parser.parse_args()
    if sys.prefix == sys.base_prefix:
        sys.exit("install: this Python is not a virtual environment; run `make venv`")
    install("host.lock")
    install_torch(options.torch)
    if options.bench:
        install("bench.lock")
    if not pip("install", *QUIET, "--no-deps", "--no-build-isolation", "--editable", ROOT) or not pip("check", "-q"):
        sys.exit("install: the environment is not complete; `make clean`, remove .venv and try again")


if __name__ == "__main__":
    main()
