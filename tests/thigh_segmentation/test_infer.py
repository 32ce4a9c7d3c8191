"""Blending in slabs against MONAI's whole-volume blending, and against functions of the voxel alone."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from containers.thigh_segmentation import blend, infer
from containers.thigh_segmentation.blend import blended_features, sliding_logits
from containers.thigh_segmentation.checkpoint import Checkpoint
from containers.thigh_segmentation.infer import segment, segment_prepared
from containers.thigh_segmentation.model import Unetr
from containers.thigh_segmentation.prepare import Prepared, prepare
from containers.thigh_segmentation.refine import HALO, Refiner
from containers.toolkit.images.turn import turn_of
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
    found = blocks_of(sliding_logits(Pointwise(), image, (16, 16, 16), overlap, False))
    expected = Pointwise()(torch.from_numpy(image)[None, None])[0]
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-5)


def test_blending_is_monais() -> None:
    torch.manual_seed(3)
    network = tiny_config().network
    model = Unetr(network).eval()
    image = np.random.default_rng(1).random((37, 30, 25), dtype=np.float32)
    found = blocks_of(sliding_logits(model, image, network.patch, 0.25, False))
    with torch.inference_mode():
        expected = sliding_window_inference(
            torch.from_numpy(image)[None, None], network.patch, 1, model, overlap=0.25, mode="gaussian"
        )[0]
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_batches_do_not_show(batch: int) -> None:
    """Patches are added in the same order, whatever the batch; all batches have one size, which a compiler needs."""
    image = np.random.default_rng(2).random((20, 40, 37), dtype=np.float32)
    sizes = []

    def features(patches: Tensor) -> Tensor:
        sizes.append(len(patches))
        return Pointwise()(patches)

    prepared = Prepared(features, nn.Identity(), torch.device("cpu"))
    found = torch.cat(list(blended_features(prepared, image, (16, 16, 16), 0.25, batch)))
    assert set(sizes) == {batch}
    single = torch.cat(list(blended_features(prepared, image, (16, 16, 16), 0.25)))
    assert torch.equal(found, single)


def test_labels_are_monais_on_a_volume_of_the_working_grid() -> None:
    """MONAI's blending and the largest of its logits, without any interpolation. Ties are broken by rounding."""
    plain = checkpoint(False)
    image = np.random.default_rng(6).random((37, 30, 25), dtype=np.float32) * 400
    found = segment(plain, image, (10.0, 10.0, 10.0), reduced=False)
    with torch.inference_mode():
        expected = sliding_window_inference(
            torch.from_numpy(image / 400)[None, None], (16, 16, 16), 1, plain.unetr, overlap=0.25, mode="gaussian"
        )[0].argmax(dim=0)
    assert len(np.unique(found)) > 1
    assert np.mean(found == expected.numpy()) > 0.9999


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
    for module in (blend, infer):
        monkeypatch.setattr(module, "SLAB", 3)
    narrow = segment(checkpoint(refiner), volume.data, spacing, reduced=False)
    for module in (blend, infer):
        monkeypatch.setattr(module, "SLAB", 1000)
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


@pytest.mark.parametrize("spacing", [(10.0, 10.0, 10.0), (7.0, 8.5, 11.0)])
def test_leaving_out_air_changes_nothing(spacing: tuple[float, float, float]) -> None:
    """For a network that sees single voxels, whose labels are known: all that are bright, in their places."""
    data = np.abs(np.random.default_rng(8).normal(0, 4, (70, 72, 80))).astype(np.float32)
    data[20:45, 30:50, 25:60] = 350.0
    plain = checkpoint(False)
    plain.unetr = Pointwise()  # type: ignore[assignment]
    plain.labels = {1: "never", 2: "bright"}
    settings = {"overlap": 0.25, "reduced": False, "second_pass": False}
    prepared = prepare(plain.unetr, False)
    whole = segment_prepared(plain, prepared, data, spacing, skip_air=False, **settings)
    boxed = segment_prepared(plain, prepared, data, spacing, skip_air=True, **settings)
    assert whole.patches == whole.patches_of_all == boxed.patches_of_all
    assert boxed.patches < whole.patches
    assert np.array_equal(boxed.labels, whole.labels)
    assert np.array_equal(boxed.labels[21:44, 31:49, 26:59] == 2, np.ones((23, 18, 33), bool))
    if spacing == (10.0, 10.0, 10.0):
        assert np.array_equal(boxed.labels == 2, data > 200)


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
