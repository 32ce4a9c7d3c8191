"""The way to labels on the native grid, against scikit-image and against nnU-Net's own."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.transform import resize

from containers.spine_segmentation.infer import native_labels, predictor_of, segment
from containers.spine_segmentation.model import load_model
from containers.toolkit.images.volume import Geometry
from tests.spine_segmentation.people import person

SHAPES = [((7, 9, 11), (7, 9, 11)), ((7, 9, 11), (19, 30, 24)), ((20, 16, 12), (9, 40, 7)), ((1, 6, 6), (5, 6, 13))]


@pytest.mark.parametrize(("working", "native"), SHAPES)
def test_labels_are_the_largest_of_the_interpolated_probabilities(
    working: tuple[int, int, int], native: tuple[int, int, int]
) -> None:
    """scikit-image's `resize` of order 1 is what nnU-Net resamples with; ties within rounding may fall either way."""
    torch.manual_seed(0)
    logits = (3 * torch.randn(5, *working)).half()
    probability = logits.double().softmax(0).numpy()
    truth = np.stack([resize(p, native, order=1, mode="edge", anti_aliasing=False) for p in probability])
    found = native_labels(logits, native)
    assert found.shape == native and found.dtype == np.uint8
    lost = truth.max(0) - np.take_along_axis(truth, found[None].astype(np.int64), 0)[0]
    assert lost.max() < 1e-5 and len(np.unique(found)) == 5


def test_on_the_working_grid_labels_equal_those_of_nnunet(tiny_run: Path) -> None:
    """Nothing is resampled there: nnU-Net's predictor, with its own export, must give the same voxels."""
    model = load_model(tiny_run)
    volume, _ = person(20, Geometry((48, 40, 12), (8.0, 8.0, 15.0), (-188.0, -156.0, -300.0)))
    data = volume.data.astype(np.float32)
    ours = segment(model, data, (15.0, 8.0, 8.0), reduced=False)
    predictor = predictor_of(model, "cpu", 0.5, False)
    predictor.list_of_parameters = [predictor.network.state_dict()]
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = predictor.predict_single_npy_array(data[None], {"spacing": [15.0, 8.0, 8.0]})
    assert np.array_equal(ours, theirs)
    assert len(np.unique(ours)) > 2


def test_empty_margins_are_cut_off_and_put_back(tiny_run: Path) -> None:
    model = load_model(tiny_run)
    volume, _ = person(21)
    data = volume.data.astype(np.float32) + 1
    wide = np.pad(data, ((2, 1), (3, 5), (0, 4)))
    plain = segment(model, data, (15.0, 8.0, 8.0), reduced=False)
    found = segment(model, wide, (15.0, 8.0, 8.0), reduced=False)
    assert np.array_equal(found[2:-1, 3:-5, :-4], plain)
    assert found.sum() == plain.sum()
