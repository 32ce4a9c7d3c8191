"""The network as inference runs it against the network as it was trained, which MONAI's own blocks compute."""

import time

import pytest
import torch
from torch import Tensor, nn

from containers.thigh_segmentation import prepare as prepare_module
from containers.thigh_segmentation.config import Network
from containers.thigh_segmentation.model import Unetr
from containers.thigh_segmentation.on_cpu import OnCpu
from containers.thigh_segmentation.prepare import prepare

NETWORKS = {
    "deep supervision": Network(
        patch=(32, 16, 48), hidden=24, layers=4, heads=3, mlp=48, features=4, out_channels=5, deep_supervision=True
    ),
    "as MONAI has it": Network(patch=(32, 32, 32), hidden=24, layers=12, heads=3, mlp=48, features=8, out_channels=3),
}


def trained(network: Network) -> Unetr:
    """A network none of whose weights is at its start: biases, norms and the tokens' places count too."""
    torch.manual_seed(7)
    model = Unetr(network).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def logits(model: nn.Module, patches: Tensor, reduced: bool) -> Tensor:
    prepared = prepare(model, reduced)
    with torch.inference_mode():
        return prepared.head(prepared.features(patches).permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("reduced", [False, True])
def test_it_is_the_same_function(name: str, reduced: bool) -> None:
    """To rounding in float32; in bfloat16 no worse than twice what autocast makes of the network itself."""
    network = NETWORKS[name]
    model = trained(network)
    patches = torch.rand(2, 1, *network.patch)
    with torch.inference_mode():
        expected = model(patches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            autocast = model(patches).float()
    found = logits(model, patches, reduced)
    assert found.shape == expected.shape
    assert found.dtype == torch.float32
    if reduced:
        error, usual = ((one - expected).square().mean().sqrt() for one in (found, autocast))
        assert 0 < error < 2 * usual
    else:
        assert torch.allclose(found, expected, atol=2e-4 * float(expected.std()))


@pytest.mark.parametrize("reduced", [False, True])
def test_without_onednn_it_is_the_same_function(monkeypatch: pytest.MonkeyPatch, reduced: bool) -> None:
    model, patches = trained(NETWORKS["deep supervision"]), torch.rand(1, 1, *NETWORKS["deep supervision"].patch)
    found = logits(model, patches, reduced)
    monkeypatch.setattr(prepare_module, "_by_onednn", lambda device, reduced: False)
    other = logits(model, patches, reduced)
    assert (found - other).square().mean().sqrt() < (0.1 if reduced else 2e-4) * float(other.std())


@pytest.mark.parametrize("reduced", [False, True])
def test_threads_and_earlier_patches_change_no_byte(reduced: bool) -> None:
    """Memory is kept between patches, and sums have one order."""
    network = NETWORKS["as MONAI has it"]
    prepared = prepare(trained(network), reduced)
    patches = torch.rand(2, 1, *network.patch)
    threads = torch.get_num_threads()
    try:
        with torch.inference_mode():
            torch.set_num_threads(1)
            both = prepared.features(patches).clone()
            for count in (1, 2, 3):
                torch.set_num_threads(count)
                assert all(torch.equal(prepared.features(patches[n : n + 1])[0], both[n]) for n in (1, 0))
                assert torch.equal(prepared.features(patches), both)
                assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)


def test_a_failing_patch_leaves_nobody_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """What went on writing would spoil the next volume; more patches than workers, and other numbers of them later."""
    network = NETWORKS["as MONAI has it"]
    prepared, patches = prepare(trained(network), False), torch.rand(5, 1, *network.patch)
    usual, ended = OnCpu._one, []

    def failing(self: OnCpu, patch: Tensor, out: Tensor) -> None:
        if torch.equal(patch, patches[:1]):
            raise MemoryError("no memory")
        time.sleep(0.05)
        usual(self, patch, out)
        ended.append(1)

    threads = torch.get_num_threads()
    try:
        with torch.inference_mode():
            torch.set_num_threads(1)
            expected = prepared.features(patches).clone()
            monkeypatch.setattr(OnCpu, "_one", failing)
            torch.set_num_threads(2)
            with pytest.raises(MemoryError):
                prepared.features(patches)
            assert len(ended) == 4 and torch.get_num_threads() == 2
            monkeypatch.setattr(OnCpu, "_one", usual)
            for count, number in ((2, 5), (3, 5), (2, 1), (3, 4)):
                torch.set_num_threads(count)
                assert torch.equal(prepared.features(patches[:number]), expected[:number])
    finally:
        torch.set_num_threads(threads)


def test_the_network_itself_stays_as_it_is() -> None:
    """In its values, its form and its place in memory: training goes on with it."""
    model = trained(NETWORKS["deep supervision"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layouts = {name: value.stride() for name, value in model.named_parameters()}
    model.train()
    for reduced in (False, True):
        prepare(model, reduced)
    assert model.training
    assert all(parameter.requires_grad for parameter in model.vit.blocks.parameters())
    assert {name: value.stride() for name, value in model.named_parameters()} == layouts
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) and after[name].dtype == value.dtype for name, value in before.items())


def test_a_network_trained_further_is_prepared_anew() -> None:
    model = trained(NETWORKS["deep supervision"])
    patches = torch.rand(1, 1, *NETWORKS["deep supervision"].patch)
    before = logits(model, patches, False)
    with torch.no_grad():
        model.out.conv.conv.bias += 1.0
        model.encoder1.layer.conv2.conv.weight *= 1.5
    with torch.inference_mode():
        expected = model(patches)
    assert torch.allclose(logits(model, patches, False), expected, atol=2e-4 * float(expected.std()))
    assert not torch.allclose(before, expected, atol=0.1)
