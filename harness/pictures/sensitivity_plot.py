"""Errors of a stage under changed conditions, from a `sensitivity` step: one panel for each metric."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

PEOPLE = (("#1f5fa8", "o"), ("#7b5cd6", "s"), ("#b5460f", "^"))
SOFT = "#8a93a0"
WORDS = {
    "intermat_percent": "InterMAT",
    "intermat_percent_by_rule": "InterMAT by rule",
    "lmm_cm3_per_bmi": "lean muscle mass over BMI",
}
LINEAR_TO = 1.0
"""The axis is linear up to this error and logarithmic beyond it: small and large effects are both to be seen."""


def _read(path: Path) -> list[dict[str, Any]]:
    """The rows of an errors.json. Raises ItemFault."""
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        if not any(_known(row) for row in rows):
            raise ValueError("no value")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ItemFault(f"has no errors by condition ({error})", where=path.name, fix="run the step again") from error
    return rows


def _known(row: dict[str, Any]) -> list[tuple[float, float]]:
    """(measured, true) of the items that have both."""
    pairs = ((value["measured"], value["true"]) for value in row["values"])
    return [(float(a), float(b)) for a, b in pairs if a is not None and b is not None]


def _error(measured: float, true: float, unit: str) -> float:
    """In percentage points of a percentage, else in per cent of the true value."""
    return measured - true if unit == "%" else 100 * (measured / true - 1)


def _example(folder: Path) -> tuple[Path]:
    values = [{"item": "a", "measured": 4.5, "true": 4.0}, {"item": "b", "measured": 7.0, "true": 7.5}]
    rows = [
        {"effect": "noise", "level": level, "metric": "fat_percent", "unit": "%", "values": values}
        for level in ("as it is", "x 4")
    ]
    return (examples.json_file(folder, {"rows": rows}, "errors.json"),)


@picture("sensitivity", example=_example)
def sensitivity(errors_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """A row for each condition, a mark for each person, the mean of the first condition as a line. Raises ItemFault."""
    rows = _read(errors_path)
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    conditions = list(dict.fromkeys((row["effect"], row["level"]) for row in rows))
    with matplotlib.style.context(["default", STYLE]):
        height_in = 1.75 + 0.2 * len(conditions)
        figure = new_figure(4.4 + 2.9 * len(metrics), height_in, title, evidence)
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        left = 2.35 / (4.4 + 2.9 * len(metrics))
        figure.subplots_adjust(left, 0.85 / height_in, 0.985, 1 - 0.95 / height_in, wspace=0.09)
        people = _people([row for row in rows if row["metric"] == metrics[0]])
        for axes, metric in zip(panels, metrics, strict=True):
            _panel(axes, [row for row in rows if row["metric"] == metric], people, EVIDENCE_COLOURS.get(evidence, TEXT))
        panels[0].set_yticks(range(len(conditions)), [level for _, level in conditions], fontsize=7.5)
        panels[0].set_ylim(len(conditions) - 0.4, -0.6)
        _name_effects(panels[0], [effect for effect, _ in conditions])
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower left", fontsize=8, ncols=4, frameon=False)
        note = f"line: mean under the first condition; axis linear to \u00b1{LINEAR_TO:g}, logarithmic beyond"
        figure.text(0.015, 1 - 0.62 / height_in, note, fontsize=8)
        save(figure, out_png)


def _people(rows: list[dict[str, Any]]) -> dict[str, list[tuple[str, str, str]]]:
    """Effect, level and item of each person, by a label. A person is known by the true value of the first metric, which
    no condition changes: items have names of their own."""
    found: dict[float, list[tuple[str, str, str]]] = {}
    for row in rows:
        for value in row["values"]:
            if value["true"] is not None:
                found.setdefault(value["true"], []).append((row["effect"], row["level"], value["item"]))
    words = WORDS.get(rows[0]["metric"], rows[0]["metric"])
    return {f"person of true {words} {true:.1f} {rows[0]['unit']}": found[true] for true in sorted(found)}


def _panel(axes: Axes, rows: list[dict[str, Any]], people: dict[str, list[tuple[str, str, str]]], colour: str) -> None:
    """Errors of one metric, with one kind of mark a person."""
    unit, name = rows[0]["unit"], rows[0]["metric"]
    points = {
        (row["effect"], row["level"], value["item"]): (_error(value["measured"], value["true"], unit), at)
        for at, row in enumerate(rows)
        for value in row["values"]
        if value["measured"] is not None and value["true"] is not None
    }
    for (label, members), (ink, marker) in zip(people.items(), PEOPLE * len(people), strict=False):
        own = [points[member] for member in members if member in points]
        x, y = [error for error, _ in own], [at for _, at in own]
        axes.plot(x, y, marker, color=ink, markersize=4, alpha=0.85, linestyle="none", label=label)
    first = [_error(measured, true, unit) for measured, true in _known(rows[0])]
    axes.axvline(0, color=SOFT, linewidth=0.9, zorder=1)
    if first:
        axes.axvline(sum(first) / len(first), color=colour, linewidth=0.9, linestyle="--", zorder=1)
    for at, row in enumerate(rows):
        if len(_known(row)) < len(row["values"]):
            axes.text(0.99, at, "undefined", transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=7)
    axes.set_xscale("symlog", linthresh=LINEAR_TO, linscale=0.9)
    reach = 1.3 * max(2.0, *(abs(_error(a, b, unit)) for row in rows for a, b in _known(row)))
    ticks = [t for t in (-50, -20, -5, -1, 0, 1, 5, 20, 50) if abs(t) <= reach]
    axes.set_xlim(-reach, reach)
    axes.set_xticks(ticks, [f"{t:+g}".replace("-", "\u2212") if t else "0" for t in ticks], fontsize=7)
    axes.set_xticks([], minor=True)
    axes.grid(axis="both", color="#e9ecf0", linewidth=0.6)
    axes.set_axisbelow(True)
    base, _, rest = name.partition(".")
    words = WORDS.get(base, base.replace("_", " "))
    axes.set_title(f"{words}: {rest.replace('_', ' ')}" if rest else words, fontsize=9, loc="left")
    axes.set_xlabel("error, percentage points" if unit == "%" else "error, % of the true value", fontsize=8)


def _name_effects(axes: Axes, effects: list[str]) -> None:
    """Each effect once, left of its levels, with a line between effects."""
    at = 0
    for effect, group in groupby(effects):
        count = len(list(group))
        axes.annotate(
            effect, (0, at + (count - 1) / 2), xycoords=axes.get_yaxis_transform(), xytext=(-158, 0),
            textcoords="offset points", va="center", fontsize=8.5, weight="bold",
        )  # fmt: skip
        at += count
        if at < len(effects):
            axes.axhline(at - 0.5, color=SOFT, linewidth=0.5, xmin=-1.0, xmax=1.0, clip_on=False)
