"""What a person reads of a training run: the learning curve and the model card."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from containers.contract.files import replacing, sha256_file, write_json
from containers.thigh_segmentation.checkpoint import FILE
from containers.thigh_segmentation.config import Config
from containers.toolkit.networks.training_set import Dataset, place_of_set
from containers.toolkit.runtime.versions import versions_of

PACKAGES = ("torch", "monai", "numpy", "safetensors")
"""The packages that made the weights, in the order in which a card names them."""
LIMITS = (
    "Trained on mathematical phantoms only. Dice on phantoms is not Dice on people: nothing here is evidence that the "
    "weights segment a scan of a person.",
    "One contrast: water of a two-point Dixon at 1.5 T, with muscle near 170 in the images' units.",
    "Both sides of a structure share a label.",
)

if TYPE_CHECKING:
    from containers.thigh_segmentation.train import History


def draw_learning_curve(path: Path, name: str, history: "History") -> None:
    """Loss of each epoch and Dice of each validation, as PNG."""
    from matplotlib.figure import Figure  # only for training: the image of the stage goes without it

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    left.plot(range(1, len(history.loss) + 1), history.loss, color="#1f5fa8", label="training loss")
    left.set(title=f"{name}: learning curve", xlabel="epoch", ylabel="loss (Dice + cross entropy)")
    right = left.twinx()
    right.plot(*zip(*history.validation, strict=True), "o-", color="#b5460f", label="validation Dice") if (
        history.validation
    ) else None
    right.set(ylabel="validation Dice, working grid", ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=2)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def write_card(out: Path, config: Config, dataset: Dataset, seed: int, scores: dict[str, Any]) -> None:
    """Write `card.json` and `model_card.md`: data, seeds, versions, Dice per class, limits."""
    card = {
        "schema_version": "1.0",
        "config": config.model_dump(mode="json"),
        "seed": seed,
        "threads": torch.get_num_threads(),
        "sets": {name: [pair.identifier for pair in pairs] for name, pairs in dataset.sets.items()},
        "versions": versions_of(*PACKAGES),
        "weights": {"file": FILE, "sha256": sha256_file(out / FILE), "bytes": (out / FILE).stat().st_size},
        "scores": scores,
        "limits": list(LIMITS),
    }
    write_json(out / "card.json", card)
    with replacing(out / "model_card.md") as temporary:
        temporary.write_text(card_text(card, dataset.labels), encoding="utf-8")


def card_text(card: dict[str, Any], labels: dict[int, str]) -> str:
    """The model card as Markdown. Entries of `card` may be in any order, as those of a JSON file are."""
    config, weights = card["config"], card["weights"]
    names = sorted(card["scores"], key=place_of_set)
    sets = sorted(card["sets"].items(), key=lambda entry: place_of_set(entry[0]))
    lines = [
        f"# Model card: {config['name']}",
        "",
        f"`{weights['file']}`, {weights['bytes'] / 1e6:.1f} MB, SHA-256 `{weights['sha256']}`.",
        "",
        "UNETR in the configuration "
        f"`{config['name']}`; working grid {' x '.join(f'{v:g}' for v in config['preprocessing']['spacing_mm'])} mm"
        + ("; a second pass at the volume's own resolution." if config["refinement"] else "."),
        "",
        "## Data and training",
        "",
        *(f"- {name}: {len(members)} volumes ({', '.join(members[:1])} ...)" for name, members in sets),
        f"- seed {card['seed']}, {card['threads']} threads, {config['training']['epochs']} epochs",
        "- " + ", ".join(f"{name} {card['versions'][name]}" for name in ("python", *PACKAGES)),
        "",
        "![learning curve](learning_curve.png)",
        "",
        "## Dice per structure",
        "",
        "On whole volumes of persons that training never saw, at the volume's own resolution, against truth sampled "
        "there.",
        "",
        "| structure | " + " | ".join(names) + " |",
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


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
