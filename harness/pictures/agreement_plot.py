"""Bland-Altman plots: difference against mean of paired tables, one panel per quantity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.tables.table import read_table
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

TITLES = {
    "volume_cm3": "Volume of a structure",
    "pdff_percent": "Fat fraction of a structure",
    "tmv_cm3": "Total muscle volume (TMV)",
    "pa_ratio_hamstrings_quadriceps": "P/A ratio, hamstrings over quadriceps",
    "pa_ratio_compartments": "P/A ratio, posterior over anterior",
}
UNITS = {"_cm3": "cm³", "_percent": "%", "_kg": "kg", "_mm": "mm"}
BIAS = "#c46a00"


@dataclass
class Pairs:
    """Measured and expected values of one quantity."""

    values: list[tuple[float, float]] = field(default_factory=list)
    """Measured and expected value of each pair."""
    participants: list[str] = field(default_factory=list)
    """The participant of each pair."""
    parts: list[str] = field(default_factory=list)
    """The structure of each pair."""

    def count(self) -> str:
        """How many points there are, and of what they are pooled."""
        n, people = len(self.values), len(set(self.participants))
        if n == people:
            return f"n = {n} participants"
        parts = len(set(self.parts))
        if n == people * parts:
            return f"n = {n}: {people} participants × {parts} structures, pooled"
        return f"n = {n}: {people} participants, up to {parts} structures, pooled"


def _unit(name: str) -> str:
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")


def _title(name: str) -> str:
    words = next((name.removesuffix(e) for e in UNITS if name.endswith(e)), name).replace("_", " ")
    return TITLES.get(name, words[:1].upper() + words[1:])


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _groups(measured: Mapping[str, Sequence[Any]], expected: Mapping[str, Sequence[Any]]) -> dict[str, Pairs]:
    """Pairs by quantity (a column's name before the dot; what follows is a structure)."""
    rows = len(next(iter(measured.values()), []))
    people = [str(v) for v in measured.get("item", range(rows))]
    structures = [str(v) for v in measured.get("structure", [""] * rows)]
    groups: dict[str, Pairs] = {}
    for name in measured:
        quantity, _, part = name.partition(".")
        for row, (a, b) in enumerate(zip(measured[name], expected[name], strict=True)):
            if isinstance(a, (int, float)) and isinstance(b, (int, float)):
                group = groups.setdefault(quantity, Pairs())
                group.values.append((float(a), float(b)))
                group.participants.append(people[row])
                group.parts.append(f"{part} {structures[row]}")
    return groups


@picture("bland_altman", needs="overlay", example=examples.two_tables)
def bland_altman(measured_path: Path, expected_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Difference against mean of two tables with equal columns, one panel per quantity.

    Lines: the bias (mean difference) and the 95 % limits of agreement, bias ± 1.96 standard deviations (Bland and
    Altman 1986). Structures of one participant are not independent: pooled points are said to be pooled. Entries
    without a value in either table are left out. Raises ItemFault when columns or rows differ.
    """
    measured, expected = read_table(measured_path), read_table(expected_path)
    if list(measured) != list(expected) or any(len(measured[n]) != len(expected[n]) for n in measured):
        raise ItemFault(
            "has other columns or rows than the measured table", where=expected_path.name, fix="pair the tables"
        )
    groups = _groups(measured, expected)
    if not groups:
        raise ItemFault("has no column with numbers", where=measured_path.name, fix="give measured values")
    with matplotlib.style.context(["default", STYLE]):
        columns = min(2, len(groups))
        lines = -(-len(groups) // columns)
        width_in, height_in = 4.9 * columns, 3.6 * lines + 0.6
        figure = new_figure(width_in, height_in, title, evidence)
        panels = list(figure.subplots(lines, columns, squeeze=False).flat)
        for unused in panels[len(groups) :]:
            unused.remove()
        left, bottom, top = 1.0 / width_in, 0.6 / height_in, 1 - 1.5 / height_in
        figure.subplots_adjust(left, bottom, 1 - 0.25 / width_in, top, wspace=0.3, hspace=0.85)
        for axes, (name, pairs) in zip(panels, groups.items(), strict=False):
            values, unit = np.array(pairs.values), _unit(name)
            means, gaps = values.mean(axis=1), values[:, 0] - values[:, 1]
            bias, spread = float(gaps.mean()), float(gaps.std(ddof=1)) if len(gaps) > 1 else 0.0
            low, high = bias - 1.96 * spread, bias + 1.96 * spread
            colour = EVIDENCE_COLOURS.get(evidence, TEXT)
            axes.scatter(means, gaps, s=16, color=colour, edgecolors="white", linewidths=0.4, zorder=3)
            for level, style in ((bias, "-"), (low, "--"), (high, "--")):
                axes.axhline(level, color=BIAS, linestyle=style, linewidth=1.1)
            in_unit = f" ({unit})" if unit else ""
            axes.set(xlabel=f"mean of measured and true{in_unit}", ylabel=f"measured − true{in_unit}")
            axes.locator_params(nbins=5)
            axes.margins(y=0.15)
            axes.set_title(_title(name) + in_unit, fontsize=10, fontweight="bold", loc="left", pad=42)
            limits = f"{_number(low)} to {_number(high)}{unit and f' {unit}'}"
            note = f"bias {_number(bias)}\n95 % limits of agreement, bias ± 1.96 SD: {limits}"
            axes.text(0, 1.02, f"{note}\n{pairs.count()}", transform=axes.transAxes, fontsize=7.5, va="bottom")
        save(figure, out_png)
