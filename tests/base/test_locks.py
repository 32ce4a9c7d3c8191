"""The lock files keep what install and images promise: every package pinned and hashed, no address, one version."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = sorted([*ROOT.glob("requirements/*.lock"), *ROOT.glob("containers/*/*.lock")])
PYTHONS = ("3.11.2", "3.12.3", "3.13.1")


def requirements(lock: Path) -> list[tuple[Requirement, int]]:
    """Each requirement of a lock with the number of its hashes."""
    found: list[tuple[Requirement, int]] = []
    for line in lock.read_text().replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith(("#", "--no-binary ")):
            text, *hashes = re.split(r"\s+--hash=sha256:(?=[0-9a-f]{64})", line)
            found.append((Requirement(text), len(hashes)))
    return found


def versions(lock: Path, python: str = PYTHONS[0]) -> dict[str, str]:
    """Name -> version of what a lock installs on Linux x86-64 with one Python."""
    machine = {
        "python_full_version": python,
        "python_version": python.rsplit(".", 1)[0],
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    chosen = [r for r, _ in requirements(lock) if r.marker is None or r.marker.evaluate(machine)]
    assert len({r.name for r in chosen}) == len(chosen), f"{lock.name} pins a package twice for Python {python}"
    return {r.name: str(r.specifier).lstrip("=") for r in chosen}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_package_is_pinned_and_hashed_and_no_index_is_named(lock: Path) -> None:
    assert requirements(lock)
    for requirement, hashes in requirements(lock):
        assert re.fullmatch(r"={2,3}[^*,]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes > 0, requirement
    assert not re.search(r"://|--(extra-)?index-url|--find-links", lock.read_text())


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("torch", ["torch-cpu.lock", "torch-cuda.lock"])
def test_locks_install_all_that_the_project_asks_for(python: str, torch: str) -> None:
    here = {**versions(ROOT / "requirements/host.lock", python), **versions(ROOT / f"requirements/{torch}", python)}
    asked = [
        Requirement(line)
        for line in (ROOT / "requirements/host.in").read_text().splitlines()
        if line and not line.startswith(("#", "--no-binary "))
    ]
    for requirement in asked:
        assert Version(here[requirement.name.lower()]) in requirement.specifier


def test_declared_dependencies_are_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    here = {**versions(ROOT / "requirements/host.lock"), **versions(ROOT / "requirements/torch-cpu.lock")}
    assert project.get("dependencies"), "pyproject.toml declares no dependencies"
    for requirement in map(Requirement, project["dependencies"]):
        assert Version(here[requirement.name.lower()]) in requirement.specifier


def test_torch_locks_name_one_build_each() -> None:
    assert versions(ROOT / "requirements/torch-cpu.lock") == {"torch": "2.13.0+cpu"}
    cuda = (ROOT / "requirements/torch-cuda.lock").read_text()
    assert re.search(r"^torch===2\.13\.0 ", cuda, flags=re.MULTILINE), "== would let pip take a CPU wheel"
    assert "torch" not in versions(ROOT / "requirements/host.lock")
    companions = set(versions(ROOT / "requirements/torch-cuda.lock")) - {"torch"}
    assert companions.isdisjoint(versions(ROOT / "requirements/host.lock"))
    assert {"nvidia-cudnn-cu13", "triton"} <= companions


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("containers/*/requirements*.lock")), ids=lambda path: path.parent.name
)
def test_images_hold_the_versions_of_the_host(lock: Path) -> None:
    host = {**versions(ROOT / "requirements/host.lock"), **versions(ROOT / "requirements/torch-cuda.lock")}
    image = versions(lock)
    shared = image.keys() & host.keys()
    assert shared
    assert {name: image[name] for name in shared} == {name: host[name] for name in shared}


def test_stage_locks_add_nothing_that_the_base_image_has() -> None:
    base = versions(ROOT / "containers/base/requirements-cpu.lock").keys()
    for lock in ROOT.glob("containers/*/requirements.lock"):
        assert base.isdisjoint(versions(lock))
