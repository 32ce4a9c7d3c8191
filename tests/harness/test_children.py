"""Child processes end with their block and with their parent, however that ends, and take along what they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.project import ROOT
from harness.runners import children

PROGRAM = "sleep 61 & sleep 60"
HARNESS = f"""
import time
from pathlib import Path
from harness.runners import children
with children.started(["sh", "-c", "{PROGRAM}"]):
    time.sleep(60)
"""
WORKERS = """
import sys, time
from pathlib import Path
from harness.run.workers import Workers
from tests.harness import dying
folder = Path(sys.argv[1])
if __name__ == "__main__":
    with Workers(2) as workers:
        workers.submit(folder, dying.wait_for, folder, "never").result()
"""
BENCH = """
import sys
from pathlib import Path
from harness.bench.process import Budget, opened
from harness.bench.suite import Asked
with opened(Path(sys.argv[1]), "row", {"name": "m"}, Asked(1), Budget(1, 1)):
    pass
"""


class Tree:
    """A process that the test starts, and all that it started."""

    def __init__(self, line: list[str], cwd: Path) -> None:
        self.root = subprocess.Popen(line, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)})
        self.found: list[psutil.Process] = []

    def wait_for(self, *words: str) -> None:
        """Until a descendant runs for each word in a command line."""
        end = time.monotonic() + 60
        lines: list[str] = []
        while not all(any(word in line for line in lines) for word in words):
            assert time.monotonic() < end and self.root.poll() is None, lines
            time.sleep(0.05)
            with suppress(psutil.NoSuchProcess):
                self.found = psutil.Process(self.root.pid).children(recursive=True)
                lines = [" ".join(process.cmdline()) for process in self.found]

    def left_after_kill(self) -> list[str]:
        """Command lines of those that live on when the first process is killed by SIGKILL."""
        self.root.send_signal(signal.SIGKILL)
        self.root.wait()
        _, alive = psutil.wait_procs(self.found, 10)
        return [" ".join(process.cmdline()) for process in alive]


@pytest.fixture
def trees() -> Iterator[list[Tree]]:
    """Ended by the test's end."""
    made: list[Tree] = []
    yield made
    for tree in made:
        for process in [*tree.found, tree.root]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        tree.root.wait()


@pytest.mark.parametrize("way", ["child", "bench", "workers"])
def test_nothing_outlives_a_parent_that_is_killed(way: str, tmp_path: Path, trees: list[Tree]) -> None:
    script = tmp_path / "script.py"
    script.write_text({"child": HARNESS, "bench": BENCH, "workers": WORKERS}[way], encoding="utf-8")
    busy = tmp_path / "busy.py"
    busy.write_text(f"import subprocess; subprocess.run(['sh', '-c', '{PROGRAM}'])", encoding="utf-8")
    argument = busy if way == "bench" else tmp_path
    tree = Tree([sys.executable, str(script), str(argument)], tmp_path)
    trees.append(tree)
    if way == "workers":
        tree.wait_for("spawn_main", "resource_tracker")
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
    else:
        tree.wait_for("sleep 60", "sleep 61", "guard.py")
    assert len(tree.found) >= 3
    assert tree.left_after_kill() == []


def test_a_guard_that_was_killed_is_replaced(tmp_path: Path, trees: list[Tree]) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal, time\n"
        "from harness.runners import children\n"
        "with children.started(['sleep', '60']):\n"
        "    guard = children._guard._process\n"
        "    guard.kill(); guard.wait()\n"
        "    with children.started(['sleep', '61']):\n"
        "        time.sleep(60)\n",
        encoding="utf-8",
    )
    tree = Tree([sys.executable, str(script)], tmp_path)
    trees.append(tree)
    tree.wait_for("sleep 60", "sleep 61", "guard.py")
    time.sleep(0.3)
    tree.wait_for("guard.py")
    assert tree.left_after_kill() == []


def test_the_guard_ends_with_a_process_that_ends_well(tmp_path: Path) -> None:
    code = (
        "from harness.runners import children\n"
        "assert children.run(['echo', 'done'], seconds=30).stdout == 'done\\n'\n"
        "print(children._guard._process.pid)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stderr == "" and not psutil.pid_exists(int(said.stdout))


def test_a_child_and_what_it_started_end_with_the_block() -> None:
    with children.started(["sh", "-c", PROGRAM]) as child:
        found: list[psutil.Process] = []
        while len(found) < 2:
            found = psutil.Process(child.pid).children()
            time.sleep(0.01)
    assert child.returncode == -signal.SIGKILL
    assert psutil.wait_procs(found, 10)[1] == []


def test_a_program_that_is_too_slow_or_missing() -> None:
    start = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        children.run(["sh", "-c", PROGRAM], seconds=0.2)
    assert time.monotonic() - start < 20
    with pytest.raises(FileNotFoundError):
        children.run(["no-such-program"], seconds=1)
