"""Pictures of the Gaussian mixture and of what it measures."""

import json
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes

from containers.contract.errors import ItemFault
from containers.toolkit.tables.table import read_table
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, SOFT, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

MUSCLE, MIDDLE, FAT = "#b8471b", "#8a6fd1", "#c98a00"
ADIPOSE = "#0f7f6e"
COLUMNS = 4


def _read(path: Path) -> dict[str, Any]:
    """The scopes of a composition's mixture.json, with its adipose signal. Raises ItemFault."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for scope in found["scopes"].values():
            bins = scope["bins"]
            scope["centres"] = bins["first"] + (np.arange(len(bins["counts"])) + 0.5) * bins["width"]
            scope["density"] = np.array(bins["counts"]) / (sum(bins["counts"]) * bins["width"])
        if not found["scopes"]:
            raise ValueError("no scope")
        found["adipose_signal"] = found["adipose_signal"] and float(found["adipose_signal"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ItemFault(f"is not a mixture ({error})", where=path.name, fix="run composition again") from error
    return found


def _component(number: int, of: int) -> tuple[str, str]:
    """Colour and name of component `number` (from 0, the darkest first) of `of`."""
    if number == 0:
        return MUSCLE, "muscle"
    return (FAT, "fat") if number == of - 1 else (MIDDLE, "middle")


def _example(folder: Path) -> tuple[Path]:
    scope = {
        "method": "histogram", "converged": True, "iterations": 12, "weights": [0.8, 0.2], "means": [15.0, 60.0],
        "sds": [4.0, 5.0], "hard_fat_from": 45.0, "bins": {"first": 0.0, "width": 10.0, "counts": [5, 40, 25, 10, 8]},
    }  # fmt: skip
    return (examples.json_file(folder, {"adipose_signal": 66.0, "scopes": {"all": scope}}, "mixture.json"),)


@picture("mixture_histogram", example=_example)
def mixture_histogram(mixture_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Intensities inside the labels with the fitted components, one panel per mixture; logarithmic, since fat is rare.

    Vertical lines: from where hard assignment says fat, and the signal of pure adipose tissue. Raises ItemFault.
    """
    found = _read(mixture_path)
    scopes = found["scopes"]
    with matplotlib.style.context(["default", STYLE]):
        height_in = 1.3 + 3.3 * len(scopes)
        figure = new_figure(9.6, height_in, title, evidence)
        panels = figure.subplots(len(scopes), 1, squeeze=False)[:, 0]
        figure.subplots_adjust(0.08, 0.6 / height_in, 0.98, 1 - 0.9 / height_in, hspace=0.45)
        for axes, (name, scope) in zip(panels, scopes.items(), strict=True):
            _mixture_panel(axes, scope, found["adipose_signal"])
            state = "converged" if scope["converged"] else "not converged"
            where = "all labelled voxels" if name == "all" else name.replace("_", " ")
            steps = f"{scope['method'].replace('_', ' ')}, {scope['iterations']} iterations, {state}"
            axes.set_title(f"{where}: {steps}", fontsize=9, loc="left")
        panels[-1].set_xlabel("intensity (image units)")
        save(figure, out_png)


def _mixture_panel(axes: Axes, scope: dict[str, Any], adipose: float | None) -> None:
    x, density = scope["centres"], scope["density"]
    axes.fill_between(x, density, step="mid", color="#d5dae2", linewidth=0, label="voxels")
    total = np.zeros(len(x))
    components = list(zip(scope["weights"], scope["means"], scope["sds"], strict=True))
    for number, (weight, mean, sd) in enumerate(components):
        part = weight / (sd * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((x - mean) / sd) ** 2)
        total += part
        colour, name = _component(number, len(components))
        label = f"{name}: weight {100 * weight:.1f} %, mean {mean:.0f}, SD {sd:.0f}"
        axes.plot(x, part, color=colour, linewidth=1.4, label=label)
    axes.plot(x, total, color=TEXT, linewidth=0.9, linestyle=":", label="sum of the components")
    lines = ((scope["hard_fat_from"], FAT, "hard assignment: fat from here"), (adipose, ADIPOSE, "adipose tissue"))
    for place, colour, label in lines:
        if place is not None:
            axes.axvline(place, color=colour, linestyle="--", linewidth=1.1, label=f"{label} ({place:.0f})")
    least = density[density > 0].min()
    axes.set(yscale="log", ylim=(least / 2, 2 * density.max()), ylabel="share of voxels per unit")
    axes.legend(fontsize=7.5, loc="upper right", edgecolor="none", framealpha=0.9)


@picture("measured_against_true", needs="overlay", example=examples.two_tables)
def measured_against_true(measured_path: Path, expected_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Measured against true, one panel per numeric column of two tables, with the line of identity and the bias.

    All panels share their axes, so that the rules can be compared by eye. Raises ItemFault when the columns differ.
    """
    measured, expected = read_table(measured_path), read_table(expected_path)
    if list(measured) != list(expected):
        raise ItemFault("has other columns than the measured table", where=expected_path.name, fix="pair the tables")
    pairs = {name: _pairs(measured[name], expected[name]) for name in measured if name not in ("item", "structure")}
    pairs = {name: values for name, values in pairs.items() if len(values)}
    if not pairs:
        raise ItemFault("has no column with numbers", where=measured_path.name, fix="give measured values")
    high = 1.06 * max(float(values.max()) for values in pairs.values())
    colour = EVIDENCE_COLOURS.get(evidence, TEXT)
    with matplotlib.style.context(["default", STYLE]):
        columns = min(COLUMNS, len(pairs))
        lines = -(-len(pairs) // columns)
        width_in, height_in = 2.6 * columns + 0.5, 2.75 * lines + 0.8
        figure = new_figure(width_in, height_in, title, evidence)
        panels = list(figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).flat)
        top = 1 - 0.85 / height_in
        figure.subplots_adjust(0.6 / width_in, 0.55 / height_in, 1 - 0.15 / width_in, top, wspace=0.12, hspace=0.32)
        for unused in panels[len(pairs) :]:
            unused.remove()
        for number, (axes, (name, values)) in enumerate(zip(panels, pairs.items(), strict=False)):
            axes.plot([0, high], [0, high], color=SOFT, linewidth=0.9)
            axes.plot(values[:, 1], values[:, 0], "o", color=colour, markersize=4, markeredgewidth=0)
            bias = float((values[:, 0] - values[:, 1]).mean())
            said = f"bias {bias:+.2f}".replace("-", "−")
            axes.set_title(f"{name.rpartition('.')[2].replace('_', ' ')}\n{said}", fontsize=8.5, loc="left")
            axes.set(xlim=(0, high), ylim=(0, high), aspect="equal")
            if number % columns == 0:
                axes.set_ylabel("measured")
            if number + columns >= len(pairs):
                axes.set_xlabel("true")
                axes.tick_params(labelbottom=True)
        save(figure, out_png)


def _pairs(measured: list[Any], expected: list[Any]) -> Any:
    """(n, 2) measured and true, where both are numbers."""
    both = [(a, b) for a, b in zip(measured, expected, strict=True) if a is not None and b is not None]
    return np.array(both, dtype=float).reshape(-1, 2)
