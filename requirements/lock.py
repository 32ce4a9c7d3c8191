"""Write every lock file again from its `.in` file: what `make lock` runs.

`uv pip compile` resolves for Linux, Windows and macOS and Python 3.11 onward at once and writes hashes but no
addresses, so one file serves any package index. What uv cannot do is done here, and only that:

- torch 2.13.0 is two builds under one version. The public index serves the CUDA build, which needs fifteen
  nvidia packages; a CPU wheel needs none. The environment is resolved twice: `cuda.in` with the requirements of the
  CUDA build, and `host.in`, which it includes, with those of the CPU build. What both need goes to `host.lock`; what
  only the first needs (torch, its libraries, numba-cuda and what compiles its kernels) goes to `torch-cuda.lock`, with
  torch pinned as `===2.13.0`, which 2.13.0+cpu is not.
- `torch-cpu.lock` names the CPU wheel by the hashes below (`CPU_WHEELS`). One lock for both builds does not
  work: given hashes, pip prefers a file whose index states a hash to a file in a local folder.
- `bench.lock` holds only what `host.lock` lacks; a stage's lock only what the base image's lacks. All are
  resolved under the versions of the host, so that the process and the docker runner use the same packages.

Versions in the present locks are kept; `--upgrade` takes the newest that the `.in` files allow.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "requirements"
BASE = ROOT / "containers" / "base"

TORCH = "2.13.0"
# Requires-Dist of the CPU wheel of torch, read from its METADATA.
CPU_REQUIRES = (
    "filelock",
    "typing-extensions>=4.10.0",
    "setuptools>=77.0.3",
    "sympy>=1.13.3",
    "networkx>=2.5.1",
    "jinja2",
    "fsspec>=0.8.5",
)
CPU_WHEELS = {
    "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl": (
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
    )
}
# No index has a wheel of these: pip may build them (pure Python) from their source, by its hash. The line that says so
# stands in the lock, where pip and uv read it.
SOURCE_ONLY = ("acvl-utils",)
# The Python and the C library of the images (Debian 12).
IMAGE = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28")
UNIVERSAL = ("--universal", "--python-version", "3.11")

Blocks = dict[str, str]


def parse(text: str) -> Blocks:
    """Requirement blocks of a lock file, by their first line without the backslash (name, version, marker)."""
    blocks: Blocks = {}
    for match in re.finditer(r"^[a-z0-9].*(?:\n    --hash=.*)*", text, flags=re.MULTILINE):
        blocks[match.group().splitlines()[0].removesuffix("\\").strip()] = match.group()
    return blocks


def name_of(requirement: str) -> str:
    """Package name of a requirement line."""
    return re.split(r"[=;\[ ]", requirement, maxsplit=1)[0]


def resolve(source: Path, *options: str, keep: Blocks, under: Blocks | None = None, cpu_torch: bool = False) -> Blocks:
    """Resolve one `.in` file. keep: versions to prefer. under: versions to obey. Exits with uv's words on failure."""
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory() as folder:
        lock, constraints, config = (Path(folder) / name for name in ("out.lock", "under.txt", "config.toml"))
        lock.write_text("\n".join(keep.values()) + "\n")
        constraints.write_text("\n".join((under or {}).keys()) + "\n")
        torch = f'name = "torch"\nversion = "{TORCH}"\nrequires-dist = {list(CPU_REQUIRES)}\n'
        config.write_text("[[dependency-metadata]]\n" + torch if cpu_torch else "")
        command: list[str | Path] = [uv, "--config-file", config, "pip", "compile", source, "--output-file", lock]
        command += ["--constraint", constraints, "--generate-hashes", "--no-emit-index-url", "--no-annotate"]
        command += ["--no-header", "--quiet", *options]
        if subprocess.run(command, check=False, env={**os.environ, "UV_NO_PROGRESS": "1"}).returncode:
            sys.exit(f"lock: {source.relative_to(ROOT)} does not resolve; see the lines above")
        return parse(lock.read_text())


def read(path: Path) -> Blocks:
    """Blocks of a lock file that may not exist yet."""
    return parse(path.read_text()) if path.exists() else {}


def write(path: Path, comment: str, blocks: Blocks) -> None:
    """Write a lock file with a comment on top."""
    head = "".join(f"# {line}\n" for line in [*comment.splitlines(), "Written by `make lock`; do not edit."])
    names = {name_of(r) for r in blocks}
    head += "".join(f"--no-binary {name}\n" for name in SOURCE_ONLY if name in names)
    path.write_text(head + "\n".join(blocks.values()) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(blocks)} packages")


def lock_host(options: tuple[str, ...]) -> Blocks:
    """Write host.lock and torch-cuda.lock; return the blocks of both."""
    kept = {**read(HERE / "host.lock"), **read(HERE / "torch-cuda.lock")}
    kept = {requirement: block for requirement, block in kept.items() if name_of(requirement) != "torch"}
    full = resolve(HERE / "cuda.in", *UNIVERSAL, *options, keep=kept)
    cpu = {name_of(r) for r in resolve(HERE / "host.in", *UNIVERSAL, *options, keep=full, cpu_torch=True)} - {"torch"}
    host = {r: block for r, block in full.items() if name_of(r) in cpu}
    cuda = {r: exact_torch(block) for r, block in full.items() if name_of(r) not in cpu}
    hashes = "".join(f" \\\n    --hash=sha256:{digest}" for digest in CPU_WHEELS.values())
    write(HERE / "host.lock", "The project environment, no torch and no CUDA, Python 3.11 to 3.13, Linux x86-64.", host)
    write(
        HERE / "torch-cpu.lock",
        "The CPU build of torch for Python 3.11. Those for 3.12 and 3.13 are not locked: torch-cuda.lock serves there.",
        {"torch": f"torch=={TORCH}+cpu{hashes}"},
    )
    write(
        HERE / "torch-cuda.lock",
        "The public (CUDA) build of torch, numba-cuda and their libraries: where no CPU wheel is found, or TORCH=cuda.",
        cuda,
    )
    return full


def exact_torch(block: str) -> str:
    """A lock block, torch's with `===`: the public build and no local version of it."""
    return block.replace(f"torch=={TORCH}", f"torch==={TORCH}")


def main() -> None:
    """Write all locks. The only option is `--upgrade`."""
    options = tuple(sys.argv[1:])
    if options not in ((), ("--upgrade",)):
        sys.exit("usage: lock.py [--upgrade]")
    full = lock_host(options)

    bench = resolve(HERE / "bench.in", *UNIVERSAL, *options, keep=read(HERE / "bench.lock"), under=full)
    extra = {r: block for r, block in bench.items() if name_of(r) not in {name_of(f) for f in full}}
    write(HERE / "bench.lock", "What the benchmarks need in addition to host.lock.", extra)

    # pip itself is not a part of the environment; the images are filled with it, from a wheel that stays outside.
    installer = resolve(BASE / "installer.in", *IMAGE, *options, keep=read(BASE / "installer.lock"))
    write(BASE / "installer.lock", "The installer that fills the images; it is in none of them.", installer)
    variants = {}
    for variant in ("cpu", "cuda"):
        path = BASE / f"requirements-{variant}.lock"
        variants[variant] = resolve(path.with_suffix(".in"), *IMAGE, *options, keep=read(path), under=full)
        blocks = {r: exact_torch(block) for r, block in variants[variant].items()}
        write(path, f"Packages of the base image, variant {variant}.", blocks)
    common = {name_of(r) for r in variants["cpu"]}
    for source in sorted(ROOT.glob("containers/*/requirements.in")):
        path = source.with_suffix(".lock")
        # An image that needs torch gets it from torch-cpu.lock or torch-cuda.lock, as the host does.
        torch = "torch" in source.read_text().split()
        blocks = resolve(source, *IMAGE, *options, keep=read(path), under=full, cpu_torch=torch)
        added = {r: block for r, block in blocks.items() if name_of(r) not in {*common, "torch"}}
        write(path, f"What the {source.parent.name} image adds to the base image.", added)


if __name__ == "__main__":
    main()
