"""The network against MONAI's own; losses against MONAI's; configurations against what the paper prints."""

from pathlib import Path

import pytest
import torch
from monai.losses import DiceLoss
from monai.networks.nets.unetr import UNETR
from torch.nn import functional

from containers.contract.errors import RequestFault
from containers.thigh_segmentation.config import Network, load_config
from containers.thigh_segmentation.losses import dice_and_cross_entropy
from containers.thigh_segmentation.model import Unetr, parameter_count

SMALL = Network(patch=(32, 32, 32), hidden=24, layers=12, heads=2, mlp=48, features=4, out_channels=5)


def test_twelve_layers_are_monai_unetr() -> None:
    torch.manual_seed(0)
    theirs = UNETR(1, 5, (32, 32, 32), feature_size=4, hidden_size=24, mlp_dim=48, num_heads=2).eval()
    ours = Unetr(SMALL).eval()
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(1, 1, 32, 32, 32)
    with torch.inference_mode():
        assert torch.equal(ours(image), theirs(image))


def test_fewer_layers_change_the_transformer_only() -> None:
    short = Unetr(SMALL.model_copy(update={"layers": 4}))
    block = parameter_count(short.vit.blocks[0])
    assert parameter_count(Unetr(SMALL)) - parameter_count(short) == 8 * block
    assert short(torch.rand(2, 1, 32, 32, 32)).shape == (2, 5, 32, 32, 32)


def test_deep_levels_and_bias_at_frequencies() -> None:
    model = Unetr(SMALL.model_copy(update={"deep_supervision": True, "layers": 4}))
    frequencies = torch.tensor([0.7, 0.1, 0.1, 0.1, 0.0])
    model.start_at_frequencies(frequencies)
    levels = model.forward_deep(torch.rand(1, 1, 32, 32, 32))
    assert [tuple(level.shape[2:]) for level in levels] == [(32,) * 3, (16,) * 3, (8,) * 3]
    for head in (model.out.conv.conv, *model.deep):
        assert head.bias.detach().softmax(0).numpy() == pytest.approx(frequencies.numpy(), abs=1e-5)


def test_paper_configuration_is_what_is_printed() -> None:
    config = load_config(Path("paper"))
    network, training = config.network, config.training
    assert network.patch == (96, 96, 96)
    assert (network.hidden, network.layers, network.out_channels) == (768, 12, 29)
    assert not network.deep_supervision
    assert not network.class_prior_bias
    assert config.preprocessing.spacing_mm == (1.5, 1.5, 2.0)
    assert config.preprocessing.window == (80.0, 450.0)
    assert (training.learning_rate, training.weight_decay, training.batch_volumes) == (2e-5, 1e-5, 2)
    assert (training.patches_per_volume, training.positive, training.negative) == (4, 1.0, 1.0)
    assert (training.epochs, training.validate_every, training.schedule) == (12000, 2, "constant")
    assert training.mixed_precision
    assert config.refinement is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 'x'", "network"),
        ("name = ", "not TOML"),
        ("name = 'Capital'", "name"),
    ],
)
def test_wrong_configuration_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(RequestFault, match=said):
        load_config(path)


def test_loss_is_monais_where_all_classes_are_present() -> None:
    torch.manual_seed(1)
    logits = torch.randn(2, 5, 8, 8, 8)
    target = torch.randint(0, 5, (2, 8, 8, 8))
    dice = DiceLoss(
        include_background=False, softmax=True, to_onehot_y=True, batch=True, smooth_nr=1e-5, smooth_dr=1e-5
    )
    expected = dice(logits, target[:, None]) + functional.cross_entropy(logits, target)
    assert float(dice_and_cross_entropy(logits, target)) == pytest.approx(float(expected), rel=1e-5)


def test_absent_classes_do_not_count() -> None:
    """A class that the truth lacks leaves the Dice part as it is, however many channels there are."""
    torch.manual_seed(2)
    logits = torch.randn(1, 3, 6, 6, 6)
    target = torch.randint(0, 3, (1, 6, 6, 6))
    wider = torch.cat([logits, torch.full((1, 4, 6, 6, 6), -30.0)], dim=1)
    assert float(dice_and_cross_entropy(wider, target)) == pytest.approx(
        float(dice_and_cross_entropy(logits, target)), rel=1e-5
    )
    empty = torch.zeros_like(target)
    only_background = float(dice_and_cross_entropy(logits, empty))
    assert only_background == pytest.approx(float(functional.cross_entropy(logits, empty)), rel=1e-5)
