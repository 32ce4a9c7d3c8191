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
    second = Refiner(config, LABELS).eval() if refiner else None
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


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_halo_is_what_the_second_pass_sees(axis: int) -> None:
    """A voxel further than HALO away along an axis changes nothing, one at HALO does."""
    refiner = Refiner(tiny_config(), LABELS).eval()
    torch.manual_seed(5)
    for parameter in refiner.parameters():
        nn.init.normal_(parameter, std=0.3)
    middle = [edge + 1 for edge in HALO]
    shape = [2 * place + 1 for place in middle]
    image, logits = torch.rand(1, 1, *shape), torch.randn(1, 4, *shape)
    here = (..., *middle)
    with torch.inference_mode():
        before = refiner(logits, image)[here]
        for distance, same in ((HALO[axis], False), (HALO[axis] + 1, True)):
            place = list(middle)
            place[axis] += distance
            changed = image.clone()
            changed[(..., *place)] += 5.0
            assert torch.equal(refiner(logits, changed)[here], before) is same


def test_an_untrained_second_pass_takes_the_best_structure_of_the_best_tissue() -> None:
    """Probabilities by hand: two structures of one tissue outvote the background together; channel 3 is none."""
    refiner = Refiner(tiny_config(), {1: "one", 2: "two"}).eval()
    probability = torch.tensor([[0.40, 0.35, 0.24, 0.01], [0.60, 0.10, 0.29, 0.01], [0.45, 0.10, 0.05, 0.40]])
    logits = probability.log().T[None, :, :, None, None]
    best = refiner(logits, torch.rand(1, 1, 3, 1, 1)).argmax(dim=1).flatten().tolist()
    assert best == [1, 0, 0]
