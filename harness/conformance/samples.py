"""Sample inputs for any stage, made by the kind of its ports: good ones, corrupt ones and ones that do not exist.

All volumes and label maps share one grid, so that a stage that wants them to match is content. A port of kind
`path` named `dicom` gets a small phantom participant; any other gets a text file. The corrupt file is the same
for every kind: bytes of no format, which are no UTF-8 either. For an input of kind `path` they may be good ones:
whether they are bad only the stage's author knows, who can give a bad file.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from containers.contract.errors import RequestFault
from containers.contract.spec import Port, StageSpec
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.tables.table import write_table
from harness.run.one_stage import fact_value

CORRUPT = b"\x89\xfe\x00\xffthis is of no format\x00" * 40
GRID = Geometry(size=(28, 24, 16), spacing_mm=(3.0, 3.0, 4.0), origin_mm=(-42.0, -36.0, 10.0))


@dataclass(frozen=True)
class Sample:
    """Inputs for a test of a stage."""

    inputs: dict[str, Path]
    """Good files, by input name."""
    corrupt: dict[str, Path]
    """Files under the same names, of which at least one is bad."""
    facts: dict[str, Any]
    """Facts of the item, by name."""
    said: str
    """What is bad, in words."""
    certain: bool
    """Whether any stage must refuse the bad one."""


def samples(
    spec: StageSpec, given: dict[str, Path], facts: dict[str, str], folder: Path, bad: dict[str, Path] | None = None
) -> Sample:
    """Make samples for every input that is not given. Raises RequestFault for an input that cannot be made up.

    bad: files that the stage must refuse, by input; without any, every input of the corrupt item is CORRUPT.
    """
    bad = bad or {}
    for option, files in (("--input", given), ("--bad-input", bad)):
        for name, path in files.items():
            if name not in spec.inputs:
                known = f"known: {', '.join(spec.inputs)}"
                raise RequestFault(f"stage {spec.name} has no input {name!r}", where=option, fix=known)
            if not path.exists():
                raise RequestFault("does not exist", where=str(path), fix=f"give the path of input {name}")
    # With samples given by hand the stage is run on those alone: an optional input made up might not fit them.
    # Nor can an optional path: only its stage knows what it holds.
    wanted = {
        name: port
        for name, port in spec.inputs.items()
        if port.required or name in bad or (not given and port.kind != "path")
    }
    inputs = dict(given)
    for name, port in wanted.items():
        if name not in inputs:
            (folder / "good" / name).mkdir(parents=True)
            inputs[name] = _good(name, port, folder / "good" / name)
    corrupt = {}
    for name, path in inputs.items():
        place = folder / "corrupt" / name / path.name
        place.parent.mkdir(parents=True)
        place.write_bytes(CORRUPT)
        corrupt[name] = place
    said = f"{len(CORRUPT)} bytes of no format, no UTF-8, for " + ", ".join(
        f"{name} (kind {spec.inputs[name].kind})" for name in inputs
    )
    if bad:
        corrupt = inputs | bad
        said = ", ".join(f"{path.name} for {name}" for name, path in bad.items())
    certain = bool(bad) or any(spec.inputs[name].kind != "path" for name in inputs)
    values: dict[str, Any] = {name: 1.7 for name, fact in spec.facts.items() if fact.required}
    values |= {name: fact_value(text) for name, text in facts.items()}
    return Sample(inputs, corrupt, values, said, certain)


def _good(name: str, port: Port, folder: Path) -> Path:
    seed = np.random.default_rng(sum(name.encode()))
    if port.kind == "path" and name == "dicom":
        return _phantom(folder)
    if port.kind == "path":
        path = folder / "sample.txt"
        path.write_text("a sample input\nof two lines\n", encoding="utf-8")
        return path
    if port.kind == "volume":
        path = folder / "sample.nrrd"
        data = seed.normal(200.0, 20.0, GRID.shape).clip(1.0, None).astype(np.float32)
        write_nrrd(path, Volume(data, GRID))
        return path
    if port.kind == "segmentation":
        path = folder / "sample.seg.nrrd"
        labels = (np.indices(GRID.shape)[2] % (max(THIGH_LABELS) + 1)).astype(np.uint8)
        write_segmentation(path, labels, GRID, THIGH_LABELS)
        return path
    if port.kind == "table":
        path = folder / "sample.parquet"
        write_table(path, {"item": ["a", "b", "c", "d"], "value": [float(v) for v in seed.normal(5.0, 1.0, 4)]})
        return path
    if port.kind == "json":
        path = folder / "sample.json"
        path.write_text(json.dumps({"schema_version": "1.0"}), encoding="utf-8")
        return path
    raise RequestFault(
        f"cannot be made up for kind {port.kind}", where=f"input {name}", fix=f"give one with --input {name}=PATH"
    )


def _phantom(folder: Path) -> Path:
    import phantoms

    phantoms.make("ukb_participant", {"preset": "small", "seed": 5}, folder)
    said = json.loads((folder / "phantom.json").read_text(encoding="utf-8"))
    path = folder / str(said["files"]["dicom_zip"])
    (folder / "phantom.json").unlink()
    return path
