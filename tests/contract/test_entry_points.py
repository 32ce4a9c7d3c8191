"""Every stage's program: a wrong request is refused before the libraries that take seconds are loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.runners.stages import module_of, stage_folders

ASK = """
import runpy, sys
sys.argv = ["stage", "run", sys.argv[1]]
try:
    runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
except SystemExit as end:
    print(end.code, *sorted({{"torch", "monai", "nnunetv2"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", sorted(set(stage_folders()) - {"r_reference"}))
def test_a_wrong_request_is_refused_before_a_network_is_loaded(name: str, tmp_path: Path) -> None:
    request = {"contract": "1.0", "stage": name, "items": [], "output": str(tmp_path / "out"), "no_such_field": 1}
    path = tmp_path / "request.json"
    path.write_text(json.dumps(request))
    code = ASK.format(module=module_of(stage_folders()[name]))
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["2"], done.stderr
    assert done.stderr.startswith(f"{name}: request: ") and done.stderr.count("\n") == 1
