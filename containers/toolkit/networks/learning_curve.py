"""The picture of a training run: losses on the left axis, Dice of the validation on the right one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from containers.contract.files import replacing

COLOURS = ("#1f5fa8", "#7aa6d6")
"""Of the losses, in their order."""
DICE_COLOUR = "#b5460f"


@dataclass(frozen=True)
class Line:
    """One line of the picture."""

    label: str
    """What it is, for the legend."""
    epochs: Sequence[int]
    """Epoch of each value, from 1."""
    values: Sequence[float | None]
    """The values; None leaves a gap."""


def draw_learning_curve(
    path: Path, name: str, losses: Sequence[Line], dice: Line, *, dice_axis: str, dice_style: str
) -> None:
    """Draw it as PNG, the same bytes for the same numbers.

    name: of the configuration. losses: two at most. dice: not drawn before its first value. dice_axis: what is written
    at the right axis. dice_style: matplotlib's, of the line of Dice.
    """
    from matplotlib.figure import Figure  # only for training: the images of the stages go without it

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    for line, colour in zip(losses, COLOURS, strict=False):
        left.plot(line.epochs, np.asarray(line.values, dtype=float), color=colour, label=line.label)
    left.set(title=f"{name}: learning curve", xlabel="epoch", ylabel="loss (Dice + cross entropy)")
    right = left.twinx()
    if dice.values:
        right.plot(dice.epochs, np.asarray(dice.values, dtype=float), dice_style, color=DICE_COLOUR, label=dice.label)
    right.set(ylabel=dice_axis, ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=len(losses) + 1)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
