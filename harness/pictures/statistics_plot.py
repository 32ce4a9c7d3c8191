"""Nomogram and calibration curve from the results.json of the association stage (or of r_reference).

Invariant: nothing is estimated here; every position is read from the file. What the file leaves undefined is not
drawn, and said.
"""

import json
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, SOFT, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

CORRECTED = "#c46a00"
ROW_IN, HEAD_IN, FOOT_IN = 0.55, 0.85, 0.35
LABEL_PART, RIGHT_PART = 0.2, 0.03
"""Parts of the width that names take at the left, and that stays free at the right."""
NAME_LENGTH = 22
"""Characters of a name in one line at the left."""
CHARACTER = 0.0105
"""Width of a character of a tick label as part of the axis: labels nearer than their widths go under the line."""

Tick = tuple[float, str]


def _analysis(path: Path, name: str, kind: str) -> dict[str, Any]:
    """One analysis. Raises ItemFault when the file has none of that id and kind."""
    try:
        analysis: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["analyses"][name]
        if analysis["kind"] != kind:
            raise ValueError(f"analysis {name} is of kind {analysis['kind']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ItemFault(
            f"has no {kind} {name!r} to draw ({error})", where=path.name, fix=f"name an analysis of kind {kind}"
        ) from error
    return analysis


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}".replace("-", "−")


def _row(axes: Axes, y: float, name: str, ticks: Sequence[Tick], colour: str, limits: tuple[float, float]) -> None:
    """One axis of a nomogram: a line over its ticks, labels above, or under it where they would touch."""
    width = limits[1] - limits[0]
    shown = sorted((x, label) for x, label in ticks if limits[0] - 1e-9 <= x <= limits[1] + 1e-9)
    axes.text(-0.02, y, textwrap.fill(name, NAME_LENGTH), transform=axes.get_yaxis_transform(), ha="right", va="center")
    if not shown:
        return
    axes.plot([shown[0][0], shown[-1][0]], [y, y], color=colour, linewidth=1.3, solid_capstyle="butt")
    ends = {1: -math.inf, -1: -math.inf}
    for x, label in shown:
        half = CHARACTER * len(label) * width / 2
        side = 1 if x - half > ends[1] else -1
        if x - half > ends[side]:
            axes.text(x, y + 0.2 * side, label, ha="center", va="bottom" if side > 0 else "top", fontsize=7.5)
            ends[side] = x + half
        axes.plot([x, x], [y, y + 0.13 * side], color=colour, linewidth=1.0)


def _nomogram_example(folder: Path) -> tuple[Path, str]:
    analysis = {
        "kind": "nomogram", "numbers": [], "total_points": [0.0, 100.0, 200.0],
        "axes": [{"variable": "age_years", "unit": "years", "values": [40.0, 80.0], "points": [0.0, 100.0]}],
        "linear_predictor": {"values": [-3.0, 0.0], "total_points": [20.0, 150.0]},
        "probability": {"values": [0.1, 0.5], "total_points": [50.0, 150.0]},
    }  # fmt: skip
    return examples.json_file(folder, {"analyses": {"n": analysis}}), "n"


@picture("nomogram", needs="analysis", example=_nomogram_example)
def nomogram_plot(results_path: Path, analysis: str, out_png: Path, title: str, evidence: str) -> None:
    """Points of each variable, and below them total points, linear predictor and probability.

    results_path: results.json of an association stage. analysis: id of a `nomogram`. Raises ItemFault.
    """
    found = _analysis(results_path, analysis, "nomogram")
    variables = found["axes"]
    rows = len(variables) + 4
    points = max(max(one["points"]) for one in variables)
    top = max(found["total_points"])
    with matplotlib.style.context(["default", STYLE]):
        height = HEAD_IN + FOOT_IN + ROW_IN * rows
        figure = new_figure(9.0, height, title, evidence)
        box = (LABEL_PART, FOOT_IN / height, 1 - LABEL_PART - RIGHT_PART, (height - HEAD_IN - FOOT_IN) / height)
        axes = figure.add_axes(box)
        axes.set(xlim=(0.0, points), ylim=(-rows + 0.4, 0.6))
        axes.axis("off")
        colour = EVIDENCE_COLOURS.get(evidence, TEXT)
        for tick in range(0, 101, 10):
            axes.axvline(points * tick / 100, color=SOFT, alpha=0.15, linewidth=0.6)
        scale = [(points * tick / 100, _text(points * tick / 100)) for tick in range(0, 101, 10)]
        _row(axes, 0.0, "Points", scale, TEXT, (0.0, points))
        for row, one in enumerate(variables, 1):
            ticks = [(x, _text(value)) for x, value in zip(one["points"], one["values"], strict=True)]
            unit = f" ({one['unit']})" if one.get("unit", "1") != "1" else ""
            _row(axes, -row, one["variable"].replace("_", " ") + unit, ticks, colour, (0.0, points))
        lower = {
            "Total points": [(total, total) for total in found["total_points"]],
            "Linear predictor": _pairs(found["linear_predictor"]),
            "Probability": _pairs(found["probability"]),
        }
        for row, (name, pairs) in enumerate(lower.items(), len(variables) + 1):
            _row(axes, -row, name, [(x * points / top, _text(v)) for x, v in pairs], TEXT, (0.0, points))
        save(figure, out_png)


def _pairs(axis: dict[str, list[float]]) -> list[tuple[float, float]]:
    return list(zip(axis["total_points"], axis["values"], strict=True))


def _calibration_example(folder: Path) -> tuple[Path, str]:
    analysis = {
        "kind": "calibration", "numbers": [{"quantity": "calibration_error_mean", "value": 0.0123}],
        "curve": {"predicted": [0.1, 0.2], "apparent": [0.1, 0.25], "corrected": [0.12, 0.22]},
        "bootstrap": {"resamples": 200, "fitted": 199, "draws_sha256": ""},
    }  # fmt: skip
    return examples.json_file(folder, {"analyses": {"c": analysis}}), "c"


@picture("calibration", needs="analysis", example=_calibration_example)
def calibration_plot(results_path: Path, analysis: str, out_png: Path, title: str, evidence: str) -> None:
    """Observed share against predicted probability: ideal, apparent and bias-corrected.

    results_path: results.json of an association stage. analysis: id of a `calibration`. Raises ItemFault.
    """
    found = _analysis(results_path, analysis, "calibration")
    curve = found["curve"]
    error = next((one["value"] for one in found["numbers"] if one["quantity"] == "calibration_error_mean"), None)
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(5.6, 5.6, title, evidence)
        axes = figure.add_axes((0.13, 0.16, 0.82, 0.68))
        lines = {
            "apparent": (SOFT, ":"),
            "corrected": (EVIDENCE_COLOURS.get(evidence, CORRECTED), "-"),
        }
        known = [v for name in ("predicted", *lines) for v in curve[name] if v is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        axes.plot([low, high], [low, high], color=TEXT, linewidth=0.9, linestyle="--", label="ideal")
        for name, (colour, style) in lines.items():
            shares = [math.nan if v is None else v for v in curve[name]]
            words = {"apparent": "apparent", "corrected": "corrected for optimism"}[name]
            axes.plot(curve["predicted"], shares, color=colour, linestyle=style, linewidth=1.7, label=words)
        axes.set(xlabel="predicted probability", ylabel="observed share", xlim=(low, high))
        axes.legend(frameon=False, loc="upper left", fontsize=8)
        bootstrap = found["bootstrap"]
        mean = "undefined" if error is None else f"{error:.2g}"
        unknown = sum(v is None for v in curve["corrected"])
        lost = f"; undefined at {unknown} of {len(curve['corrected'])} places" if unknown else ""
        note = f"{bootstrap['fitted']} bootstrap resamples; mean absolute error {mean}{lost}"
        figure.text(0.13, 0.03, note, fontsize=8, color=SOFT)
        save(figure, out_png)
