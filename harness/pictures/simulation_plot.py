"""Pictures of simulations: performance of estimates with Monte-Carlo error, and attenuation against Dice."""

import json
import math
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

RULE = "#c46a00"
MOST_ROWS = 60
LEAST_LOG_ODDS = 0.05
"""A true association that can be lost."""
FAULTS = {
    "boundary": ("#2f6fb0", "o", "smooth random boundary, new for each person and structure"),
    "depth": ("#b8471b", "s", "each structure of each person too large or too small"),
    "erosion": ("#0f7f6e", "^", "every structure of everybody eroded alike"),
}


def _read(path: Path) -> dict[str, Any]:
    """A simulation.json. Raises ItemFault."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not found["estimates"]:
            raise ValueError("no estimates")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ItemFault(f"is not a simulation ({error})", where=path.name, fix="run the simulation again") from error
    return found


def _name(row: dict[str, Any]) -> str:
    quantity, _, rest = str(row["name"]).partition(".")
    unit = f" ({row['unit']})" if row["unit"] != "1" else ""
    label = f", {row['label']} interval" if row["label"] else ""
    return f"{quantity} {rest}{unit}{label}".replace("_", " ").replace(".", ", ")


@picture("performance", example=examples.simulation)
def performance(simulation_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Bias in units of the empirical SE, coverage and power of each estimate, with 95 % Monte-Carlo intervals (of
    means: Student's; of shares: Wilson's). Raises ItemFault when the file is not a simulation.
    """
    found = _read(simulation_path)
    rows = [row for row in found["estimates"] if row.get("bias") is not None][:MOST_ROWS]
    colour = EVIDENCE_COLOURS.get(evidence, TEXT)
    with matplotlib.style.context(["default", STYLE]):
        height_in = 1.7 + 0.22 * len(rows)
        figure = new_figure(11.0, height_in, title, evidence)
        panels = figure.subplots(1, 3, sharey=True)
        figure.subplots_adjust(0.36, 0.75 / height_in, 0.98, 1 - 0.85 / height_in, wspace=0.12)
        for axes, (measure, factor, rule, word) in zip(
            panels,
            (
                ("bias", 1.0, 0.0, "bias / empirical SE"),
                ("coverage", 100.0, 100 * found["confidence"], "coverage (%)"),
                ("power", 100.0, None, "intervals without the null value (%)"),
            ),
            strict=True,
        ):
            _dots(axes, rows, measure, factor, colour)
            if rule is not None:
                axes.axvline(rule, color=RULE, linewidth=1.1, zorder=1)
            axes.set_xlabel(word)
            axes.grid(axis="x", color="#e3e6ea", linewidth=0.6)
            axes.tick_params(labelsize=7)
        panels[0].set_yticks(range(len(rows)), [_name(row) for row in rows])
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        note = f"{found['draws']} draws of {found['phantom']}, {len(found['failed'])} failed; bars: 95 % Monte-Carlo"
        figure.text(0.36, 1 - 0.62 / height_in, f"{note} interval", fontsize=8)
        save(figure, out_png)


def _dots(axes: Axes, rows: list[dict[str, Any]], measure: str, factor: float, colour: str) -> None:
    for at, row in enumerate(rows):
        value = row.get(measure)
        if value is None:
            continue
        if measure == "bias":
            scale = 1 / (row["empirical_se"] or 1.0)
            ends = (row["bias_low"], row["bias_high"])
        else:
            scale, ends = factor, wilson(value, row["intervals"])
        bar = [[(value - ends[0]) * scale], [(ends[1] - value) * scale]]
        axes.errorbar(value * scale, at, xerr=bar, fmt="o", ms=3.5, color=colour, elinewidth=1.0, zorder=3)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n draws (Brown, Cai and DasGupta 2001): also good at 0 and 1."""
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


@picture("attenuation", example=examples.simulation)
def attenuation(simulation_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Odds ratio with segmentation error over that without, in the same draws, against mean Dice: one panel for each
    estimate, one line for each fault of masks. Outcomes that have no true association are left out.

    Bars: 95 % Monte-Carlo interval. Raises ItemFault when the file has no levels with Dice.
    """
    found = _read(simulation_path)
    facts = {level["id"]: level["facts"] for level in found["levels"]}
    rows = [
        row
        for row in found["estimates"]
        if row.get("shift_ratio") is not None
        and "dice" in facts.get(row["level"], {})
        and abs(row["mean_truth"]) > LEAST_LOG_ODDS
    ]
    if not rows:
        raise ItemFault("has no odds ratio at a level with Dice", where=simulation_path.name, fix="name `levels`")
    names = list(dict.fromkeys(row["name"] for row in rows))
    with matplotlib.style.context(["default", STYLE]):
        columns = min(2, len(names))
        lines = math.ceil(len(names) / columns)
        width_in, height_in = 4.8 * columns, 3.2 * lines + 1.7
        figure = new_figure(width_in, height_in, title, evidence)
        panels = list(figure.subplots(lines, columns, squeeze=False).flat)
        for unused in panels[len(names) :]:
            unused.remove()
        bottom, top = 1.35 / height_in, 1 - 0.95 / height_in
        figure.subplots_adjust(0.75 / width_in, bottom, 1 - 0.2 / width_in, top, wspace=0.28, hspace=0.42)
        least = min(float(facts[row["level"]]["dice"]) for row in rows)
        for axes, name in zip(panels, names, strict=False):
            own = [row for row in rows if row["name"] == name]
            _curves(axes, own, facts)
            true = math.exp(own[0]["mean_truth"])
            axes.axhline(1.0, color=RULE, linewidth=1.0, zorder=1)
            axes.axhline(1 / true, color=RULE, linewidth=1.0, linestyle=":", zorder=1)
            axes.set_title(f"{_outcome(name)}: true odds ratio {true:.2f}", fontsize=9, loc="left")
            axes.set(xlabel="mean Dice of 27 structures", ylabel="odds ratio with / without error")
            axes.set_xlim(1.005, least - 0.01)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower left", fontsize=7.5, frameon=False, bbox_to_anchor=(0.01, 0.0))
        note = f"{found['draws']} draws each; bars: 95 % Monte-Carlo interval; dotted line: no association left"
        figure.text(0.015, 1 - 0.6 / height_in, note, fontsize=8)
        save(figure, out_png)


def _outcome(name: str) -> str:
    """`coefficient.weak_grip_pa_text.pa_third:high` is `Weak grip`."""
    words = name.split(".")[1].removesuffix("_pa_text").replace("_", " ")
    return words[:1].upper() + words[1:]


def _curves(axes: Axes, rows: list[dict[str, Any]], facts: dict[str, dict[str, Any]]) -> None:
    for fault, (colour, marker, words) in FAULTS.items():
        own = [row for row in rows if facts[row["level"]]["fault"] == fault]
        own.sort(key=lambda row: -float(facts[row["level"]]["dice"]))
        # Every curve begins where there is no error: Dice 1, ratio 1 by definition.
        x = [1.0, *(facts[row["level"]]["dice"] for row in own)]
        y = [1.0, *(row["shift_ratio"] for row in own)]
        ends = [(1.0, 1.0), *((row["shift_ratio_low"], row["shift_ratio_high"]) for row in own)]
        bars = [
            [at - low for at, (low, _) in zip(y, ends, strict=True)],
            [high - at for at, (_, high) in zip(y, ends, strict=True)],
        ]
        axes.errorbar(x, y, yerr=bars, color=colour, marker=marker, ms=4, lw=1.3, elinewidth=0.9, label=words)
