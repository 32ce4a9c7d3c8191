"""What this network adds to its model card and learning curve (see `toolkit.networks.model_card`)."""

from pathlib import Path
from typing import Any

from containers.thigh_segmentation.checkpoint import FILE
from containers.thigh_segmentation.config import Config
from containers.thigh_segmentation.history import History
from containers.toolkit.networks import model_card
from containers.toolkit.networks.learning_curve import Line, draw_learning_curve
from containers.toolkit.networks.training_set import Dataset


def words(card: dict[str, Any], labels: dict[int, str]) -> model_card.Words:
    """Working grid, second pass and epochs, from the card's configuration."""
    config = card["config"]
    return model_card.Words(
        name=config["name"],
        architecture=f"UNETR in the configuration `{config['name']}`; working grid "
        f"{' x '.join(f'{v:g}' for v in config['preprocessing']['spacing_mm'])} mm"
        + ("; a second pass at the volume's own resolution." if config["refinement"] else "."),
        training=f"{config['training']['epochs']} epochs",
    )


ABOUT = model_card.About(
    structure="structure",
    packages=("torch", "monai", "numpy", "safetensors"),
    limits=(
        model_card.PHANTOMS_ONLY,
        "One contrast: water of a two-point Dixon at 1.5 T, with muscle near 170 in the images' units.",
        "Both sides of a structure share a label.",
    ),
    words=words,
)


def write_card(out: Path, config: Config, dataset: Dataset, seed: int, scores: dict[str, Any]) -> None:
    """Write `card.json` and `model_card.md` of the weights in a folder."""
    own = {"config": config.model_dump(mode="json")}
    model_card.write_card(out / FILE, ABOUT, dataset, seed, scores, own)


def draw_history(path: Path, name: str, history: History) -> None:
    """Loss of each epoch and Dice of each validation, as PNG."""
    loss = Line("training loss", range(1, len(history.loss) + 1), history.loss)
    dice = Line("validation Dice", [epoch for epoch, _ in history.validation], [d for _, d in history.validation])
    draw_learning_curve(path, name, [loss], dice, dice_axis="validation Dice, working grid", dice_style="o-")
