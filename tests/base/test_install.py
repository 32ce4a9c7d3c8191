"""Which build of torch `make venv` installs on each kind of machine. pip is replaced by one that finds some builds."""

import importlib.util
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CPU, CUDA = "torch-cpu.lock", "torch-cuda.lock"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements/install.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("wanted", "present", "offered", "installed"),
    [
        ("auto", None, [CPU, CUDA], [CPU]),  # a CPU wheel in a local folder or a further index
        ("auto", None, [CUDA], [CUDA]),  # only the public index
        ("cuda", None, [CPU, CUDA], [CUDA]),
        ("cuda", "2.13.0+cpu", [CPU, CUDA], [CUDA]),
        ("auto", "2.13.0", [CPU, CUDA], [CUDA]),  # chosen before: stays, and its libraries are completed
        ("auto", "2.13.0+cpu", [CPU, CUDA], []),
        ("auto", "2.12.0+cpu", [CPU, CUDA], [CPU]),  # the lock moved on
    ],
)
def test_build_of_torch(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    wanted: str,
    present: str | None,
    offered: list[str],
    installed: list[str],
) -> None:
    done: list[str] = []

    def version(name: str) -> str:
        if present is None:
            raise metadata.PackageNotFoundError(name)
        return present

    def pip(*arguments: str | Path, silent: bool = False) -> bool:
        assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(map(str, arguments))
        lock = Path(arguments[-1]).name
        done.extend([lock] if lock in offered else [])
        return lock in offered

    monkeypatch.setattr(script.metadata, "version", version)
    monkeypatch.setattr(script, "pip", pip)
    script.install_torch(wanted)
    assert done == installed


def test_failing_pip_is_one_line(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "pip", lambda *arguments, silent=False: False)
    with pytest.raises(SystemExit, match=r"^install: pip cannot install host\.lock; ") as caught:
        script.install("host.lock")
    assert "\n" not in str(caught.value)
