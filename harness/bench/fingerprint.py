"""What a machine is, as far as times depend on it: no host name, no user, no serial number, no path.

The machine and the libraries decide whether two results may be ranked; revision, lock and images are what is compared.
"""

import csv
import os
import platform
import re
import shutil
import subprocess
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from containers.contract.files import sha256_file
from harness.bench.results import Code, Fingerprint, Gpu, Machine
from harness.project import ROOT, project_version
from harness.provenance import commit

FLAGS = (
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni",
    "amx_tile", "amx_int8", "amx_bf16", "asimd", "sve", "sve2", "bf16", "i8mm",
)  # fmt: skip
"""Instruction sets that the stages' libraries choose their code by."""
LIBRARIES = (
    "numpy", "scipy", "numba", "numba-cuda", "torch", "monai", "nnunetv2", "openvino", "scikit-learn", "SimpleITK",
    "TPTBox",
)  # fmt: skip
TOOL_SECONDS = 10
GPU_FIELDS = (
    "name", "driver_version", "memory.total", "compute_cap", "clocks.max.sm", "clocks.max.memory", "power.limit",
)  # fmt: skip


def fingerprint(images: dict[str, str] | None = None) -> Fingerprint:
    """This machine and this program. images: stage -> digest of what was run in containers."""
    lock = ROOT / "requirements" / "host.lock"
    code = Code(
        project_version=project_version(),
        revision=commit(ROOT),
        lock_sha256=sha256_file(lock) if lock.is_file() else None,
        images=images or {},
    )
    return Fingerprint(machine=machine(), libraries=libraries(), code=code)


def machine() -> Machine:
    """Processor, memory, system and graphics cards."""
    facts = cpu_facts(_text(Path("/proc/cpuinfo")))
    flags = set(facts.get("flags", facts.get("features", "")).split())
    model = "/".join(facts.get(name, "?") for name in ("cpu family", "model", "stepping"))
    return Machine(
        cpu=facts.get("model name", platform.processor() or platform.machine()),
        cpu_family_model_stepping=model,
        cores=len(os.sched_getaffinity(0)),
        quota=quota(Path("/sys/fs/cgroup")),
        flags=[flag for flag in FLAGS if flag in flags],
        maximum_mhz=_maximum_mhz(),
        virtual="hypervisor" in flags,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        system=platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        kernel=platform.release(),
        gpus=gpus(),
    )


def cpu_facts(text: str) -> dict[str, str]:
    """The fields of the first processor in the text of /proc/cpuinfo, by lower-case name."""
    pairs = (line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def quota(folder: Path) -> float | None:
    """Cores that a container's limit allows (cgroup version 2 or 1), or None without a limit."""
    with suppress(ValueError, ZeroDivisionError):
        given, period = (_text(folder / "cpu.max") or "max 0").split()
        return round(int(given) / int(period), 3)
    with suppress(ValueError, ZeroDivisionError):
        given, period = (_text(folder / "cpu" / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        return round(int(given) / int(period), 3) if int(given) > 0 else None
    return None


def gpus() -> list[Gpu]:
    """The graphics cards that the driver's own tool lists; none where there is no tool."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader,nounits"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=True)
        return gpus_of(done.stdout)
    return []


def gpus_of(text: str) -> list[Gpu]:
    """The cards in the tool's table; `[N/A]` and the like are not told."""
    found = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) != len(GPU_FIELDS):
            continue
        numbers = [float(cell) if re.fullmatch(r"\d+(\.\d+)?", cell) else None for cell in row]
        whole = [None if number is None else round(number) for number in numbers]
        found.append(
            Gpu(
                name=row[0], driver=row[1], memory_mib=whole[2], compute_capability=row[3],
                maximum_sm_mhz=whole[4], maximum_memory_mhz=whole[5], power_limit_w=numbers[6],
            )
        )  # fmt: skip
    return found


def libraries() -> dict[str, str]:
    """Versions of what does the work, and of R where it is a peer."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    if shutil.which("Rscript"):
        with suppress(OSError, subprocess.SubprocessError):
            command = ["Rscript", "--vanilla", "-e", "cat(as.character(getRversion()))"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=True)
            found["R"] = done.stdout.strip()
    return found


def _maximum_mhz() -> int | None:
    """The processor's highest clock, where the system tells it; virtual machines seldom do."""
    with suppress(ValueError):
        return round(int(_text(Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"))) / 1000)
    return None


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def label(found: Machine) -> str:
    """The machine in a few words."""
    cards = ", ".join(card.name for card in found.gpus) or "no GPU"
    return f"{found.cpu} ({found.cpu_family_model_stepping}), {found.cores} cores, {found.memory_gib} GiB, {cards}"


def differences(a: Fingerprint, b: Fingerprint) -> dict[str, tuple[str, str]]:
    """Fields that keep two results from being ranked, with both values: of the machine, and the libraries."""
    found = {}
    left, right = a.machine.model_dump(), b.machine.model_dump()
    for name in left:
        if left[name] != right[name]:
            found[name] = (str(left[name]), str(right[name]))
    changed = {
        name: (a.libraries.get(name, "none"), b.libraries.get(name, "none"))
        for name in sorted(a.libraries.keys() | b.libraries.keys())
        if a.libraries.get(name) != b.libraries.get(name)
    }
    if changed:
        found["libraries"] = tuple(", ".join(f"{name} {pair[n]}" for name, pair in changed.items()) for n in (0, 1))  # type: ignore[assignment]
    return found
