"""What a machine is: enough to tell two apart, nothing that names one."""

import getpass
import platform
from pathlib import Path

import pytest

from harness.bench.fingerprint import cpu_facts, differences, fingerprint, gpus_of, quota
from tests.bench.made import results

INFO = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8480+
stepping\t: 8
flags\t\t: fpu avx2 avx512_bf16 amx_bf16

processor\t: 1
model name\t: another
"""


def test_no_host_no_user_no_path() -> None:
    found = fingerprint()
    text = found.model_dump_json()
    for name in (platform.node(), getpass.getuser()):
        assert f'"{name}"' not in text
        assert len(name) < 5 or name not in text
    assert str(Path.cwd()) not in text
    assert found.machine.cores >= 1
    assert {"python", "numpy"} <= found.libraries.keys()
    assert not differences(found, fingerprint())


def test_first_processor_of_cpuinfo() -> None:
    facts = cpu_facts(INFO)
    assert facts["model name"] == "Intel(R) Xeon(R) Platinum 8480+"
    assert facts["model"] == "143"
    assert facts["flags"].split()[-1] == "amx_bf16"


def test_cards_in_the_drivers_table() -> None:
    """Two cards, one of which does not tell its power limit; the driver's complaint is not a card."""
    text = (
        "NVIDIA H200, 570.86.15, 143771, 9.0, 1980, 3201, 700.00\n"
        "Tesla T4, 535.1, 15360, 7.5, 1590, 5001, [N/A]\n"
        "Failed to initialize NVML: Driver/library version mismatch\n"
    )
    first, second = gpus_of(text)
    assert (first.name, first.driver, first.memory_mib) == ("NVIDIA H200", "570.86.15", 143771)
    assert (first.maximum_sm_mhz, first.maximum_memory_mhz, first.power_limit_w) == (1980, 3201, 700.0)
    assert (second.compute_capability, second.power_limit_w) == ("7.5", None)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_limit_of_a_container(files: dict[str, str], cores: float | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert quota(tmp_path) == cores


def test_differences_name_what_differs() -> None:
    a = results([], cores=2, libraries={"numpy": "2.4.6", "torch": "2.13.0"})
    b = results([], cores=4, libraries={"numpy": "2.4.6", "torch": "2.14.0", "monai": "1.6"}, images={"fusion": "x"})
    found = differences(a.fingerprint, b.fingerprint)
    assert found == {"cores": ("2", "4"), "libraries": ("monai none, torch 2.13.0", "monai 1.6, torch 2.14.0")}
