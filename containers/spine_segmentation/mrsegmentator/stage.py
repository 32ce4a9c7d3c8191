"""One item of the MRSegmentator stage: MRSegmentator's reader and nnU-Net's predictor with MRSegmentator's settings.

MRSegmentator's own `infer` builds the predictor again for every call; here it is kept for all items of the job. What
`infer` sets is set here: steps of 0.5 with mirroring over five folds, or in fast mode steps of 0.8 without, one fold.
"""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from containers.contract.errors import EnvironmentFault, Fault
from containers.contract.request import Item, load_request
from containers.contract.stage import Job, Result
from containers.spine_segmentation.check import check_image
from containers.spine_segmentation.mrsegmentator.weights import CHECKPOINT, LABELS, check_folder, folds_of
from containers.spine_segmentation.qc import check_labels
from containers.spine_segmentation.terminology import tag
from containers.toolkit.images.doubts import doubts_fact, of_findings, read_doubts
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.turn import turn_of
from containers.toolkit.images.volume import Volume, read_nrrd, write_nrrd
from containers.toolkit.images.writing import ImageWriter
from containers.toolkit.runtime import cuda

NAMES = dict(enumerate(LABELS.values(), start=1))


@dataclass
class State:
    """What the job keeps between items."""

    device: str
    """Where the networks compute: `cpu` or `cuda`."""
    fast: bool
    """Whether one fold takes the place of the ensemble."""
    predictors: dict[Path, tuple[Any, str]] = field(default_factory=dict)
    """Predictor and SHA-256 of its checkpoint, by model folder."""

    def predictor(self, folder: Path) -> tuple[Any, str]:
        """nnU-Net's predictor for a model folder. Raises EnvironmentFault for one that cannot serve."""
        if folder not in self.predictors:
            digest = check_folder(folder, self.fast)
            self.predictors[folder] = (make_predictor(folder, self.device, self.fast), digest)
        return self.predictors[folder]


def make_predictor(folder: Path, device: str, fast: bool) -> Any:
    """The predictor as MRSegmentator's `infer` makes it. Raises EnvironmentFault when nnU-Net cannot read the model."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    with contextlib.redirect_stdout(io.StringIO()):
        predictor = nnUNetPredictor(
            tile_step_size=0.8 if fast else 0.5, use_gaussian=True, use_mirroring=not fast,
            device=torch.device(device), verbose=False, verbose_preprocessing=False, allow_tqdm=False,
        )  # fmt: skip
        try:
            predictor.initialize_from_trained_model_folder(str(folder), folds_of(fast), CHECKPOINT)
        except Exception as error:  # nnU-Net raises many kinds for a folder that is not its own
            line = " ".join(str(error).split())[:120]
            raise EnvironmentFault(
                f"is not a model that nnU-Net reads ({type(error).__name__}: {line})",
                where="weights",
                fix="copy it again",
            ) from error
    return predictor


def setup_for(request: Path | None) -> Callable[[Job], State]:
    """The job's setup. It ends the job with status 3 when no item has a model folder: nothing could be segmented."""

    def setup(job: Job) -> State:
        torch.set_num_threads(job.resources.threads)
        torch.use_deterministic_algorithms(True)
        os.environ.update({f"nnUNet_{name}": "unused" for name in ("raw", "preprocessed", "results")})
        fast = bool(job.parameters["fast"])
        if job.resources.device == "cuda":
            cuda.require("torch", where="resources.device")
        if request is not None:
            faults = [_fault_of(item.inputs["weights"], fast) for item in load_request(request).items]
            if all(fault is not None for fault in faults):
                raise next(fault for fault in faults if fault is not None)
        if find_spec("mrsegmentator") is None:
            raise EnvironmentFault("is not installed", where="mrsegmentator", fix="run this stage from its image")
        return State(job.resources.device, fast)

    return setup


def _fault_of(folder: Path, fast: bool) -> Fault | None:
    try:
        check_folder(folder, fast)
    except Fault as fault:
        return fault
    return None


def process(item: Item, job: Job, state: State, result: Result) -> None:
    """Segment one volume. Raises ItemFault for a volume that cannot be segmented."""
    from mrsegmentator.simpleitk_reader_writer import SimpleITKIO

    writer = ImageWriter.of(item, job, result)
    with result.step("weights"):
        predictor, digest = state.predictor(item.inputs["weights"])
    with result.step("read"):
        path = item.inputs["volume"]
        volume = read_volume(path, result.warn, finite=True)
        turn = turn_of(volume.geometry)
        check_image(volume, turn, path.name)
    with result.step("network"), tempfile.TemporaryDirectory() as folder:
        # MRSegmentator's reader turns the image to LPS and its writer turns the labels back.
        image, labels = Path(folder) / "image.nrrd", Path(folder) / "labels.nrrd"
        write_nrrd(image, Volume(np.asarray(volume.data, dtype=np.float32), volume.geometry))
        data, properties = SimpleITKIO().read_image(str(image))
        with contextlib.redirect_stdout(io.StringIO()):
            found = predictor.predict_single_npy_array(data, properties)
        SimpleITKIO().write_seg(found, str(labels), properties)
        table = np.zeros(256, dtype=np.uint8)
        table[list(LABELS)] = list(NAMES)
        segmented = table[np.asarray(read_nrrd(labels).data)]
    with result.step("quality"):
        turned = np.ascontiguousarray(turn.apply(segmented)).astype(np.uint8)
        check_labels(turned, volume.geometry.voxel_cm3, NAMES, result)
    result.details["model"] = {"folds": list(folds_of(state.fast)), "weights_sha256": digest}
    with result.step("write"):
        tags = {value: tag(name) for value, name in NAMES.items()}
        doubts = doubts_fact([*read_doubts(volume.facts), *of_findings(result.details["quality"]["findings"])])
        writer.labels("labels", segmented, volume.geometry, NAMES, tags, doubts)


def capabilities() -> dict[str, Any]:
    """What `describe` says of this installation."""
    try:
        installed = version("mrsegmentator")
    except PackageNotFoundError:
        installed = "missing"
    return {"mrsegmentator": installed, "nnunetv2": version("nnunetv2"), "torch": torch.__version__}
