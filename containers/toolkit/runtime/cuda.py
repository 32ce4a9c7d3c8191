"""Whether this process can use CUDA, and if not, which part is missing and what brings it: the only place that asks.

CUDA is a chain: a library (torch's CUDA build, or numba-cuda with the compiler's libraries), the driver, a device that
the driver shows, and room on that device. `missing` walks along it and names the first link that is not there, so that
a user reads "no NVIDIA driver" and not the exception of whichever library stumbled over it. The driver is asked
directly (`libcuda.so.1`, NVIDIA's driver API), for the libraries report a driver that is too old, a hidden device and a
busy one alike.
"""

import ctypes
import importlib.util
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from containers.contract.errors import EnvironmentFault

Library = Literal["torch", "numba"]

CUDA_MAJOR = 13
"""The CUDA release that the locks hold. A driver of the same major release or later runs it (NVIDIA's minor version
compatibility)."""
LEAST_CAPABILITY = (7, 5)
"""The oldest compute capability that the compilers of CUDA 13 still generate code for."""
KERNEL_LIBRARIES = {
    "cudart": "the CUDA runtime (libcudart)",
    "nvrtc": "NVRTC (libnvrtc)",
    "nvvm": "the NVVM compiler (libnvvm)",
}
"""What numba-cuda loads to compile a kernel, by the name that `cuda.pathfinder` knows it by."""

_INSTALL = "install it with `make venv TORCH=cuda`, or use the image of variant cuda, or device cpu"
_OTHERWISE = "or use device cpu"
# Attributes of a device in the driver API: major and minor compute capability.
_CAPABILITY = (75, 76)
# Results of the driver API (CUresult in cuda.h) that a user can do something about.
_OUT_OF_MEMORY, _NO_DEVICE = 2, 100
_RESULTS = {
    _OUT_OF_MEMORY: ("the CUDA device is out of memory", "end other programs on it"),
    34: ("libcuda.so.1 is the toolkit's stub and not a driver", "remove the stub from LD_LIBRARY_PATH"),
    46: ("the CUDA device is busy or set to exclusive use", "wait for the program that holds it"),
    _NO_DEVICE: ("the NVIDIA driver finds no device", "check `nvidia-smi`"),
    802: ("the NVIDIA driver is not ready", "start its services (nvidia-fabricmanager)"),
    803: ("the NVIDIA driver's library and kernel module are of different versions", "restart the machine"),
    804: ("the NVIDIA driver is too old for this CUDA release on this device", "install a newer driver"),
}


@dataclass(frozen=True)
class Missing:
    """The first part of CUDA that is not there."""

    what: str
    """What is missing, in words that name the part."""
    fix: str
    """What brings it: a command, or what to do at the machine."""

    def __str__(self) -> str:
        return f"{self.what}; {self.fix}"


def missing(library: Library) -> Missing | None:
    """What keeps `library` from using a CUDA device in this process; None where a device answers.

    Never raises: whatever a library throws while it looks for its parts is an answer. Under numba's CUDA simulator
    (NUMBA_ENABLE_CUDASIM=1) numba needs no part of CUDA.
    """
    if library == "numba" and os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        return None
    found = (_torch() if library == "torch" else _numba()) or _driver()
    return found or _answers(library)


def require(library: Library, where: str) -> None:
    """Raise EnvironmentFault, one line with the missing part and what brings it, where `library` has no CUDA device."""
    found = missing(library)
    if found is not None:
        raise EnvironmentFault(found.what, where=where, fix=found.fix)


def fault_of(error: BaseException) -> EnvironmentFault | None:
    """What an exception of a CUDA library says of the machine (a device that is full, busy or gone); None for others.

    Errors of the program itself, such as an illegal address, are not the machine's and give None.
    """
    text = f"{type(error).__name__}: {error}"
    if any(sign in text for sign in ("CUDA_ERROR_OUT_OF_MEMORY", "CUDA out of memory", "cudaErrorMemoryAllocation")):
        return EnvironmentFault("the CUDA device is out of memory", fix=f"end other programs on it, {_OTHERWISE}")
    for sign in ("CUDA_ERROR_DEVICE_UNAVAILABLE", "cudaErrorDevicesUnavailable", "devices are busy or unavailable"):
        if sign in text:
            return EnvironmentFault(_RESULTS[46][0], fix=f"{_RESULTS[46][1]}, {_OTHERWISE}")
    if type(error).__name__ in ("DynamicLibNotFoundError", "CudaSupportError", "NvvmSupportError"):
        return EnvironmentFault(f"a part of CUDA is missing ({' '.join(str(error).split())[:200]})", fix=_INSTALL)
    return None


def _torch() -> Missing | None:
    if importlib.util.find_spec("torch") is None:
        return Missing("torch is not installed", _INSTALL)
    try:
        import torch
    except Exception as error:  # a damaged installation: torch raises ImportError, OSError and others
        return Missing(f"torch cannot be loaded ({_line(error)})", _INSTALL)
    if torch.version.cuda is None:
        return Missing("torch is the build without CUDA", _INSTALL)
    return None


def _numba() -> Missing | None:
    # Without numba-cuda, numba's own former CUDA target answers to the same import and finds no library of a wheel.
    for package, name in (("numba", "numba"), ("numba_cuda", "numba-cuda"), ("cuda", "cuda-pathfinder")):
        if importlib.util.find_spec(package) is None:
            return Missing(f"{name} is not installed", _INSTALL)
    for name, title in KERNEL_LIBRARIES.items():
        if not _loads(name):
            return Missing(f"{title} of CUDA {CUDA_MAJOR} is missing", _INSTALL)
    try:
        from numba import cuda
    except Exception as error:  # of many kinds, RuntimeError among them
        return Missing(f"numba-cuda cannot be loaded ({_line(error)})", _INSTALL)
    if "numba_cuda" not in str(cuda.__file__):
        return Missing("numba-cuda is not in effect: numba loads its own former CUDA target", _INSTALL)
    return None


def _loads(name: str) -> bool:
    """Whether a CUDA library can be loaded, from a wheel or a toolkit."""
    with suppress(Exception):  # not found, not available on this system, damaged: all the same to the caller
        from cuda.pathfinder import load_nvidia_dynamic_lib

        load_nvidia_dynamic_lib(name)
        return True
    return False


def _library() -> Any:
    """The driver's library. Raises OSError where there is none."""
    return ctypes.CDLL("libcuda.so.1")


def _driver() -> Missing | None:
    """What the driver API says: its version, a device, and whether a context can be made on the first one."""
    try:
        driver = _library()
    except OSError:
        return Missing("no NVIDIA driver (libcuda.so.1)", f"install NVIDIA's driver, {_OTHERWISE}")
    version = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(version))
    if 0 < version.value < CUDA_MAJOR * 1000:
        runs = f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"
        return Missing(
            f"the NVIDIA driver is too old: it runs {runs}, and CUDA {CUDA_MAJOR} is needed",
            f"install a newer driver, {_OTHERWISE}",
        )
    if (result := driver.cuInit(0)) != 0:
        return _result(result)
    count, device = ctypes.c_int(), ctypes.c_int()
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return _result(_NO_DEVICE)
    if (result := driver.cuDeviceGet(ctypes.byref(device), 0)) != 0:
        return _result(result)
    capability = tuple(_attribute(driver, number, device) for number in _CAPABILITY)
    if capability < LEAST_CAPABILITY:
        least = ".".join(map(str, LEAST_CAPABILITY))
        has = ".".join(map(str, capability))
        what = f"the CUDA device is too old: compute capability {has}, and CUDA {CUDA_MAJOR} needs {least}"
        return Missing(what, f"use another device, {_OTHERWISE}")
    context = ctypes.c_void_p()
    # Retained for a moment only: a process that just asks must not keep others off a device of exclusive use.
    if (result := driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)) != 0:
        return _result(result)
    driver.cuDevicePrimaryCtxRelease_v2(device)
    return None


def _attribute(driver: Any, number: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), number, device)
    return value.value


def _result(number: int) -> Missing:
    what, fix = _RESULTS.get(number, (f"the NVIDIA driver answers with error {number}", "check `nvidia-smi`"))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if number == _NO_DEVICE and visible is not None:
        if visible in ("", "-1"):
            what, fix = "CUDA_VISIBLE_DEVICES hides every device", "set it to a device's number"
        else:
            fix = f"check `nvidia-smi`, and CUDA_VISIBLE_DEVICES, which is {visible!r}"
    return Missing(what, f"{fix}, {_OTHERWISE}")


def _answers(library: Library) -> Missing | None:
    """The library's own last word, after all parts were found."""
    try:
        if library == "torch":
            import torch

            there = torch.cuda.is_available()
        else:
            from numba import cuda

            there = cuda.is_available()
        why = ""
    except Exception as error:
        there, why = False, f" ({_line(error)})"
    return None if there else Missing(f"{library} cannot use the CUDA device{why}", f"check `nvidia-smi`, {_OTHERWISE}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
