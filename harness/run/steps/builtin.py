"""The steps that the harness does itself, each with a record of the same form as a stage's.

They make inputs (phantoms, imported files), truth and mutants of it, tables and pictures: nothing that a
paper claims. Each is a pure function of its task, run in a worker process, and cached like a stage's item.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import Fault, ItemFault
from containers.contract.files import sha256_file, write_json
from containers.contract.labels import THIGH_LABELS
from containers.contract.nifti import read_nifti
from containers.contract.record import ErrorInfo, Metric, Output, Record, StageId
from containers.contract.segmentation import read_segmentation, write_segmentation
from containers.contract.spec import declared_name
from containers.contract.table import write_table
from containers.contract.volume import Geometry, Volume, read_nrrd, write_nrrd

VERSION = "1.0.0"


@dataclass(frozen=True)
class Task:
    """One item of a built-in step."""

    kind: str
    """Kind of the step, by which the function that does it is found."""
    item: str
    """Identifier of the item."""
    inputs: dict[str, Path]
    """Files that the step reads, by name."""
    hashes: dict[str, str]
    """SHA-256 of each input, by name."""
    parameters: dict[str, Any]
    """Settings of the step, as they stand in the record."""


@dataclass
class Made:
    """What a task made."""

    files: dict[str, str] = field(default_factory=dict)
    """File name in the item's folder, by output name."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Scalar facts of the item for the record."""
    details: dict[str, Any] = field(default_factory=dict)
    """Further JSON for the record."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    """Numbers for the record, by name."""
    warnings: list[str] = field(default_factory=list)
    """Lines for the record that its readers must know."""


def perform(task: Task, folder: Path) -> None:
    """Do the task in an existing empty folder and write its record there. An item's fault becomes an error record."""
    try:
        made = _KINDS[task.kind](task, folder)
        outputs = {
            name: Output(path=file, sha256=sha256_file(folder / file), bytes=(folder / file).stat().st_size)
            for name, file in made.files.items()
        }
        record = Record(
            status="ok",
            outputs=outputs,
            facts=made.facts,
            details=made.details,
            metrics=made.metrics,
            warnings=made.warnings,
            **_common(task),
        )
    except Fault as fault:
        give_up(task, folder, fault)
    else:
        write_json(folder / "record.json", record.model_dump(mode="json"))


def give_up(task: Task, folder: Path, fault: Fault) -> None:
    """Write the error record of a task that could not be done."""
    kind: Any = fault.kind if fault.kind in ("input", "environment") else "internal"
    info = ErrorInfo(kind=kind, what=fault.what, where=fault.where, mend=fault.mend)
    record = Record(status="error", error=info, **_common(task))
    write_json(folder / "record.json", record.model_dump(mode="json"))


def _common(task: Task) -> dict[str, Any]:
    return {
        "stage": StageId(name=f"harness_{task.kind}", version=VERSION),
        "item": task.item,
        "inputs": task.hashes,
        "parameters": task.parameters,
    }


def _phantom(task: Task, folder: Path) -> Made:
    """A phantom's files, its facts, and its truth under `details`."""
    import phantoms

    phantoms.make(task.parameters["phantom"], task.parameters["parameters"], folder)
    said = json.loads((folder / "phantom.json").read_text(encoding="utf-8"))
    details = {"truth": said["truth"], "truth_precision": said.get("truth_precision", {})}
    return Made(files={**said["files"], "phantom": "phantom.json"}, facts=said["facts"], details=details)


def _truth_labels(task: Task, folder: Path) -> Made:
    """The phantom's labels at the voxel centres of `grid`."""
    import phantoms

    geometry = read_nrrd(task.inputs["grid"]).geometry
    labels = phantoms.truth_labels(task.inputs["phantom"], geometry)
    said = json.loads(task.inputs["phantom"].read_text(encoding="utf-8")).get("labels")
    names = {int(value): str(name) for value, name in said.items()} if said else THIGH_LABELS
    write_segmentation(folder / "labels.seg.nrrd", labels, geometry, names)
    return Made(files={"labels": "labels.seg.nrrd"})


def _truth_volume(task: Task, folder: Path) -> Made:
    """The image of a right (or with a fault, of a wrong) fusion on the grid of `grid`."""
    import phantoms

    geometry = read_nrrd(task.inputs["grid"]).geometry
    contrast = task.parameters["contrast"]
    data = phantoms.truth_volume(task.inputs["phantom"], geometry, contrast, task.parameters["fault"])
    write_nrrd(folder / "volume.nrrd", Volume(data, geometry, {"contrast": contrast}))
    return Made(files={"volume": "volume.nrrd"})


def _mutate_labels(task: Task, folder: Path) -> Made:
    """The labels with one seeded fault."""
    from phantoms.corrupt.labels import mutate_labels

    volume, names = read_segmentation(task.inputs["labels"])
    labels = np.asarray(volume.data, dtype=np.uint8)
    faulty = mutate_labels(labels, volume.geometry, task.parameters["fault"])
    write_segmentation(folder / "labels.seg.nrrd", faulty, volume.geometry, names)
    return Made(files={"labels": "labels.seg.nrrd"})


def _spoil_dicom(task: Task, folder: Path) -> Made:
    """A copy of the zip, with one fault or with none."""
    from phantoms.corrupt import dicom as bad_inputs

    source, target = task.inputs["source"], folder / task.inputs["source"].name
    if task.parameters["fault"] is None:
        shutil.copyfile(source, target)
    else:
        bad_inputs.make(task.parameters["fault"], source, target)
    return Made(files={"dicom_zip": target.name})


def _spoil_back(task: Task, folder: Path) -> Made:
    """Copies of a T2-weighted image and of its labels, with one fault in either or with none."""
    from phantoms.corrupt import back as haste_bad_inputs

    image = read_nrrd(task.inputs["image"])
    volume, names = read_segmentation(task.inputs["labels"])
    labels, fault = np.asarray(volume.data, dtype=np.uint8), task.parameters["fault"]
    if fault in haste_bad_inputs.LABEL_FAULTS:
        labels = haste_bad_inputs.spoil_labels(labels, fault)
    elif fault is not None:
        image = haste_bad_inputs.spoil_image(image, fault)
    write_nrrd(folder / "image.nrrd", image)
    write_segmentation(folder / "labels.seg.nrrd", labels, volume.geometry, names)
    return Made(files={"image": "image.nrrd", "labels": "labels.seg.nrrd"})


def _collect(task: Task, folder: Path) -> Made:
    """Tables of measured and expected values: a row for each item and structure, a column for each metric.

    A value is empty (null) in both tables where either is undefined.
    """
    wanted = task.parameters["metrics"]
    items = sorted(name.removeprefix("record.") for name in task.inputs if name.startswith("record."))
    bases = [name.removesuffix(".*") for name in wanted]
    measured: dict[str, list[Any]] = {name: [] for name in ("item", "structure", *bases)}
    expected: dict[str, list[Any]] = {name: [] for name in measured}
    for item in items:
        metrics = Record.model_validate_json(task.inputs[f"record.{item}"].read_bytes()).metrics
        truth = json.loads(task.inputs[f"phantom.{item}"].read_text(encoding="utf-8"))["truth"]
        rows = _rows(metrics, truth, wanted, task.parameters["truth_names"])
        for structure in sorted(set(rows) - set(task.parameters["leave_out"])):
            for table, side in ((measured, 0), (expected, 1)):
                table["item"].append(item)
                table["structure"].append(structure)
                for base in bases:
                    pair = rows[structure].get(base)
                    table[base].append(pair[side] if pair else None)
    empty = [base for base in bases if all(value is None for value in measured[base])]
    if empty:
        raise ItemFault("has no value that is both measured and true", where=empty[0], mend="mend the case's metrics")
    write_table(folder / "measured.parquet", measured)
    write_table(folder / "expected.parquet", expected)
    warnings = [f"left out: {item} has no result" for item in task.parameters["items_left_out"]]
    return Made(files={"measured": "measured.parquet", "expected": "expected.parquet"}, warnings=warnings)


def _sensitivity(task: Task, folder: Path) -> Made:
    """Errors against truth by condition."""
    from harness.run.steps.sensitivity import write_errors

    metrics = write_errors(task.inputs, task.parameters, folder / "errors.json")
    left_out = [(c["effect"], c["level"], item) for c in task.parameters["conditions"] for item in c["items_left_out"]]
    warnings = [f"left out: {item} has no result under {effect} {level}" for effect, level, item in left_out]
    return Made(files={"errors": "errors.json"}, metrics=metrics, warnings=warnings)


def _rows(
    metrics: dict[str, Metric], truth: dict[str, float], wanted: list[str], truth_names: dict[str, str]
) -> dict[str, dict[str, tuple[float, float]]]:
    """(measured, true) by structure and base name, where both are defined. A single metric's structure is `all`."""
    rows: dict[str, dict[str, tuple[float, float]]] = {}
    for name, metric in metrics.items():
        key = declared_name(dict.fromkeys(wanted, ""), name)
        if key is None:
            continue
        base = key.removesuffix(".*")
        structure = name.removeprefix(f"{base}.") if key.endswith(".*") else "all"
        true_name = truth_names.get(base, base) + (f".{structure}" if key.endswith(".*") else "")
        if metric.value is not None and true_name in truth:
            rows.setdefault(structure, {})[base] = (float(metric.value), float(truth[true_name]))
    return rows


def _import_nifti(task: Task, folder: Path) -> Made:
    """NIfTI (RAS, i fastest) as NRRD (LPS, (k, j, i)): the signs of x and y change. Only masks are resampled."""
    made = Made()
    grid: Geometry | None = None
    for name in task.parameters["volumes"]:
        volume = read_nifti(task.inputs[name])
        volume = Volume(np.asarray(volume.data, dtype=np.float32), volume.geometry)
        grid = volume.geometry if name == task.parameters["grid"] else grid
        write_nrrd(folder / f"{name}.nrrd", volume)
        made.files[name] = f"{name}.nrrd"
    if grid is None:
        raise ItemFault("is not among the volumes", where=f"grid {task.parameters['grid']}", mend="name a volume")
    for name in task.parameters["masks"]:
        labels = sample_nearest(read_nifti(task.inputs[name]), grid)
        write_segmentation(
            folder / f"{name}.seg.nrrd", (labels > 0).astype(np.uint8), grid, {1: task.parameters["structure"]}
        )
        made.files[name] = f"{name}.seg.nrrd"
    return made


def sample_nearest(volume: Volume, grid: Geometry) -> npt.NDArray[np.float32]:
    """Values of `volume` at the voxel centres of `grid` (k, j, i), nearest neighbour in mm; 0 outside it."""
    k, j, i = np.indices(grid.shape)
    centres = grid.position_mm(np.stack([i, j, k], axis=-1).reshape(-1, 3))
    index = np.rint(volume.geometry.index(centres)).astype(int)
    inside = np.all((index >= 0) & (index < np.array(volume.geometry.size)), axis=1)
    values = np.zeros(len(index), dtype=np.float32)
    at = index[inside]
    values[inside] = volume.data[at[:, 2], at[:, 1], at[:, 0]]
    return values.reshape(grid.shape)


def _compare(task: Task, folder: Path) -> Made:
    """How far two records agree, number by number."""
    from harness.run.steps.compare import compare, left_out, rows_as_json, summary

    left, right = (Record.model_validate_json(task.inputs[side].read_bytes()) for side in ("left", "right"))
    rows = compare(left, right)
    kept = [row for row in rows if not left_out(row.name, task.parameters["leave_out"])]
    metrics = summary(kept) | {"left_out": Metric(value=len(rows) - len(kept), unit="1")}
    write_json(folder / "differences.json", rows_as_json(kept, left.stage.name, right.stage.name))
    return Made(files={"differences": "differences.json"}, metrics=metrics)


def _simulation(task: Task, folder: Path) -> Made:
    """Performance of the estimates over the draws of a simulation."""
    from harness.run.steps.simulation import summarise

    return summarise(task, folder)


def _picture(task: Task, folder: Path) -> Made:
    """A PNG by the drawing function of its name; `evidence` is drawn into it."""
    from harness.pictures.registry import find

    draw = find(task.parameters["draw"]).draw
    # A kind has an overlay, an analysis, or neither: the case file says which.
    shown = [task.inputs[name] for name in ("volume", "overlay") if name in task.inputs]
    chosen = [task.parameters["analysis"]] if "analysis" in task.parameters else []
    draw(*shown, *chosen, folder / "picture.png", task.parameters["title"], task.parameters["evidence"])
    return Made(files={"picture": "picture.png"})


_KINDS: dict[str, Callable[[Task, Path], Made]] = {
    "phantom": _phantom,
    "truth_labels": _truth_labels,
    "truth_volume": _truth_volume,
    "mutate_labels": _mutate_labels,
    "spoil_dicom": _spoil_dicom,
    "spoil_back": _spoil_back,
    "collect": _collect,
    "sensitivity": _sensitivity,
    "import_nifti": _import_nifti,
    "compare": _compare,
    "simulation": _simulation,
    "picture": _picture,
}
