"""Every way in which CUDA can be absent or incomplete is one line that names the part; nothing raises."""

import ctypes
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from containers.contract.errors import EnvironmentFault
from containers.toolkit.runtime import cuda
from harness.bench.suite import no_cuda

ROOT = Path(__file__).parents[2]
INSTALLS = "make venv TORCH=cuda"


class Driver:
    """NVIDIA's driver library with the answers of one machine. Healthy unless a result is given by function name."""

    def __init__(self, version: int = 13000, devices: int = 1, capability: tuple[int, int] = (9, 0), **results: int):
        self.version, self.devices, self.capability, self.results = version, devices, capability, results
        self.held = 0

    def _say(self, name: str, target: Any, value: int) -> int:
        result = self.results.get(name, 0)
        if result == 0 and target is not None:
            target._obj.value = value
        return result

    def cuDriverGetVersion(self, version: Any) -> int:  # noqa: N802 - the driver API's names
        return self._say("cuDriverGetVersion", version, self.version)

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return self._say("cuInit", None, 0)

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        return self._say("cuDeviceGetCount", count, self.devices)

    def cuDeviceGet(self, device: Any, number: int) -> int:  # noqa: N802
        return self._say("cuDeviceGet", device, number)

    def cuDeviceGetAttribute(self, value: Any, number: int, device: Any) -> int:  # noqa: N802
        return self._say("cuDeviceGetAttribute", value, self.capability[number - 75])

    def cuDevicePrimaryCtxRetain(self, context: Any, device: Any) -> int:  # noqa: N802
        result = self._say("cuDevicePrimaryCtxRetain", context, 1)
        self.held += result == 0
        return result

    def cuDevicePrimaryCtxRelease_v2(self, device: Any) -> int:  # noqa: N802
        self.held -= 1
        return 0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Driver], Driver]:
    """Sets a driver under libraries that are whole and agree that a device answers."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setattr(cuda, "_torch", lambda: None)
    monkeypatch.setattr(cuda, "_numba", lambda: None)
    monkeypatch.setattr(cuda, "_answers", lambda library: None)

    def put(driver: Driver) -> Driver:
        monkeypatch.setattr(cuda, "_library", lambda: driver)
        return driver

    return put


@pytest.mark.parametrize("library", ["torch", "numba"])
def test_a_whole_machine_answers_and_its_device_is_not_kept(
    machine: Callable[[Driver], Driver], library: cuda.Library
) -> None:
    driver = machine(Driver())
    assert cuda.missing(library) is None
    cuda.require(library, where="x")
    assert driver.held == 0, "a process that only asks must not hold a device of exclusive use"
    assert no_cuda() == "" and no_cuda(library) == ""


@pytest.mark.parametrize(
    ("driver", "what"),
    [
        (Driver(version=12080), "the NVIDIA driver is too old: it runs CUDA 12.8, and CUDA 13 is needed"),
        (Driver(cuInit=804), "the NVIDIA driver is too old for this CUDA release on this device"),
        (Driver(cuInit=100), "the NVIDIA driver finds no device"),
        (Driver(devices=0), "the NVIDIA driver finds no device"),
        (Driver(cuInit=34), "libcuda.so.1 is the toolkit's stub and not a driver"),
        (Driver(cuInit=803), "the NVIDIA driver's library and kernel module are of different versions"),
        (Driver(cuInit=802), "the NVIDIA driver is not ready"),
        (Driver(cuInit=999), "the NVIDIA driver answers with error 999"),
        (Driver(cuDeviceGet=101), "the NVIDIA driver answers with error 101"),
        (Driver(capability=(7, 0)), "the CUDA device is too old: compute capability 7.0, and CUDA 13 needs 7.5"),
        (Driver(cuDevicePrimaryCtxRetain=46), "the CUDA device is busy or set to exclusive use"),
        (Driver(cuDevicePrimaryCtxRetain=2), "the CUDA device is out of memory"),
    ],
)
def test_what_the_driver_says_is_named(machine: Callable[[Driver], Driver], driver: Driver, what: str) -> None:
    machine(driver)
    for library in ("torch", "numba"):
        with pytest.raises(EnvironmentFault) as caught:
            cuda.require(library, where="resources.device")  # type: ignore[arg-type]
        assert caught.value.what == what
        assert caught.value.fix.endswith("or use device cpu") and "\n" not in str(caught.value)
    assert no_cuda().startswith(what)
    assert driver.held == 0


@pytest.mark.parametrize(
    ("visible", "said"),
    [("", "hides every device"), ("-1", "hides every device"), ("7", "check `nvidia-smi`, and CUDA_VISIBLE_DEVICES")],
)
def test_a_hidden_device_is_told_from_none(
    machine: Callable[[Driver], Driver], monkeypatch: pytest.MonkeyPatch, visible: str, said: str
) -> None:
    machine(Driver(cuInit=100))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert said in str(cuda.missing("torch"))


def test_no_driver_is_named(machine: Callable[[Driver], Driver], monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError("libcuda.so.1: cannot open shared object file")

    monkeypatch.setattr(cuda, "_library", none)
    assert str(cuda.missing("numba")).startswith("no NVIDIA driver (libcuda.so.1); install NVIDIA's driver")


def test_the_library_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> bool:
        raise RuntimeError("unexpected\nby all")

    monkeypatch.setattr(cuda, "_torch", lambda: None)
    monkeypatch.setattr(cuda, "_library", lambda: Driver())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(cuda.missing("torch")).startswith("torch cannot use the CUDA device; ")
    monkeypatch.setattr(torch.cuda, "is_available", refuse)
    assert str(cuda.missing("torch")).startswith("torch cannot use the CUDA device (unexpected by all); ")


def test_a_build_without_cuda_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert str(cuda.missing("torch")).startswith("torch is the build without CUDA; ")
    assert INSTALLS in str(cuda.missing("torch"))


@pytest.mark.parametrize(
    ("package", "library", "said"),
    [("torch", "torch", "torch is not installed"), ("numba_cuda", "numba", "numba-cuda is not installed"),
     ("numba", "numba", "numba is not installed")],
)  # fmt: skip
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, package: str, library: cuda.Library, said: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(cuda.importlib.util, "find_spec", lambda name: None if name == package else find(name))
    assert str(cuda.missing(library)).startswith(said)
    assert INSTALLS in str(cuda.missing(library))


# A stand-in for numba-cuda and the loader of NVIDIA's libraries, put before all other folders: LACKING names the
# library that is not found. It raises what the loader raises: a RuntimeError, and no ImportError.
STAND_IN = {
    "numba_cuda/__init__.py": "",
    "cuda/__init__.py": "",
    "cuda/pathfinder.py": (
        "import os\n"
        "class DynamicLibNotFoundError(RuntimeError): pass\n"
        "def load_nvidia_dynamic_lib(name):\n"
        "    if name == os.environ['LACKING']:\n"
        "        raise DynamicLibNotFoundError(f'Failure finding \"lib{name}.so\"')\n"
    ),
}
ASK = (
    "import json, sys\n"
    "from containers.toolkit.runtime import cuda\n"
    "from containers.contract.errors import EnvironmentFault\n"
    "from containers.fusion import backends\n"
    "from containers.fusion.__main__ import capabilities\n"
    "from harness.bench.suite import no_cuda\n"
    "assert 'numba_cuda' not in capabilities()['backends']\n"
    "for backend in ('auto', 'numba_cuda'):\n"
    "    try:\n"
    "        backends.resolve(backend, 'cuda')\n"
    "    except EnvironmentFault as fault:\n"
    "        print(fault)\n"
    "print(no_cuda('numba'))\n"
)


def ask(lacking: str, folder: Path, **environment: str) -> list[str]:
    """What `resolve` and the bench say in a process of its own, where one library cannot be found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUDA", "NUMBA"))}
    kept |= {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "LACKING": lacking, **environment}
    done = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("library", cuda.KERNEL_LIBRARIES)
def test_a_missing_library_is_named_wherever_cuda_is_asked_for(library: str, tmp_path: Path) -> None:
    for name, text in STAND_IN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    title = cuda.KERNEL_LIBRARIES[library]
    lines = ask(library, tmp_path)
    assert lines[0].startswith(
        f"backend auto, device cuda: {title} of CUDA 13 is missing; install it with `{INSTALLS}`"
    )
    assert lines[1].startswith(f"backend numba_cuda: {title} of CUDA 13 is missing")
    assert lines[2].startswith(f"{title} of CUDA 13 is missing") and len(lines) == 3


@pytest.mark.needs("numba-cuda", "name spaces")
@pytest.mark.parametrize(
    ("library", "files"), [("cudart", "libcudart.so*"), ("nvrtc", "libnvrtc.so*"), ("nvvm", "libnvvm.so*")]
)
def test_a_library_that_is_hidden_from_the_real_numba_cuda_is_named(library: str, files: str, tmp_path: Path) -> None:
    """A mount in a name space of its own hides the library of the wheel and the system's toolkits."""
    wheels = Path(str(importlib.util.find_spec("numba_cuda").origin)).parents[1] / "nvidia"  # type: ignore[union-attr]
    hidden = [*wheels.rglob(files)]
    assert hidden, f"no {files} in the wheels"
    (tmp_path / "empty").mkdir()
    mounts = [f"mount --bind /dev/null {file}" for file in hidden]
    mounts += [f"mount --bind {tmp_path}/empty {folder.resolve()}" for folder in Path("/usr/local").glob("cuda-*")]
    (tmp_path / "ask.py").write_text(ASK)
    script = " && ".join([*mounts, f"exec {sys.executable} {tmp_path}/ask.py"])
    kept = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    command = ["unshare", "--mount", "bash", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith(
        f"backend numba_cuda: {cuda.KERNEL_LIBRARIES[library]} of CUDA 13 is missing; install it with `{INSTALLS}`"
    )


DRIVER = """
#include <stdlib.h>
#include <string.h>
static int say(const char *name) { const char *is = getenv("SAYS"); const char *at = is ? strstr(is, name) : 0;
    return at ? atoi(at + strlen(name) + 1) : 0; }
int cuDriverGetVersion(int *v) { *v = say("version") ? say("version") : 13000; return 0; }
int cuInit(unsigned f) { return say("init"); }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int n) { *d = n; return 0; }
int cuDeviceGetAttribute(int *v, int a, int d) { *v = 9; return 0; }
int cuDevicePrimaryCtxRetain(void **c, int d) { return say("context"); }
int cuDevicePrimaryCtxRelease_v2(int d) { return 0; }
"""


@pytest.mark.needs("cc")
@pytest.mark.parametrize(
    ("says", "said"),
    [
        ("version=12040", "it runs CUDA 12.4, and CUDA 13 is needed"),
        ("init=100", "finds no device"),
        ("context=46", "busy or set to exclusive use"),
        ("context=2", "out of memory"),
        ("", "None"),
    ],
)
def test_a_real_library_in_the_drivers_place_is_understood(says: str, said: str, tmp_path: Path) -> None:
    """The calls as the C interface has them, in a library that LD_LIBRARY_PATH names."""
    (tmp_path / "driver.c").write_text(DRIVER)
    library = tmp_path / "libcuda.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "driver.c")], check=True)
    program = "from containers.toolkit.runtime import cuda\nprint(cuda._driver())\n"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CUDA")}
    kept |= {"LD_LIBRARY_PATH": str(tmp_path), "SAYS": says}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=kept, capture_output=True, text=True, check=False
    )
    assert said in done.stdout, done.stderr
    assert len(done.stdout.splitlines()) == 1


class CudaAPIError(Exception):
    """Named as numba's."""


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "the CUDA device is out of memory"),
        (
            CudaAPIError("[2] cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY"),
            "the CUDA device is out of memory",
        ),
        (RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"), "the CUDA device is busy"),
        (type("DynamicLibNotFoundError", (RuntimeError,), {})("libnvvm.so"), "a part of CUDA is missing (libnvvm.so)"),
    ],
)
def test_a_device_that_fails_during_the_work_is_the_environments_fault(error: Exception, what: str) -> None:
    fault = cuda.fault_of(error)
    assert fault is not None and fault.what.startswith(what) and "device cpu" in fault.fix


def test_a_fault_of_the_program_on_the_device_stays_its_own() -> None:
    for error in (CudaAPIError("[700] results in CUDA_ERROR_ILLEGAL_ADDRESS"), ValueError("CUDA"), MemoryError()):
        assert cuda.fault_of(error) is None


@pytest.mark.needs("driver")
def test_the_driver_of_this_machine_has_every_function_that_is_called() -> None:
    driver = ctypes.CDLL("libcuda.so.1")
    called = [name for name in vars(Driver) if name.startswith("cu")]
    assert len(called) == 7
    assert [name for name in called if not hasattr(driver, name)] == []


def test_nobody_else_asks_whether_cuda_is_there() -> None:
    folders = ("containers", "harness", "benchmarks", "phantoms")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    asking = [path for path in files if re.search(r"cuda\.is_available\(", path.read_text(encoding="utf-8"))]
    assert asking == [ROOT / "containers" / "toolkit" / "runtime" / "cuda.py"]
