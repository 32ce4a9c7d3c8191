"""Training by nnU-Net: exchange of sides, what a run leaves, and that a stopped run ends as a whole one."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from containers.spine_segmentation import train
from containers.spine_segmentation.model import FILE
from containers.spine_segmentation.settings import COMPACT, load_settings
from containers.spine_segmentation.trainer import ExchangeSides, nnUNetTrainer, sides_of
from containers.toolkit.images.labels import SPINE_LABELS
from tests.spine_segmentation.conftest import write_settings
from tests.spine_segmentation.people import person, tiny_settings

LABELS = {"background": 0, **{name: value for value, name in SPINE_LABELS.items()}}


def test_each_side_has_the_other() -> None:
    assert sides_of(LABELS) == {1: 2, 2: 1, 3: 4, 4: 3}
    assert sides_of({"background": 0, "spine": 1, "psoas_left": 2}) == {}


def test_a_mirrored_person_with_exchanged_labels_is_a_person() -> None:
    """In the mirror the left muscles stand where the left muscles of a person stand: at larger x."""
    exchange = ExchangeSides(sides_of(LABELS))
    volume, labels = person(1)
    image, mask = (
        torch.from_numpy(volume.data.astype(np.float32))[None],
        torch.from_numpy(labels.astype(np.int16))[None],
    )
    torch.manual_seed(0)
    seen = set()
    for _ in range(20):
        out = exchange(image=image.clone(), segmentation=mask.clone())
        mirrored = not torch.equal(out["image"], image)
        seen.add(mirrored)
        found = out["segmentation"][0].numpy()
        for left, right in ((1, 2), (3, 4)):
            assert np.argwhere(found == left)[:, 2].mean() > np.argwhere(found == right)[:, 2].mean()
            assert np.sum(found == left) == np.sum(labels == (right if mirrored else left))
    assert seen == {True, False}


def test_a_run_leaves_model_curve_and_cards(tiny_run: Path) -> None:
    names = {"weights.safetensors", "weights.safetensors.sha256", "plans.json", "dataset.json", "card.json"}
    assert names | {"model_card.md", "history.json", "learning_curve.png"} <= {p.name for p in tiny_run.iterdir()}
    history = json.loads((tiny_run / "history.json").read_text())
    assert len(history["training_loss"]) == len(history["validation_dice"]) == 8
    assert history["training_loss"][-1] < history["training_loss"][0] - 0.3
    card = json.loads((tiny_run / "card.json").read_text())
    assert list(card["scores"]) == ["test"] and set(card["scores"]["test"]["dice"]) == set(SPINE_LABELS.values())
    assert str(Path.cwd()) not in (tiny_run / "card.json").read_text() + (tiny_run / "plans.json").read_text()
    assert "| erector_spinae_left |" in (tiny_run / "model_card.md").read_text()


@pytest.mark.slow
def test_a_stopped_run_that_goes_on_ends_as_a_whole_one(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_settings(tmp_path / "s.toml", tiny_settings())
    call = ["--data", str(tiny_data), "--settings", str(settings), "--seed", "7", "--threads", "1", "--out"]
    assert train.main([*call, str(tmp_path / "whole")]) == 0

    class StoppedError(Exception):
        """The power fails."""

    start = nnUNetTrainer.on_epoch_start

    def stop(self: nnUNetTrainer) -> None:
        if self.current_epoch == 1:
            raise StoppedError
        start(self)

    with monkeypatch.context() as patch:
        patch.setattr(nnUNetTrainer, "on_epoch_start", stop)
        with pytest.raises(StoppedError):
            train.main([*call, str(tmp_path / "parts")])
    assert not (tmp_path / "parts" / FILE).exists()
    assert train.main([*call, str(tmp_path / "parts")]) == 0
    for name in (FILE, "history.json", "card.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_another_seed_or_other_data_in_the_same_folder_is_refused(
    tiny_data: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["--data", str(tiny_data), "--settings", str(tiny_run.parent / "tiny.toml"), "--out", str(tiny_run)]
    assert train.main([*call, "--seed", "4", "--threads", "1"]) == 3
    assert "is of other settings or another seed" in capsys.readouterr().err
    other = write_settings(tiny_run.parent / "other.toml", tiny_settings(base_features=6))
    assert train.main([*call[:3], str(other), *call[4:], "--seed", "3", "--threads", "1"]) == 3
    assert "was made from other data or settings" in capsys.readouterr().err


def test_the_shipped_settings_are_read_and_wrong_ones_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_settings(COMPACT).name == "compact"
    (tmp_path / "bad.toml").write_text(COMPACT.read_text() + "momentum = 0.9\n")
    assert train.main(["--data", "x", "--out", str(tmp_path), "--settings", str(tmp_path / "bad.toml")]) == 3
    assert capsys.readouterr().err.startswith("train: bad.toml: ")


def test_a_muscle_that_no_validation_patch_has_is_absent_in_the_history_and_no_number() -> None:
    logged = {
        "train_losses": [1.0], "val_losses": [2.0], "mean_fg_dice": [0.5], "dice_per_class_or_region": [[0.5, np.nan]]
    }  # fmt: skip
    trainer = SimpleNamespace(logger=SimpleNamespace(get_checkpoint=lambda: logged))
    history = train.history_of(trainer)  # type: ignore[arg-type]
    assert history["validation_dice_per_label"] == [[0.5, None]]
    assert "NaN" not in json.dumps(history, allow_nan=False)
