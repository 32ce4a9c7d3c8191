"""Blending in slabs against MONAI's whole-volume blending, and against functions of the voxel alone."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from containers.thigh_segmentation import infer
from containers.thigh_segmentation.checkpoint import Checkpoint
from containers.thigh_segmentation.grid import turn_of
from containers.thigh_segmentation.infer import segment, sliding_logits
from containers.thigh_segmentation.model import Unetr
from containers.thigh_segmentation.refine import HALO, Refiner
from tests.thigh_segmentation.people import GRID, LABELS, person, tiny_config


class Pointwise(nn.Module):
    """Logits of a voxel from that voxel alone: background where it is dark, label 2 where it is bright."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([0.5 - image, image - 2.0, image - 0.5], dim=1)


def blocks_of(blocks: Iterator[Tensor]) -> Tensor:
    return torch.cat(list(blocks), dim=1)


@settings(max_examples=25, deadline=None)
@given(size=st.tuples(*[st.integers(3, 40)] * 3), overlap=st.sampled_from([0.0, 0.25, 0.5, 0.8]))
def test_a_pointwise_network_gives_its_function_of_each_voxel(size: tuple[int, int, int], overlap: float) -> None:
    """Whatever the size, also under one patch: every voxel is covered, at its place, and nothing is added or lost."""
    image = np.random.default_rng(0).random(size, dtype=np.float32)
    found = blocks_of(sliding_logits(Pointwise(), image, (16, 16, 16), 3, overlap, False))
    expected = Pointwise()(torch.from_numpy(image)[None, None])[0]
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-5)


def test_blending_is_monais() -> None:
    torch.manual_seed(3)
    network = tiny_config().network
    model = Unetr(network).eval()
    image = np.random.default_rng(1).random((37, 30, 25), dtype=np.float32)
    found = blocks_of(sliding_logits(model, image, network.patch, 4, 0.25, False))
    with torch.inference_mode():
        expected = sliding_window_inference(
            torch.from_numpy(image)[None, None], network.patch, 1, model, overlap=0.25, mode="gaussian"
        )[0]
    assert torch.allclose(found, expected, atol=1e-4)


def checkpoint(refiner: bool) -> Checkpoint:
    torch.manual_seed(4)
    config = tiny_config()
    second = Refiner(config).eval() if refiner else None
    if second is not None:
        nn.init.normal_(second.layers[-1].weight, std=0.5)
    return Checkpoint(config, dict(LABELS), Unetr(config.network).eval(), second, "0" * 64)


@pytest.mark.parametrize("refiner", [False, True])
def test_slabs_do_not_show(monkeypatch: pytest.MonkeyPatch, refiner: bool) -> None:
    """The labels are the same whether the volume is finished in slabs of 3 or all at once."""
    volume, _ = person(1)
    spacing = turn_of(GRID).spacing_mm
    monkeypatch.setattr(infer, "BACKGROUND_FROM", 2.0)
    monkeypatch.setattr(infer, "SLAB", 3)
    narrow = segment(checkpoint(refiner), volume.data, spacing, reduced=False)
    monkeypatch.setattr(infer, "SLAB", 1000)
    whole = segment(checkpoint(refiner), volume.data, spacing, reduced=False)
    assert narrow.shape == volume.data.shape
    assert len(np.unique(whole)) > 1
    assert np.array_equal(narrow, whole)


def test_leaving_out_what_is_surely_background_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The label of every voxel, where blocks are interpolated whole and where only in their box."""
    volume, _ = person(2)
    bright = Pointwise()

    class Sharp(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return torch.cat([20 * bright(image), torch.full_like(image, -50.0)], dim=1)

    plain = checkpoint(False)
    plain.unetr = Sharp()  # type: ignore[assignment]
    spacing = turn_of(GRID).spacing_mm
    boxed = segment(plain, volume.data, spacing, reduced=False)
    monkeypatch.setattr(infer, "BACKGROUND_FROM", 2.0)
    assert np.array_equal(segment(plain, volume.data, spacing, reduced=False), boxed)
    assert 0.01 < (boxed > 0).mean() < 0.5


def test_the_halo_is_what_the_second_pass_sees() -> None:
    """A voxel further than HALO away changes nothing, one at HALO does."""
    refiner = Refiner(tiny_config()).eval()
    torch.manual_seed(5)
    for parameter in refiner.parameters():
        nn.init.normal_(parameter, std=0.3)
    image = torch.rand(1, 1, 15, 15, 15)
    logits = torch.randn(1, 4, 15, 15, 15)
    with torch.inference_mode():
        before = refiner(logits, image)[..., 7, 7, 7]
        for distance, same in ((HALO, False), (HALO + 1, True)):
            changed = image.clone()
            changed[..., 7 + distance, 7, 7] += 5.0
            assert torch.equal(refiner(logits, changed)[..., 7, 7, 7], before) is same


def test_an_untrained_second_pass_changes_nothing() -> None:
    config = tiny_config()
    logits = torch.randn(1, 4, 6, 6, 6)
    better = Refiner(config).eval()(logits, torch.rand(1, 1, 6, 6, 6))
    assert torch.allclose(better, logits.log_softmax(1), atol=1e-6)
