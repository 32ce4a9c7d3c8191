"""One item of the thigh segmentation stage. Weights are read once per job and stay in memory for all items."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from containers.contract.errors import ItemFault
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.thigh_segmentation.check import check_image
from containers.thigh_segmentation.checkpoint import SHIPPED, Checkpoint, load_checkpoint
from containers.thigh_segmentation.infer import refines, segment_prepared
from containers.thigh_segmentation.prepare import Prepared, can_compile, prepare
from containers.thigh_segmentation.qc import check_labels
from containers.thigh_segmentation.terminology import tag
from containers.toolkit.images.doubts import ON_PHANTOMS, doubts_fact, of_findings, read_doubts
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.turn import turn_of
from containers.toolkit.images.writing import ImageWriter
from containers.toolkit.networks.precision import computes_in_bfloat16, reduced
from containers.toolkit.runtime import cuda

BRIGHT_SHARE, DARK_SHARE = 0.01, 0.1
"""An image whose bright voxels lie in the lowest tenth of the weights' window was scaled, or is of another contrast."""

SATURATED_SHARE = 0.2
"""An image of which more lies over the weights' window was scaled, or is of another contrast: fat alone is less."""


@dataclass
class State:
    """What the job keeps between items."""

    reduced: bool
    """Whether layers compute in bfloat16."""
    device: str = "cpu"
    """Where the network computes: `cpu` or `cuda`."""
    checkpoints: dict[Path, tuple[Checkpoint, Prepared]] = field(default_factory=dict)
    """Checkpoint and the network made ready, by path."""

    @property
    def compiled(self) -> bool:
        """Whether networks are compiled: on a GPU, where there is a compiler."""
        return self.device == "cuda" and can_compile()

    def checkpoint(self, path: Path) -> tuple[Checkpoint, Prepared]:
        """The checkpoint at a path, read at its first use. Raises EnvironmentFault when it cannot serve."""
        if path not in self.checkpoints:
            checkpoint = load_checkpoint(path).on(self.device)
            prepared = prepare(checkpoint.unetr, self.reduced, compiled=self.compiled)
            self.checkpoints[path] = checkpoint, prepared
        return self.checkpoints[path]


def setup(job: Job) -> State:
    """Threads, arithmetic, and the shipped weights where they are there."""
    torch.set_num_threads(job.resources.threads)
    torch.use_deterministic_algorithms(True)
    device = job.resources.device
    # cuBLAS gives the same bytes twice only with a workspace of its own; it reads this at its first call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if device == "cuda":
        cuda.require("torch", where="resources.device")
    return State(reduced=reduced(device, job.parameters["precision"]), device=device)


def process(item: Item, job: Job, state: State, result: Result) -> None:
    """Segment one volume. Raises ItemFault for a volume that cannot be segmented."""
    writer = ImageWriter.of(item, job, result)
    with result.step("weights"):
        checkpoint, prepared = state.checkpoint(item.inputs.get("weights", SHIPPED))
        if "weights" not in item.inputs:
            result.warn("the shipped weights are trained on phantoms: labels of a scan of a person need other weights")
    with result.step("read"):
        path = item.inputs["volume"]
        volume = read_volume(path, result.warn)
        check_image(volume, path.name)
        turn = turn_of(volume.geometry)
        low, high = checkpoint.config.preprocessing.window
        if float(volume.data.max()) <= low or float(volume.data.min()) >= high:
            raise ItemFault(
                f"has no value between {low:g} and {high:g}, the window of the weights",
                where=path.name,
                fix="give stored scanner values of the right contrast",
            )
        if np.count_nonzero(np.greater(volume.data, high)) > SATURATED_SHARE * volume.data.size:
            result.warn(
                f"bright image: more than {100 * SATURATED_SHARE:g} % of its values are over {high:g}, the upper end of"
                " what the weights expect; give stored scanner values, not scaled ones"
            )
        dark = low + DARK_SHARE * (high - low)
        if np.count_nonzero(np.greater_equal(volume.data, dark)) < BRIGHT_SHARE * volume.data.size:
            result.warn(
                f"dark image: fewer than {100 * BRIGHT_SHARE:g} % of its values reach {dark:.3g}; the weights expect"
                f" {low:g} to {high:g}; give stored scanner values, not scaled ones"
            )
    second_pass = bool(job.parameters["second_pass"])
    with result.step("network"):
        found = segment_prepared(
            checkpoint,
            prepared,
            turn.apply(volume.data),
            turn.spacing_mm,
            overlap=float(job.parameters["overlap"]),
            reduced=state.reduced,
            second_pass=second_pass,
            skip_air=bool(job.parameters["skip_air"]),
        )
        labels = found.labels
    with result.step("quality"):
        check_labels(labels, volume.geometry.voxel_cm3, checkpoint.labels, result)
    result.details["model"] = {
        "configuration": checkpoint.config.name,
        "weights_sha256": checkpoint.sha256,
        "arithmetic": "bfloat16" if state.reduced else "float32",
        "compiled": state.compiled,
        "second_pass": second_pass and refines(checkpoint, turn.spacing_mm),
        "patches": found.patches,
        "patches_with_air": found.patches_of_all,
    }
    with result.step("write"):
        tags = {value: tag(name) for value, name in checkpoint.labels.items()}
        doubts = [*read_doubts(volume.facts), *of_findings(result.details["quality"]["findings"])]
        if "weights" not in item.inputs:
            doubts.append(ON_PHANTOMS)
        turned = turn.undo(labels)
        writer.labels("labels", turned, volume.geometry, checkpoint.labels, tags, doubts_fact(doubts))


def capabilities() -> dict[str, Any]:
    """What `describe` says of this installation."""
    return {
        "bfloat16": computes_in_bfloat16(),
        "shipped_weights": SHIPPED.is_file(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
