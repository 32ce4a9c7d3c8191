"""InterMAT by every rule against what is known, from a `rule_errors` step: phantoms and real people side by side."""

import json
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, SOFT, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

WHOLE = "all"
PANELS = (
    ("phantom", "phantom", "phantoms, true volume of fat"),
    ("real, by tissue", "real data", "real: fat by volume of tissue\n(water and fat, each over pure tissue)"),
    ("real, by signal", "real data", "real: fat by signal\nF / (F + W)"),
)
"""Group of the rows, its evidence, its heading."""
MARKED = {
    "partial_volume": "the default; the claims of nako_cbp on InterMAT rest on it",
    "hard_muscle": "the paper's own, as far as it is printed; two claims rest on it",
}
"""What the claims rest on."""
WIDTH_IN, ROW_IN, HEAD_IN, LEFT_IN = 11.6, 0.3, 1.35, 1.75


def _read(path: Path) -> list[dict[str, Any]]:
    """The rows of an errors.json. Raises ItemFault."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        found = [
            {**{key: str(row[key]) for key in ("group", "structure", "rule")}, "error": row["measured"] - row["truth"]}
            for row in rows
        ]
        if not found:
            raise ValueError("no row")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ItemFault(f"has no errors by rule ({error})", where=path.name, fix="run the step again") from error
    return found


def _example(folder: Path) -> tuple[Path]:
    rows = [
        {"group": group, "image": "t2", "item": "a", "structure": s, "rule": rule, "measured": 5.0 + n, "truth": 5.5}
        for group, _, _ in PANELS
        for n, rule in enumerate(("partial_volume", "hard_muscle"))
        for s in (WHOLE, "multifidus_left")
    ]
    return (examples.json_file(folder, {"rows": rows}, "errors.json"),)


@picture("rule_errors", example=_example)
def rule_errors(errors_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """A row for each rule: single muscles hollow, all together filled, their mean as a number. Raises ItemFault."""
    rows = _read(errors_path)
    rules = [rule for rule in MARKED if any(row["rule"] == rule for row in rows)]
    rules += sorted({row["rule"] for row in rows} - set(MARKED))
    errors = [row["error"] for row in rows]
    notes = _notes(rows)
    foot_in = 0.95 + 0.16 * len(notes)
    height_in = HEAD_IN + foot_in + ROW_IN * len(rules)
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(WIDTH_IN, height_in, title, evidence)
        panels = figure.subplots(1, len(PANELS), sharey=True, sharex=True, squeeze=False)[0]
        figure.subplots_adjust(LEFT_IN / WIDTH_IN, foot_in / height_in, 0.985, 1 - HEAD_IN / height_in, wspace=0.08)
        for axes, (group, kind, heading) in zip(panels, PANELS, strict=True):
            _panel(axes, [row for row in rows if row["group"] == group], rules, EVIDENCE_COLOURS[kind])
            axes.set_title(heading, fontsize=9, color=EVIDENCE_COLOURS[kind], pad=6)
        panels[0].set_yticks(range(len(rules)), rules, fontsize=8)
        # Room at the right for the numbers.
        room = max(max(errors) - min(errors), 1.0)
        panels[0].set_xlim(min(errors) - 0.06 * room, max(errors) + 0.22 * room)
        panels[0].set_ylim(len(rules) - 0.4, -0.6)
        for label in panels[0].get_yticklabels():
            if label.get_text() in MARKED:
                label.set_fontweight("bold")
        figure.supxlabel(
            "InterMAT read, less what is known (percentage points)", fontsize=9, y=(foot_in - 0.5) / height_in
        )
        said = "\n".join(notes)
        figure.text(0.015, 0.1 / height_in, said, fontsize=7.5, color=SOFT, va="bottom", linespacing=1.4)
        marks = [
            Line2D([], [], marker="o", linestyle="", color=TEXT, markersize=5, label="all muscles of one image"),
            Line2D(
                [], [], marker="o", linestyle="", markerfacecolor="none", color=TEXT, markersize=4, label="one muscle"
            ),
        ]
        figure.legend(
            handles=marks, loc="upper left", bbox_to_anchor=(0.008, 1 - 0.45 / height_in), fontsize=7.5, frameon=False
        )
        save(figure, out_png)


def _panel(axes: Axes, rows: list[dict[str, Any]], rules: list[str], colour: str) -> None:
    axes.axvline(0, color=TEXT, linewidth=0.9)
    for at, rule in enumerate(rules):
        if rule in MARKED:
            axes.axhspan(at - 0.5, at + 0.5, color=colour, alpha=0.09, linewidth=0)
        of = [row for row in rows if row["rule"] == rule]
        single = [row["error"] for row in of if row["structure"] != WHOLE]
        whole = [row["error"] for row in of if row["structure"] == WHOLE]
        axes.plot(
            single, [at + 0.13] * len(single), "o", markersize=3.5, markerfacecolor="none", color=colour, alpha=0.7
        )
        axes.plot(whole, [at - 0.13] * len(whole), "o", markersize=4.5, color=colour)
        if whole:
            place = axes.get_yaxis_transform()
            axes.text(0.985, at, _signed(float(np.mean(whole))), transform=place, ha="right", va="center", fontsize=7.5)
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", color="#e3e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    """What the figure says in words, with the numbers of these rows."""
    lines = ["Numbers at the right: mean error of all muscles together. A filled dot is one image of one person."]
    for rule, meaning in MARKED.items():
        said = []
        for group, _, _ in PANELS:
            of = [row["error"] for row in rows if (row["group"], row["rule"], row["structure"]) == (group, rule, WHOLE)]
            if of:
                said.append(f"{group} {_signed(float(np.mean(of)))}")
        if said:
            lines.append(f"{rule}: {meaning}. Mean error: {'; '.join(said)}.")
    best = ", ".join(f"{group}: {_best(rows, group)}" for group, _, _ in PANELS if _best(rows, group))
    lines.append(f"Least root mean square error of single muscles (points): {best}.")
    return lines


def _best(rows: list[dict[str, Any]], group: str) -> str:
    """The rule with the least root mean square error of single muscles; empty without any."""
    squares: dict[str, list[float]] = {}
    for row in rows:
        if row["group"] == group and row["structure"] != WHOLE:
            squares.setdefault(row["rule"], []).append(row["error"] ** 2)
    if not squares:
        return ""
    found = {rule: float(np.sqrt(np.mean(of))) for rule, of in squares.items()}
    rule = min(found, key=lambda name: found[name])
    return f"{rule} ({found[rule]:.1f})"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
