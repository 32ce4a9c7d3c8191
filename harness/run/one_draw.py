"""One draw of a simulation: a phantom's cohort and the record of its truth, made in a worker process."""

from pathlib import Path
from typing import Any

import phantoms
from containers.contract.files import sha256_file, write_json
from containers.contract.record import Record, StageId
from harness.run.steps.task import read_phantom

TRUTH_STAGE = StageId(name="harness_draw", version="1.0.0")


def make_draw(
    phantom: str, parameters: dict[str, Any], inputs: dict[str, str], folder: Path
) -> dict[str, tuple[str, str]]:
    """Make a cohort in `folder/files` and its truth's record in `folder/truth`; runs in a worker process.

    inputs: stage input -> output of the phantom. Returns stage input -> (file name, SHA-256). Raises ItemFault.
    """
    files = folder / "files"
    files.mkdir(parents=True)
    phantoms.make(phantom, parameters, files)
    said = read_phantom(files / "phantom.json")
    wanted = {name: said["files"][output] for name, output in inputs.items()}
    for path in files.iterdir():
        if path.name not in wanted.values():
            path.unlink()
    record = Record(
        stage=TRUTH_STAGE, item="draw", status="ok", parameters=parameters, details={"truth": said["truth"]}
    )
    (folder / "truth").mkdir()
    write_json(folder / "truth" / "record.json", record.model_dump(mode="json"))
    (folder / "truth").chmod(0o755)
    return {name: (file, sha256_file(files / file)) for name, file in wanted.items()}
