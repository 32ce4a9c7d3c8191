"""One item of the spine segmentation stage. A model is read once per job and stays in memory for all items."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from containers.contract.request import Item, load_request
from containers.contract.stage import Job, Result
from containers.spine_segmentation.check import check_image
from containers.spine_segmentation.infer import segment
from containers.spine_segmentation.model import FILE, SHIPPED, Model, check_present, load_model
from containers.spine_segmentation.postprocessing import largest_parts
from containers.spine_segmentation.qc import check_labels
from containers.spine_segmentation.terminology import tag
from containers.toolkit.images.doubts import ON_PHANTOMS, doubts_fact, of_findings, read_doubts
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.turn import turn_of
from containers.toolkit.images.writing import ImageWriter
from containers.toolkit.networks.precision import computes_in_bfloat16, reduced
from containers.toolkit.runtime import cuda


@dataclass
class State:
    """What the job keeps between items."""

    reduced: bool
    """Whether layers compute in bfloat16."""
    device: str = "cpu"
    """Where the network computes: `cpu` or `cuda`."""
    models: dict[Path, Model] = field(default_factory=dict)
    """The models that were read, by folder."""

    def model(self, folder: Path) -> Model:
        """The model of a folder, read at its first use. Raises EnvironmentFault when it cannot serve."""
        if folder not in self.models:
            self.models[folder] = load_model(folder)
        return self.models[folder]


def setup_for(request: Path | None) -> Callable[[Job], State]:
    """The job's setup: threads and arithmetic. It ends the job with status 3 when no item has any weights.

    request: the request file, to see which items name weights; None: each item answers for itself.
    """

    def setup(job: Job) -> State:
        torch.set_num_threads(job.resources.threads)
        torch.use_deterministic_algorithms(True)
        device = job.resources.device
        if device == "cuda":
            cuda.require("torch", where="resources.device")
        if request is not None and not any("weights" in item.inputs for item in load_request(request).items):
            check_present(SHIPPED)
        return State(reduced=reduced(device, job.parameters["precision"]), device=device)

    return setup


def process(item: Item, job: Job, state: State, result: Result) -> None:
    """Segment one volume. Raises ItemFault for a volume that cannot be segmented."""
    writer = ImageWriter.of(item, job, result)
    with result.step("weights"):
        model = state.model(item.inputs.get("weights", SHIPPED))
    with result.step("read"):
        path = item.inputs["volume"]
        volume = read_volume(path, result.warn)
        turn = turn_of(volume.geometry)
        check_image(volume, turn, path.name)
    with result.step("network"):
        found = segment(
            model,
            turn.apply(volume.data),
            turn.spacing_mm,
            overlap=float(job.parameters["overlap"]),
            reduced=state.reduced,
            device=state.device,
        )
    with result.step("quality"):
        keep_largest = model.keep_largest if job.parameters["postprocessing"] == "model" else []
        labels = largest_parts(found, keep_largest)
        check_labels(labels, volume.geometry.voxel_cm3, model.labels, result, raw=found)
    result.details["model"] = {
        "keep_largest": keep_largest,
        "plans": model.plans.plans_name,
        "weights_sha256": model.sha256,
        "arithmetic": "bfloat16" if state.reduced else "float32",
    }
    with result.step("write"):
        tags = {value: tag(name) for value, name in model.labels.items()}
        doubts = [*read_doubts(volume.facts), *of_findings(result.details["quality"]["findings"])]
        if "weights" not in item.inputs:
            doubts.append(ON_PHANTOMS)
        turned = turn.undo(labels)
        writer.labels("labels", turned, volume.geometry, model.labels, tags, doubts_fact(doubts))


def capabilities() -> dict[str, Any]:
    """What `describe` says of this installation."""
    return {
        "bfloat16": computes_in_bfloat16(),
        "shipped_weights": (SHIPPED / FILE).is_file(),
        "torch": torch.__version__,
        "nnunetv2": version("nnunetv2"),
    }
