"""Inference: nnU-Net's preprocessing and sliding window, and a return to the native grid without its memory.

nnU-Net resamples the logits of all classes to the native grid at once, in float64: for a trunk with 5 channels several
times the volume, for whole-body models tens of gigabytes. Here the probabilities go to the native grid in slabs of
SLAB slices, and only their largest class is kept. The grid positions are those of nnU-Net (skimage's `resize`: the two
grids share their outer faces). Arrays are turned (z, y, x); see `toolkit.images.turn`.
"""

import contextlib
import io

import numpy as np
import numpy.typing as npt
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from torch import Tensor, nn

from containers.spine_segmentation.model import Model

SLAB = 8
"""Native slices that are interpolated at once."""


class InPrecision(nn.Module):  # type: ignore[misc]
    """A network that computes in bfloat16 (`reduced`) or float32, whatever surrounds it, and gives float32.

    nnU-Net's predictor sets float16 on CUDA and nothing on a CPU.
    """

    def __init__(self, network: nn.Module, reduced: bool) -> None:
        super().__init__()
        self.network, self.reduced = network, reduced

    def forward(self, image: Tensor) -> Tensor:
        """Logits (1, classes, z, y, x) of an image (1, 1, z, y, x)."""
        with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=self.reduced):
            logits: Tensor = self.network(image)
        return logits.float()


def predictor_of(model: Model, device: str, overlap: float, reduced: bool) -> nnUNetPredictor:
    """nnU-Net's predictor for a model. No mirroring: sides have labels of their own. overlap: share of a patch."""
    with contextlib.redirect_stdout(io.StringIO()):  # it comments on the device
        predictor = nnUNetPredictor(
            tile_step_size=1 - overlap, use_gaussian=True, use_mirroring=False,
            perform_everything_on_device=device != "cpu", device=torch.device(device), allow_tqdm=False,
        )  # fmt: skip
    network = InPrecision(model.network, reduced).to(device).eval()
    predictor.manual_initialization(
        network, model.plans, model.configuration, None, model.dataset, "nnUNetTrainer", None
    )
    return predictor


def working_logits(
    model: Model, predictor: nnUNetPredictor, data: npt.NDArray[np.generic], spacing_mm: tuple[float, float, float]
) -> tuple[Tensor, list[list[int]]]:
    """Logits (classes, z, y, x) in float16 on the working grid, and the box [first, last) of the volume they cover."""
    properties = {"spacing": list(spacing_mm)}
    image, _, properties = DefaultPreprocessor(verbose=False).run_case_npy(
        np.asarray(data, dtype=np.float32)[None], None, properties, model.plans, model.configuration, model.dataset
    )
    logits: Tensor = predictor.predict_sliding_window_return_logits(torch.from_numpy(image))
    box: list[list[int]] = properties["bbox_used_for_cropping"]
    return logits.cpu(), box


def along(native: int, working: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each native voxel of an axis: its lower and upper working neighbours and the weight of the upper one."""
    place = np.clip((np.arange(native) + 0.5) * (working / native) - 0.5, 0, working - 1)
    lower = np.minimum(place.astype(np.int64), max(working - 2, 0))
    upper = np.minimum(lower + 1, working - 1)
    return torch.from_numpy(lower), torch.from_numpy(upper), torch.from_numpy((place - lower).astype(np.float32))


def native_labels(logits: Tensor, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Labels on a grid of `shape` (z, y, x) from logits on the working grid: trilinear probabilities, the largest."""
    labels = np.empty(shape, dtype=np.uint8)
    low_z, high_z, weight_z = along(shape[0], logits.shape[1])
    low_y, high_y, weight_y = along(shape[1], logits.shape[2])
    low_x, high_x, weight_x = along(shape[2], logits.shape[3])
    for start in range(0, shape[0], SLAB):
        part = slice(start, start + SLAB)
        first, last = int(low_z[part][0]), int(high_z[part][-1])
        found = logits[:, first : last + 1].float().softmax(dim=0)
        found = torch.lerp(found[:, :, low_y], found[:, :, high_y], weight_y[:, None])
        found = torch.lerp(found[..., low_x], found[..., high_x], weight_x)
        weight = weight_z[part][:, None, None]
        found = torch.lerp(found[:, low_z[part] - first], found[:, high_z[part] - first], weight)
        labels[part] = found.argmax(dim=0).to(torch.uint8).numpy()
    return labels


def segment(
    model: Model,
    data: npt.NDArray[np.generic],
    spacing_mm: tuple[float, float, float],
    *,
    overlap: float = 0.5,
    reduced: bool = True,
    device: str = "cpu",
) -> npt.NDArray[np.uint8]:
    """Labels (z, y, x) of a turned volume on its own grid. spacing_mm: along (z, y, x)."""
    with torch.inference_mode():
        predictor = predictor_of(model, device, overlap, reduced)
        logits, box = working_logits(model, predictor, data, spacing_mm)
        inner = native_labels(logits, tuple(last - first for first, last in box))  # type: ignore[arg-type]
    labels = np.zeros(data.shape, dtype=np.uint8)
    labels[tuple(slice(first, last) for first, last in box)] = inner
    return labels
