"""Building images: reproducible contexts, reuse by content, one-line faults. The engine's own part needs an engine."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.runners import images, stages
from tests.build_folder import build_folder


def context(files: list[tuple[str, Path]]) -> bytes:
    stream = io.BytesIO()
    images.write_context(stream, files)
    return stream.getvalue()


def test_context_does_not_depend_on_clock_owner_or_mode(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("1")
    first = context([("x/a.py", file)])
    file.chmod(0o700)
    file.write_text("1")
    assert context([("x/a.py", file)]) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        (entry,) = archive.getmembers()
    assert (entry.name, entry.mtime, entry.mode, entry.uid) == ("x/a.py", images.SOURCE_DATE_EPOCH, 0o644, 0)


def test_every_stage_has_an_image_and_a_tag_with_its_version() -> None:
    folders = images.stage_folders()
    assert {"fusion", "thigh_segmentation", "composition", "agreement"} <= folders.keys()
    assert "base" not in folders
    assert folders["mrsegmentator"].parent == folders["spine_segmentation"], "a variant lies in its stage's folder"
    assert list(folders).index("mrsegmentator") > list(folders).index("spine_segmentation"), "built after it"
    assert images.reference("fusion", "cuda") == images.reference("fusion") + "-cuda"


def test_dockerfiles_do_not_need_buildkit_nor_run_as_root() -> None:
    for folder in images.stage_folders().values():
        text = (folder / "Dockerfile").read_text()
        assert "--mount" not in text
        last = text.rpartition("\nFROM ")[2]
        if images.stands_on_rootfs(folder):
            assert last.rpartition("\nUSER ")[2].startswith("65532:65532\n"), f"{folder.name}: must end as user 65532"
            continue
        assert "USER 0" not in last, f"{folder.name}: the final stage must keep the user of the base image"
        assert f'"{stages.module_of(folder)}"' in last
    assert "USER 65532:65532" in (images.ROOT / "containers/base/Dockerfile").read_text().rpartition("\nFROM ")[2]


def test_only_a_dockerfile_that_names_the_root_filesystem_stands_on_it() -> None:
    folders = images.stage_folders()
    assert images.stands_on_rootfs(folders["r_reference"])
    assert not images.stands_on_rootfs(folders["fusion"])


def test_unknown_stage_is_named() -> None:
    with pytest.raises(RequestFault, match=r"unknown stage 'fussion'; known: .*fusion"):
        images.build(["fussion"])


def test_no_engine_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(
        EnvironmentFault, match=r"docker: no engine answers; start it \(DOCKER_HOST says where\)"
    ) as caught:
        images.build([])
    assert "\n" not in str(caught.value)


def test_missing_mmdebstrap_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="apt-get install mmdebstrap"):
        images.make_rootfs(tmp_path / "rootfs.tar")


def test_wheels_that_do_not_match_the_lock_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A folder with one wheel, no index, and a lock that states another hash.
    wheel = tmp_path / "wheels" / "nothing-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"PK\5\6" + bytes(18))
    lock = tmp_path / "stage" / "requirements.lock"
    lock.parent.mkdir()
    lock.write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    target = tmp_path / "wheelhouse" / "x"
    with pytest.raises(EnvironmentFault) as caught:
        images.fetch_wheels(lock, target)
    assert "stage: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(target.parent.iterdir()) == []


def test_torch_is_the_cpu_build_else_the_public_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which build an image gets follows from what pip finds; what was fetched before is taken again."""
    folders = images.stage_folders()
    assert images.needs_torch(folders["thigh_segmentation"])
    assert not images.needs_torch(folders["composition"])
    monkeypatch.setattr(images, "BUILD", tmp_path)
    found: list[str] = []

    def fetch(lock: Path, folder: Path) -> None:
        if lock.name == "torch-cpu.lock" and "cpu" not in found:
            raise EnvironmentFault("no such wheel")
        folder.mkdir(parents=True)

    monkeypatch.setattr(images, "fetch_wheels", fetch)
    builder = images._Builder(None, "cpu", False, lambda line: None)  # type: ignore[arg-type]
    assert builder._torch("x").name == "torch-cuda.lock"
    found.append("cpu")
    assert builder._torch("x").name == "torch-cpu.lock"
    images.wheelhouse(images.ROOT / "requirements" / "torch-cuda.lock").mkdir(parents=True)
    assert builder._torch("x").name == "torch-cuda.lock"


@pytest.fixture
def tag() -> Iterator[str]:
    name = "myorepro-test/tiny:1"
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], check=False, capture_output=True)


@pytest.mark.needs("images")
def test_image_is_reused_until_its_source_changes(tmp_path: Path, tag: str) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "Dockerfile").write_text("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY a.txt /a.txt\n")
    (folder / "a.txt").write_text("one")
    said: list[str] = []
    first, second = (build_folder(folder, tag, progress=said.append) for _ in range(2))
    assert (first.reused, second.reused) == (False, True)
    assert first.image_id == second.image_id
    assert len(said) == 1
    (folder / "a.txt").write_text("two")
    third = build_folder(folder, tag, progress=said.append)
    assert not third.reused
    assert third.image_id != first.image_id


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        (
            ["Reading lists", "OSError: [Errno 28] No space left on device", "SyntaxError: odd"],
            "OSError: [Errno 28] No",
        ),
        (["Get:1 a", "E: Unable to locate package x", "the command failed"], "E: Unable to locate"),
        (["one", "", "two "], "two"),
        ([], ""),
    ],
)
def test_the_first_complaint_is_the_cause(printed: list[str], cause: str) -> None:
    """A full disk once showed as the syntax error that came of it."""
    found = images.cause_of(printed)
    assert found.startswith(cause) and (cause != "" or found == "")


@pytest.mark.needs("images")
def test_unknown_base_image_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYOREPRO_BASE_IMAGE", "myorepro-test/Not A Name")
    with pytest.raises(EnvironmentFault, match="the container engine failed") as caught:
        images.build([], progress=lambda line: None)
    assert "\n" not in str(caught.value)


@pytest.mark.needs("images")
def test_failing_build_names_the_stage_in_one_line(tmp_path: Path, tag: str) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "Dockerfile").write_text("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN echo no such thing; exit 7\n")
    with pytest.raises(EnvironmentFault, match=r"^tiny: does not build: .*no such thing") as caught:
        build_folder(folder, tag)
    assert "\n" not in str(caught.value)
