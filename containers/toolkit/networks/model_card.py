"""Model cards: `card.json`, the facts of a trained network, and `model_card.md`, the same for a person to read.

A card holds data, seed, threads, versions, weights, Dice per structure and limits; the network adds its settings and
what its architecture asks to be said (`About`). The text follows from the facts alone, whatever order they come in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from containers.contract.files import sha256_file, write_json, write_text
from containers.toolkit.networks.training_set import Dataset, place_of_set
from containers.toolkit.runtime.versions import versions_of

PHANTOMS_ONLY = (
    "Trained on mathematical phantoms only. Dice on phantoms is not Dice on people: nothing here is evidence that the "
    "weights segment a scan of a person."
)
"""The first of a network's limits."""
UNSEEN = (
    "On whole volumes of persons that training never saw, at the volume's own resolution, against truth sampled there."
)
"""What Dice of a card is of."""


@dataclass(frozen=True)
class Words:
    """What a network says of itself in one card."""

    name: str
    """Name of the configuration."""
    architecture: str
    """The paragraph on the network and its working grid."""
    training: str
    """How long it was trained, after seed and threads."""
    sections: tuple[tuple[str, str], ...] = ()
    """Heading and paragraph of what stands before Dice."""
    scored: str = UNSEEN
    """What Dice is of."""


@dataclass(frozen=True)
class About:
    """What all cards of a network have in common."""

    structure: str
    """What a label is of: the heading of the first column."""
    packages: tuple[str, ...]
    """The packages that make the weights, in the order in which a card names them."""
    limits: tuple[str, ...]
    """What nobody may read into the weights, a sentence each."""
    words: Callable[[dict[str, Any], dict[int, str]], Words]
    """The words of a card, from its facts and the label map."""


def write_card(
    weights: Path, about: About, dataset: Dataset, seed: int, scores: dict[str, Any], own: dict[str, Any]
) -> None:
    """Write `card.json` and `model_card.md` into the folder of the weights.

    scores: as `evaluation.score` gives them. own: the network's own facts, its settings above all.
    """
    card = {
        **own,
        "schema_version": "1.0",
        "seed": seed,
        "threads": torch.get_num_threads(),
        "sets": {name: [pair.identifier for pair in pairs] for name, pairs in dataset.sets.items()},
        "versions": versions_of(*about.packages),
        "weights": {"file": weights.name, "sha256": sha256_file(weights), "bytes": weights.stat().st_size},
        "scores": scores,
        "limits": list(about.limits),
    }
    write_json(weights.with_name("card.json"), card)
    write_text(weights.with_name("model_card.md"), card_text(card, dataset.labels, about))


def card_text(card: dict[str, Any], labels: dict[int, str], about: About) -> str:
    """The model card as Markdown. labels: name of each label by value, in the order of the table's rows."""
    words = about.words(card, labels)
    weights, scores = card["weights"], card["scores"]
    names = sorted(scores, key=place_of_set)
    sets = [(name, card["sets"][name]) for name in sorted(card["sets"], key=place_of_set)]
    lines = [
        f"# Model card: {words.name}",
        "",
        f"`{weights['file']}`, {weights['bytes'] / 1e6:.1f} MB, SHA-256 `{weights['sha256']}`.",
        "",
        words.architecture,
        "",
        "## Data and training",
        "",
        *(f"- {name}: {len(members)} volumes ({', '.join(members[:1])} ...)" for name, members in sets),
        f"- seed {card['seed']}, {card['threads']} threads, {words.training}",
        "- " + ", ".join(f"{name} {card['versions'][name]}" for name in ("python", *about.packages)),
        "",
        "![learning curve](learning_curve.png)",
        "",
        *(line for heading, paragraph in words.sections for line in (f"## {heading}", "", paragraph, "")),
        f"## Dice per {about.structure}",
        "",
        words.scored,
        "",
        _row([about.structure, *names]),
        "|" + "---|" * (len(names) + 1),
        *(_row([label, *(_number(scores[name]["dice"].get(label)) for name in names)]) for label in labels.values()),
        _row(["mean", *(_number(scores[name]["mean_dice"]) for name in names)]),
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in card["limits"]),
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
