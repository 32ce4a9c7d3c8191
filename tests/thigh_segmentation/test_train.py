"""The training loop: it learns, a stopped run goes on as if it had not stopped, and it refuses what does not fit."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from containers.contract.errors import EnvironmentFault
from containers.thigh_segmentation import train as module
from containers.thigh_segmentation.augment import augmented
from containers.thigh_segmentation.blend import sliding_logits
from containers.thigh_segmentation.checkpoint import FILE, load_checkpoint
from containers.thigh_segmentation.config import Augmentation, load_config
from containers.thigh_segmentation.sampling import Volumes, patches
from containers.thigh_segmentation.train import RESUME, Run, finish, main, train
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.volume import Volume, write_nrrd
from containers.toolkit.networks.training_set import Dataset, read_dataset
from containers.toolkit.runtime.process_state import torch_settings_restored
from tests.thigh_segmentation.people import GRID, LABELS, person, tiny_config, write_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    with torch_settings_restored():
        torch.set_num_threads(1)
        yield read_dataset(write_dataset(tmp_path / "data"), THIGH_LABELS)


def test_it_learns_and_says_how_well(tiny_run: Path) -> None:
    card = json.loads((tiny_run / "card.json").read_text())
    history = json.loads((tiny_run / "history.json").read_text())
    assert np.mean(history["loss"][-3:]) < 0.8 * history["loss"][0]
    assert card["scores"]["test"]["mean_dice"] > 0.3
    assert set(card["scores"]["test"]["dice"]) == set(LABELS.values())
    assert card["sets"]["train"] == ["a0", "a1", "a2", "a3"]
    assert card["versions"]["torch"] == torch.__version__
    assert (tiny_run / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    text = (tiny_run / "model_card.md").read_text()
    assert card["weights"]["sha256"] in text
    assert "middle" in text


class _StoppedError(Exception):
    pass


def test_a_stopped_run_goes_on_as_an_unbroken_one(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is stopped in the second pass: all weights are equal bit for bit."""
    config = tiny_config(epochs=3)
    train(config, dataset, tmp_path / "whole", seed=5)
    finish(config, dataset, tmp_path / "whole", seed=5)

    epoch = Run.epoch

    def broken(self: Run, number: int, progress: object) -> None:
        if number == 2:
            raise _StoppedError
        epoch(self, number, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "epoch", broken)
    with pytest.raises(_StoppedError):
        train(config, dataset, tmp_path / "parts", seed=5)
    monkeypatch.setattr(Run, "epoch", epoch)
    train(config, dataset, tmp_path / "parts", seed=5)

    from containers.thigh_segmentation import train_refiner

    calls = []
    one_volume = train_refiner._one_volume

    def stopping(*arguments: object) -> float:
        calls.append(1)
        if len(calls) == 2:
            raise _StoppedError
        return one_volume(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(train_refiner, "_one_volume", stopping)
    with pytest.raises(_StoppedError):
        finish(config, dataset, tmp_path / "parts", seed=5)
    finish(config, dataset, tmp_path / "parts", seed=5)

    whole, parts = (load_file(tmp_path / name / FILE) for name in ("whole", "parts"))
    assert set(whole) == set(parts)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert (tmp_path / "whole" / FILE).read_bytes() == (tmp_path / "parts" / FILE).read_bytes()


def test_another_configuration_does_not_resume(tmp_path: Path, dataset: Dataset) -> None:
    train(tiny_config(epochs=1), dataset, tmp_path / "out", seed=5)
    with pytest.raises(EnvironmentFault, match="another configuration or seed"):
        train(tiny_config(epochs=1), dataset, tmp_path / "out", seed=6)
    (tmp_path / "out" / RESUME).write_bytes(b"broken")
    with pytest.raises(EnvironmentFault, match="not readable"):
        train(tiny_config(epochs=1), dataset, tmp_path / "out", seed=5)


def test_training_stops_after_patience(tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "mean_present", lambda values: 0.5)
    train(tiny_config(epochs=30, patience=2), dataset, tmp_path / "out", seed=1)
    assert len(json.loads((tmp_path / "out" / "history.json").read_text())["loss"]) == 3


def test_patches_hold_image_and_mask_of_one_place(dataset: Dataset) -> None:
    """Without changes, the label of a voxel follows from its brightness: 100, 160, 240, 320 of 400, noise 5."""
    plain = {"mirror": 0.0, "scale": 0.0, "rotation_deg": 0.0, "warp_voxels": 0.0, "gain": 0.0}
    config = tiny_config().model_copy(update={"augmentation": Augmentation.model_validate(plain)})
    volumes = Volumes(config, dataset.labels)
    images, masks = patches(config, volumes, dataset.sets["train"][0], (0, 0, 0))
    assert images.shape == (2, 1, 16, 16, 16)
    for value in (1, 2, 3):
        there = masks == value
        if there.any():
            assert float(images[:, 0][there].median()) == pytest.approx((80 + 80 * value) / 400, abs=0.05)
    again, _ = patches(config, volumes, dataset.sets["train"][0], (0, 0, 0))
    other, _ = patches(config, volumes, dataset.sets["train"][0], (0, 1, 0))
    assert torch.equal(images, again)
    assert not torch.equal(images, other)


def test_patches_are_drawn_from_structures_alike(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a structure is, it is as often in the middle; background is, in its proportion."""
    config = tiny_config(patches_per_volume=200, centres="structures", positive=3.0, negative=1.0)
    config = config.model_copy(update={"augmentation": Augmentation()})
    volumes = Volumes(config, dataset.labels)
    pair = dataset.sets["train"][0]
    image, _ = volumes.get(pair)
    mask = np.zeros(image.shape, np.uint8)
    mask[8:12, 8:12, 8:12] = 1
    mask[9, 9, 9] = 2
    monkeypatch.setattr(volumes, "get", lambda _: (image, mask))
    _, masks = patches(config, volumes, pair, (0, 0, 0))
    middle = np.bincount(masks[:, 8, 8, 8].numpy(), minlength=4)
    # Half of 200 each would be 75, 75 and 50; five binomial SD are 31.
    assert abs(middle[1] - 75) < 31
    assert abs(middle[2] - 75) < 31
    assert middle[3] == 0


@pytest.mark.parametrize(
    "settings",
    [
        Augmentation(mirror=1.0, scale=0.1, rotation_deg=15.0, warp_voxels=1.0),
        Augmentation(shift_voxels=3.0),
    ],
)
def test_augmentation_moves_image_and_mask_alike(settings: Augmentation) -> None:
    """An image that is its own label stays so: inside by the value, at edges between the two."""
    mask = torch.zeros(2, 24, 24, 24, dtype=torch.int64)
    mask[:, 6:18, 4:15, 7:20] = 1
    image = 0.2 + 0.5 * mask[:, None].float()
    moved, labels = augmented(image, mask, settings, np.random.default_rng(3))
    assert not torch.equal(labels, mask)
    assert (
        torch.equal(moved[:, 0] > 0.45, labels == 1)
        or float(((moved[:, 0] > 0.45) != (labels == 1)).float().mean()) < 0.01
    )
    still, same = augmented(image, mask, Augmentation(), np.random.default_rng(3))
    assert torch.equal(still, image)
    assert torch.equal(same, mask)


def test_a_shift_moves_by_its_voxels() -> None:
    """The middle of a ball moves by the SD times the drawn numbers, along x, y, z."""
    mask = torch.zeros(1, 32, 32, 32, dtype=torch.int64)
    mask[:, 12:20, 12:20, 12:20] = 1
    moved, _ = augmented(mask[:, None].float(), mask, Augmentation(shift_voxels=2.0), np.random.default_rng(8))
    place = [float((moved[0, 0].sum(dim) * torch.arange(32)).sum() / moved.sum()) for dim in ((1, 2), (0, 2), (0, 1))]
    drawn = 2.0 * np.random.default_rng(8).standard_normal((3, 3))[2]  # after three angles and three scales
    assert np.allclose(place, 15.5 - drawn[::-1], atol=0.05)


def test_command_line_gives_one_line_for_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["phantom-small", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "o"), "--threads", "1"]) == 3
    )
    said = capsys.readouterr().err
    assert said == "train: split.json: cannot be read (No such file or directory); see training_set.py\n"
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
@torch_settings_restored()
def test_full_size_step_checkpoint_resume_and_inference(tmp_path: Path) -> None:
    """The paper's network as it stands in paper.toml, on one patch of its own grid."""
    torch.set_num_threads(2)
    from dataclasses import replace

    grid = replace(GRID, size=(96, 96, 96), spacing_mm=(1.5, 1.5, 2.0), origin_mm=(-90.0, -60.0, -690.0))
    folder = write_dataset(tmp_path / "data", train=1)
    for seed, name in enumerate(("a0", "b")):
        volume, labels = person(seed, grid)
        write_nrrd(folder / "images" / f"{name}.nrrd", volume)
        (folder / "masks" / f"{name}.seg.nrrd").unlink()
        write_nrrd(folder / "masks" / f"{name}.nrrd", Volume(labels, grid))
    (folder / "labels.json").unlink()
    paper = load_config(Path("paper"))
    one = {"epochs": 1, "batch_volumes": 1, "patches_per_volume": 1, "validate_every": 1}
    config = paper.model_copy(update={"training": paper.training.model_copy(update=one)})
    dataset = read_dataset(folder, THIGH_LABELS)
    train(config, dataset, tmp_path / "out", seed=0)
    resumed = Run(config, dataset, tmp_path / "out", seed=0)
    assert len(resumed.history.loss) == 1
    checkpoint = load_checkpoint(tmp_path / "out" / module.FIRST_PASS)
    assert sum(p.numel() for p in checkpoint.unetr.parameters()) == pytest.approx(92.8e6, rel=0.01)
    for name, value in resumed.model.state_dict().items():
        assert torch.equal(value, checkpoint.unetr.state_dict()[name])
    image, _ = resumed.volumes.get(dataset.sets["validation"][0])
    assert image.shape == (96, 96, 96)
    found = torch.cat(list(sliding_logits(checkpoint.unetr, image, (96, 96, 96), 0.25, True)), dim=1)
    assert found.shape == (29, 96, 96, 96)
    assert bool(torch.isfinite(found).all())
