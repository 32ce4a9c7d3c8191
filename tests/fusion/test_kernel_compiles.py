"""The kernel of the numba_cuda backend becomes machine code for every kind of device that is named, without a device.

This needs all that `make venv TORCH=cuda` brings and no toolkit in the system: a part that the lock lacks fails here.
"""

import re

import pytest

CAPABILITIES = {(8, 0): "A100", (8, 9): "RTX 4090, L40", (9, 0): "H100, H200", (12, 0): "RTX 5090"}
ELF = b"\x7fELF"


@pytest.mark.needs("numba-cuda")
@pytest.mark.parametrize("stored", ["int16", "uint16", "float32"])
@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda capability: f"sm_{capability[0]}{capability[1]}")
def test_to_ptx_and_to_a_cubin(capability: tuple[int, int], stored: str) -> None:
    from cuda.core import Linker, LinkerOptions, ObjectCode
    from numba import cuda, types

    from containers.fusion.interpolate_cuda import _fuse_planes

    volume, table = types.float32[:, :, ::1], types.float64[:, ::1]
    signature = types.void(volume, getattr(types, stored)[::1], table, *[types.int64] * 4, types.float64)
    ptx, _ = cuda.compile(_fuse_planes, signature, cc=capability, output="ptx", device=False, abi="numba")
    name = f"sm_{capability[0]}{capability[1]}"
    assert re.search(rf"^\.target {name}\b", ptx, flags=re.MULTILINE)
    linker = Linker(ObjectCode.from_ptx(ptx.encode()), options=LinkerOptions(arch=name, ptxas_options=["-v"]))
    cubin = linker.link("cubin").code
    assert cubin[:4] == ELF
    # A register that does not fit is kept in memory: the kernel would still run, at a part of its speed.
    assert "0 bytes spill stores, 0 bytes spill loads" in linker.get_info_log()
