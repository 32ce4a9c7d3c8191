"""Dice, IoU, precision and recall of every structure, from the record of an agreement stage."""

import json
from pathlib import Path

import matplotlib.style
import numpy as np

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

MEASURES = ("dice", "iou", "precision", "recall")
MEAN = "#c46a00"
NAMED = 3
"""How many of the worst structures are named in the scatter plot."""


def _values(record: Path) -> dict[str, dict[str, float]]:
    """structure -> measure -> value, of the structures that have all four. Raises ItemFault."""
    found: dict[str, dict[str, float]] = {}
    try:
        metrics = json.loads(record.read_text(encoding="utf-8"))["metrics"]
        for name, metric in metrics.items():
            measure, _, structure = name.partition(".")
            if measure in MEASURES and structure and metric["value"] is not None:
                found.setdefault(structure, {})[measure] = float(metric["value"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ItemFault("is not a record of agreement", where=record.name, fix="compare labels first") from error
    whole = {name: values for name, values in found.items() if len(values) == len(MEASURES)}
    if not whole:
        raise ItemFault("has no structure with all measures", where=record.name, fix="compare labels with truth")
    return whole


def _example(folder: Path) -> tuple[Path]:
    metrics = {
        f"{measure}.{structure}": {"value": value, "unit": "1"}
        for structure, value in (("gracilis", 0.9), ("femur", 0.95))
        for measure in MEASURES
    }
    return (examples.json_file(folder, {"metrics": metrics}, "record.json"),)


@picture("per_class", example=_example)
def per_class(record: Path, out_png: Path, title: str, evidence: str) -> None:
    """Bars of Dice and IoU, precision against recall, and all four as a heat map; structures by falling Dice.

    The bars start at the value where their axis does, and the dashed lines are means over structures. Raises ItemFault.
    """
    values = _values(record)
    names = sorted(values, key=lambda name: (-values[name]["dice"], name))
    table = np.array([[values[name][measure] for measure in MEASURES] for name in names])
    labels = [name.replace("_", " ") for name in names]
    low = float(np.floor(10 * table.min()) / 10)
    low = min(low, 0.9)
    colour = EVIDENCE_COLOURS.get(evidence, TEXT)
    with matplotlib.style.context(["default", STYLE]):
        height_in = 4.6 + 0.21 * len(names)
        figure = new_figure(12.0, height_in, title, evidence)
        row_in = 0.21 * len(names)
        bottom, top_bottom = 0.55 / height_in, 1.15 / height_in + row_in / height_in
        for place, column, word in ((0.135, 0, "Dice"), (0.375, 1, "IoU")):
            axes = figure.add_axes((place, bottom, 0.2, row_in / height_in))
            axes.barh(range(len(names)), table[:, column] - low, left=low, color=colour, height=0.7)
            mean = float(table[:, column].mean())
            axes.axvline(mean, color=MEAN, linestyle="--", linewidth=1.2)
            axes.set(xlim=(low, 1.0), ylim=(len(names) - 0.4, -0.6), xlabel=f"{word}; dashed: mean {mean:.3f}")
            axes.set_yticks(range(len(names)), labels if column == 0 else [""] * len(names), fontsize=7)
            axes.tick_params(axis="x", labelsize=7)
            axes.locator_params(axis="x", nbins=4)
        _heat(figure.add_axes((0.615, bottom, 0.24, row_in / height_in)), table, low)
        axes = figure.add_axes((0.135, top_bottom + 0.25 / height_in, 0.44, 2.35 / height_in))
        dots = axes.scatter(
            table[:, 3], table[:, 2], c=table[:, 0], cmap="viridis", vmin=low, vmax=1, s=34, edgecolors=TEXT, lw=0.4
        )
        for index in range(max(0, len(names) - NAMED), len(names)):
            axes.annotate(
                labels[index],
                (table[index, 3], table[index, 2]),
                xytext=(5, -3),
                textcoords="offset points",
                fontsize=6.5,
            )
        axes.set(xlabel="recall", ylabel="precision")
        axes.margins(0.1)
        figure.colorbar(dots, cax=figure.add_axes((0.59, top_bottom + 0.25 / height_in, 0.012, 2.35 / height_in)))
        figure.text(0.606, top_bottom + 2.68 / height_in, "Dice", fontsize=7.5, ha="center")
        words = (
            f"{len(names)} structures of one phantom\nparticipant that training never saw.\n\n"
            f"mean Dice {table[:, 0].mean():.3f}\nmean IoU {table[:, 1].mean():.3f}\n"
            f"mean precision {table[:, 2].mean():.3f}\nmean recall {table[:, 3].mean():.3f}\n\n"
            "The shipped network on made-up images:\nnot the paper's network, not people."
        )
        figure.text(0.68, top_bottom + 2.6 / height_in, words, fontsize=9, va="top", linespacing=1.5, color=TEXT)
        save(figure, out_png)


def _heat(axes: matplotlib.axes.Axes, table: np.ndarray[tuple[int, int], np.dtype[np.float64]], low: float) -> None:
    axes.imshow(table, cmap="viridis", vmin=low, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        ink = "white" if value < (low + 1) / 2 else "black"
        axes.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=6.5, color=ink)
    axes.set_xticks(range(len(MEASURES)), ["Dice", "IoU", "precision", "recall"], fontsize=7.5)
    axes.set_yticks([])
