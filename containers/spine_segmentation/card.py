"""What this network adds to its model card and learning curve (see `toolkit.networks.model_card`)."""

import json
from pathlib import Path
from typing import Any

from containers.spine_segmentation.model import CONFIGURATION, FILE, POSTPROCESSING
from containers.spine_segmentation.settings import Settings
from containers.toolkit.networks import model_card
from containers.toolkit.networks.learning_curve import Line, draw_learning_curve
from containers.toolkit.networks.training_set import Dataset


def words(card: dict[str, Any], labels: dict[int, str]) -> model_card.Words:
    """Plan, steps and post-processing, from the card's facts."""
    settings, plan = card["settings"], card["plan"]
    return model_card.Words(
        name=settings["name"],
        architecture=f"nnU-Net v2, configuration {CONFIGURATION}: working grid "
        f"{' x '.join(f'{edge:g}' for edge in reversed(plan['spacing_mm']))} mm, patches of "
        f"{' x '.join(str(edge) for edge in reversed(plan['patch']))} voxels, "
        f"{', '.join(str(n) for n in plan['features'])} channels.",
        training=f"{settings['epochs']} epochs of {settings['steps_per_epoch']} steps with "
        f"{settings['batch']} patches, AdamW {settings['learning_rate']:g}",
        sections=(("Post-processing", _kept(card["keep_largest"], labels)),),
        scored=f"{model_card.UNSEEN} `held_out` is another anatomy.",
    )


def _kept(groups: list[list[int]], labels: dict[int, str]) -> str:
    names = ["all muscles as one" if set(group) == set(labels) else labels[group[0]] for group in groups]
    found = f"Only the largest connected part is kept of: {', '.join(names)}." if names else "None."
    return f"{found} Found by nnU-Net's rule on the validation set; Dice below is after it."


ABOUT = model_card.About(
    structure="muscle",
    packages=("torch", "nnunetv2", "dynamic-network-architectures", "batchgeneratorsv2", "numpy", "safetensors"),
    limits=(
        model_card.PHANTOMS_ONLY,
        "One contrast: axial T2-weighted HASTE at 1.4 x 1.4 x 5 mm.",
        "Masks hold the muscle with the fat between its fibres and streaks.",
    ),
    words=words,
)


def write_card(
    out: Path, settings: Settings, plans: dict[str, Any], dataset: Dataset, seed: int, scores: dict[str, Any]
) -> None:
    """Write `card.json` and `model_card.md` of the model in a folder."""
    plan = plans["configurations"][CONFIGURATION]
    own = {
        "settings": settings.model_dump(mode="json"),
        "plan": {
            "spacing_mm": plan["spacing"],
            "patch": plan["patch_size"],
            "features": plan["architecture"]["arch_kwargs"]["features_per_stage"],
        },
        "keep_largest": json.loads((out / POSTPROCESSING).read_text(encoding="utf-8"))["keep_largest"],
    }
    model_card.write_card(out / FILE, ABOUT, dataset, seed, scores, own)


def draw_history(path: Path, name: str, history: dict[str, list[Any]]) -> None:
    """Losses and the validation patches' Dice of each epoch, as PNG."""
    epochs = range(1, len(history["training_loss"]) + 1)
    losses = [Line(f"{kind} loss", epochs, history[f"{kind}_loss"]) for kind in ("training", "validation")]
    dice = Line("Dice of validation patches", epochs, history["validation_dice"])
    draw_learning_curve(path, name, losses, dice, dice_axis="Dice", dice_style=".-")
