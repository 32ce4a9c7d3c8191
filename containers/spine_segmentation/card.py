"""What a person reads of a training run: the learning curve and the model card."""

import json
from pathlib import Path
from typing import Any

import torch

from containers.contract.files import replacing, sha256_file, write_json, write_text
from containers.spine_segmentation.model import CONFIGURATION, FILE, POSTPROCESSING
from containers.spine_segmentation.settings import Settings
from containers.toolkit.networks.training_set import Dataset, place_of_set
from containers.toolkit.runtime.versions import versions_of

PACKAGES = ("torch", "nnunetv2", "dynamic-network-architectures", "batchgeneratorsv2", "numpy", "safetensors")
"""The packages that made the weights, in the order in which a card names them."""
LIMITS = (
    "Trained on mathematical phantoms only. Dice on phantoms is not Dice on people: nothing here is evidence that the "
    "weights segment a scan of a person.",
    "One contrast: axial T2-weighted HASTE at 1.4 x 1.4 x 5 mm.",
    "Masks hold the muscle with the fat between its fibres and streaks.",
)


def draw_learning_curve(path: Path, name: str, history: dict[str, list[Any]]) -> None:
    """Losses and the validation patches' Dice of each epoch, as PNG."""
    from matplotlib.figure import Figure  # only for training: the stage goes without it

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    epochs = range(1, len(history["training_loss"]) + 1)
    left.plot(epochs, history["training_loss"], color="#1f5fa8", label="training loss")
    left.plot(epochs, history["validation_loss"], color="#7aa6d6", label="validation loss")
    left.set(title=f"{name}: learning curve", xlabel="epoch", ylabel="loss (Dice + cross entropy)")
    right = left.twinx()
    right.plot(epochs, history["validation_dice"], ".-", color="#b5460f", label="Dice of validation patches")
    right.set(ylabel="Dice", ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=3)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def write_card(
    out: Path, settings: Settings, plans: dict[str, Any], dataset: Dataset, seed: int, scores: dict[str, Any]
) -> None:
    """Write `card.json` and `model_card.md`: data, plan, seed, versions, Dice per muscle, limits."""
    plan = plans["configurations"][CONFIGURATION]
    card = {
        "schema_version": "1.0",
        "settings": settings.model_dump(mode="json"),
        "plan": {
            "spacing_mm": plan["spacing"],
            "patch": plan["patch_size"],
            "features": plan["architecture"]["arch_kwargs"]["features_per_stage"],
        },
        "seed": seed,
        "threads": torch.get_num_threads(),
        "sets": {name: [pair.identifier for pair in pairs] for name, pairs in dataset.sets.items()},
        "versions": versions_of(*PACKAGES),
        "weights": {"file": FILE, "sha256": sha256_file(out / FILE), "bytes": (out / FILE).stat().st_size},
        "keep_largest": json.loads((out / POSTPROCESSING).read_text(encoding="utf-8"))["keep_largest"],
        "scores": scores,
        "limits": list(LIMITS),
    }
    write_json(out / "card.json", card)
    write_text(out / "model_card.md", card_text(card, dataset.labels))


def card_text(card: dict[str, Any], labels: dict[int, str]) -> str:
    """The model card as Markdown. Entries of `card` may be in any order, as those of a JSON file are."""
    settings, weights, plan = card["settings"], card["weights"], card["plan"]
    names = sorted(card["scores"], key=place_of_set)
    sets = sorted(card["sets"].items(), key=lambda entry: place_of_set(entry[0]))
    lines = [
        f"# Model card: {settings['name']}",
        "",
        f"`{weights['file']}`, {weights['bytes'] / 1e6:.1f} MB, SHA-256 `{weights['sha256']}`.",
        "",
        f"nnU-Net v2, configuration {CONFIGURATION}: working grid "
        f"{' x '.join(f'{edge:g}' for edge in reversed(plan['spacing_mm']))} mm, patches of "
        f"{' x '.join(str(edge) for edge in reversed(plan['patch']))} voxels, "
        f"{', '.join(str(n) for n in plan['features'])} channels.",
        "",
        "## Data and training",
        "",
        *(f"- {name}: {len(members)} volumes ({', '.join(members[:1])} ...)" for name, members in sets),
        f"- seed {card['seed']}, {card['threads']} threads, {settings['epochs']} epochs of "
        f"{settings['steps_per_epoch']} steps with {settings['batch']} patches, AdamW {settings['learning_rate']:g}",
        "- " + ", ".join(f"{name} {card['versions'][name]}" for name in ("python", *PACKAGES)),
        "",
        "![learning curve](learning_curve.png)",
        "",
        "## Post-processing",
        "",
        _kept(card["keep_largest"], labels),
        "",
        "## Dice per muscle",
        "",
        "On whole volumes of persons that training never saw, at the volume's own resolution, against truth sampled "
        "there. `held_out` is another anatomy.",
        "",
        "| muscle | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
        *(
            f"| {label} | " + " | ".join(_number(card["scores"][name]["dice"].get(label)) for name in names) + " |"
            for label in labels.values()
        ),
        "| mean | " + " | ".join(_number(card["scores"][name]["mean_dice"]) for name in names) + " |",
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in card["limits"]),
    ]
    return "\n".join(lines) + "\n"


def _kept(groups: list[list[int]], labels: dict[int, str]) -> str:
    names = ["all muscles as one" if set(group) == set(labels) else labels[group[0]] for group in groups]
    found = f"Only the largest connected part is kept of: {', '.join(names)}." if names else "None."
    return f"{found} Found by nnU-Net's rule on the validation set; Dice below is after it."


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
