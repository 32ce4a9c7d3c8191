"""A stage may be anybody's: what it leaves in its output folder never makes the harness touch anything else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from containers.contract.files import write_json
from harness.run.checks import evaluate
from harness.run.store import PROVENANCE, SEAL, Store, key_of, unsafe
from harness.runners.base import Call, Exit, StageHandle
from harness.runners.process import ProcessRunner
from tests.harness.conftest import STAGES, Runs, lines_case
from tests.harness.test_store import item, put

AFTER = """
    status = main(Path(__file__).parent / "stage.toml", process)
    import json
    folder = next(p for p in Path(json.loads(Path(sys.argv[2]).read_text())["output"]).iterdir() if p.is_dir())
    record = json.loads((folder / "record.json").read_text())
    {trick}
    (folder / "record.json").write_text(json.dumps(record))
    sys.exit(status)
"""

TRICKS = {
    "provenance is a link": ('(folder / "provenance.json").symlink_to({victim!r})', "not a regular file"),
    "output is a link": (
        '(folder / "copy.txt").unlink(); (folder / "copy.txt").symlink_to({victim!r})',
        "not a regular",
    ),
    "hard link": ('os.link({victim!r}, folder / "timing2.json")', "hard link"),
    "a pipe": ('os.mkfifo(folder / "pipe")', "not a regular file"),
    "a folder": ('(folder / "more").mkdir()', "not a regular file"),
    "undeclared file": ('(folder / "notes.txt").write_text("x")', "notes.txt is not an output"),
    "another seed": ('record["seed"] = 77', "record.seed"),
    "other parameters": ('record["parameters"] = {{"factor": 999}}', "record.parameters"),
    "other facts": ('record["facts"] = {{"height_m": 2.0}}', "record.facts"),
    "no output": ('record["outputs"] = {{}}; (folder / "copy.txt").unlink()', "required output 'copy' is missing"),
    "metric is NaN": ('record["metrics"]["lines"]["value"] = float("nan")', "finite number"),
}


class AtTheEnd(ProcessRunner):
    """Takes items only when the stage has ended: what it does to a finished item is then in time."""

    def execute(self, handle: StageHandle, call: Call) -> Exit:
        call.tick = lambda isolation: None
        return super().execute(handle, call)


@pytest.mark.parametrize("trick", TRICKS)
def test_the_item_is_refused_and_nothing_else_is_touched(run_case: Runs, tmp_path: Path, trick: str) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    owner = victim.stat().st_uid
    stage = tmp_path / "lines"
    stage.mkdir()
    code, says = TRICKS[trick]
    source = (STAGES / "lines" / "__main__.py").read_text()
    last = '    sys.exit(main(Path(__file__).parent / "stage.toml", process))\n'
    assert last in source
    (stage / "__main__.py").write_text(
        source.replace(last, AFTER.format(trick=code.format(victim=str(victim)))), encoding="utf-8"
    )
    (stage / "stage.toml").write_text((STAGES / "lines" / "stage.toml").read_text())
    case = lines_case({"a": ""}, steps={"count": {"kind": "stage", "stage": "lines", "inputs": {"text": "texts.text"}}})
    run = run_case({"a": "one\ntwo\n"}, case=case, runner=AtTheEnd({"lines": stage}))
    outcome = run.outcomes["count"]["a"]
    assert outcome.status == "missing"
    assert "the stage broke its contract" in outcome.line and says in outcome.line
    assert victim.read_text() == "precious" and victim.stat().st_uid == owner and victim.stat().st_nlink <= 2
    assert all(check.broken for check in evaluate(run))


def test_an_item_folder_that_is_a_link_is_unsafe(tmp_path: Path) -> None:
    item(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert unsafe(tmp_path / "real") is None
    assert unsafe(tmp_path / "link") == "the item's folder is not a folder"


@pytest.mark.parametrize("file", ["record.json", PROVENANCE, SEAL])
def test_an_altered_entry_is_dropped_though_its_outputs_are_whole(tmp_path: Path, file: str) -> None:
    store, key = Store(tmp_path / "cache"), key_of({"x": 3})
    entry = put(store, key, tmp_path / "job")
    assert store.get(key) == entry
    value = json.loads((entry.folder / file).read_text())
    write_json(entry.folder / file, {**value, "contract" if file == "record.json" else "runner": "1.9"})
    assert store.get(key) is None


def test_an_entry_under_another_key_is_dropped(tmp_path: Path) -> None:
    store, key, other = Store(tmp_path / "cache"), key_of({"x": 4}), key_of({"x": 5})
    entry = put(store, key, tmp_path / "job")
    place = tmp_path / "cache" / other[:2] / other
    place.parent.mkdir(parents=True, exist_ok=True)
    entry.folder.rename(place)
    assert store.get(other) is None


def test_private_umask_stays_private(tmp_path: Path) -> None:
    # The umask is read once, when the program starts: ask a new process.
    code = (
        "from pathlib import Path; from containers.contract.files import *\n"
        f"write_text(Path({str(tmp_path / 'a')!r}), 'x')\n"
        f"with replacing_folder(Path({str(tmp_path / 'f')!r})): pass\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, umask=0o077)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o700
