"""Forest and funnel plots from the results.json of a meta-analysis stage (meta_analysis or r_reference).

Invariant: nothing is estimated here; every centre, interval and weight is read from the file. What the file leaves
undefined is not drawn, and said.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.frame import EVIDENCE_COLOURS, SOFT, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

POOLED = "#c46a00"
ROW_IN, HEAD_IN, FOOT_IN = 0.22, 0.75, 0.75
FOREST_KINDS, FUNNEL_KINDS = ("pooled", "trim_and_fill", "subgroups"), ("pooled", "trim_and_fill")


@dataclass(frozen=True)
class Row:
    """One line of a forest plot."""

    label: str
    """What stands at its left."""
    centre: float | None
    """The effect or mean; None where it is undefined."""
    low: float | None
    """Lower limit; None where it is undefined."""
    high: float | None
    """Upper limit; None where it is undefined."""
    weight: float | None = None
    """Weight of the effect in %; None for a mean."""
    note: str = ""
    """What stands at its right; empty for nothing."""


@dataclass(frozen=True)
class Meta:
    """One analysis of a results.json, and the effects of the whole file."""

    analysis: dict[str, Any]
    """The analysis, as results.json has it."""
    effects: dict[str, dict[str, Any]]
    """Each effect with its numbers, by id."""

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        return float(self.analysis["fields"]["level"])

    def number(self, quantity: str, stratum: str = "") -> float | None:
        """A number of the analysis; None where it is undefined or not there."""
        for one in self.analysis["numbers"]:
            if (one["quantity"], one.get("stratum", ""), one.get("term", "")) == (quantity, stratum, ""):
                return None if one["value"] is None else float(one["value"])
        return None

    def mean(self, label: str, stratum: str = "", note: str = "") -> Row:
        """The pooled effect as a line."""
        centre, low, high = (self.number(f"effect{end}", stratum) for end in ("", "_low", "_high"))
        return Row(label, centre, low, high, note=note)


def read_meta(path: Path, name: str, kinds: tuple[str, ...]) -> Meta:
    """One analysis. Raises ItemFault when the file has none of that id and of these kinds."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        analysis = results["analyses"][name]
        effects = {one["id"]: one for one in results["effects"]}
        kind = analysis["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ItemFault(f"has no analysis {name!r}", where=path.name, fix="give the results.json of it") from error
    if kind not in kinds:
        raise ItemFault(f"analysis {name!r} is of kind {kind}", where=path.name, fix=f"known: {', '.join(kinds)}")
    return Meta(analysis, effects)


def _text(value: float | None, digits: int = 2) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _interval(row: Row) -> str:
    if row.centre is None:
        return "undefined"
    if row.low is None or row.high is None:
        return f"{_text(row.centre)} [interval undefined]"
    return f"{_text(row.centre)} [{_text(row.low)}, {_text(row.high)}]"


def _heterogeneity(meta: Meta, stratum: str = "") -> str:
    found = {name: meta.number(name, stratum) for name in ("n", "i2_percent", "tau2", "q", "q_p")}
    added = meta.number("k0", stratum)
    parts = [f"k = {_text(found['n'], 0)}"] if found["n"] is not None else []
    if added is not None:
        parts.append(f"{_text(added, 0)} filled; with these" if added else "none filled")
    if found["i2_percent"] is not None:
        parts.append(f"I² = {_text(found['i2_percent'], 0)} %")
    if found["tau2"] is not None:
        parts.append(f"τ² = {_text(found['tau2'], 3)}")
    if found["q"] is not None and found["q_p"] is not None:
        p = "p < 0.001" if found["q_p"] < 0.001 else f"p = {_text(found['q_p'], 3)}"
        parts.append(f"Q = {_text(found['q'], 1)}, {p}")
    return ", ".join(parts)


def _subgroup(name: str) -> str:
    """`outcome:csa*muscle:psoas_major` for people."""
    return name.replace("*", " · ").replace(":", ": ").replace("_", " ")


def _effect_rows(meta: Meta) -> list[Row]:
    c = NormalDist().inv_cdf((1 + meta.level) / 2)
    weights = meta.analysis.get("weights_percent", [])
    rows = []
    for i, name in enumerate(meta.analysis["effects"]):
        one = meta.effects[name]
        y, se = float(one["effect"]), float(one["standard_error"])
        label = str(one["study"]) if str(one["study"]) == name else f"{one['study']}, {name}"
        rows.append(Row(label, y, y - c * se, y + c * se, float(weights[i]) if i < len(weights) else None))
    for i, one in enumerate(meta.analysis.get("filled", [])):
        y, se = float(one["effect"]), float(one["standard_error"])
        rows.append(Row(f"filled {i + 1}", y, y - c * se, y + c * se))
    return rows


def _draw_row(axes: Axes, row: Row, at: int, colour: str) -> None:
    if row.centre is None or row.low is None or row.high is None:
        return
    if row.weight is not None:
        axes.plot([row.low, row.high], [at, at], color=colour, linewidth=1)
        axes.scatter([row.centre], [at], s=6 + 4 * row.weight, marker="s", color=colour, zorder=3, linewidths=0)
    elif row.label.startswith("filled "):
        axes.plot([row.low, row.high], [at, at], color=colour, linewidth=1, linestyle=":")
        axes.scatter([row.centre], [at], s=18, marker="o", facecolor="white", edgecolor=colour, zorder=3)
    else:
        corners = [(row.low, at), (row.centre, at - 0.33), (row.high, at), (row.centre, at + 0.33)]
        axes.add_patch(Polygon(corners, closed=True, facecolor=POOLED, edgecolor="none", zorder=3))


def _example(folder: Path) -> tuple[Path, str]:
    effects = [{"id": f"e{i}", "study": f"s{i}", "effect": 0.1 * i, "standard_error": 0.1 + 0.02 * i} for i in range(4)]
    values = {"effect": 0.2, "effect_low": 0.1, "effect_high": 0.3, "n": 4.0, "k0": 1.0, "i2_percent": 40.0}
    numbers = [examples.number(name, value) for name, value in values.items()]
    analysis = {
        "kind": "trim_and_fill", "fields": {"level": 0.95}, "numbers": numbers, "effects": [e["id"] for e in effects],
        "filled": [{"effect": -0.2, "standard_error": 0.2}],
    }  # fmt: skip
    return examples.json_file(folder, {"analyses": {"m": analysis}, "effects": effects}), "m"


@picture("forest", needs="analysis", example=_example)
def forest_plot(results: Path, analysis: str, out_png: Path, title: str, evidence: str, unit: str = "SMD") -> None:
    """Effects with their intervals, weights as areas, the pooled effect as a diamond and the prediction interval.

    Of kind `subgroups` one diamond per subgroup is drawn, without the single effects. Raises ItemFault.
    """
    meta = read_meta(results, analysis, FOREST_KINDS)
    if meta.analysis["kind"] == "subgroups":
        rows = [meta.mean(_subgroup(name), name, _heterogeneity(meta, name)) for name in meta.analysis["subgroups"]]
    else:
        rows = [*_effect_rows(meta), meta.mean("pooled effect", note=_heterogeneity(meta))]
    low, high = meta.number("prediction_low"), meta.number("prediction_high")
    ends = [end for row in rows for end in (row.low, row.high)] + [low, high, 0.0]
    shown = [end for end in ends if end is not None]
    margin = 0.04 * (max(shown) - min(shown)) or 1.0
    notes = [_between(meta) if meta.analysis["kind"] == "subgroups" else _heterogeneity(meta)]
    colour = EVIDENCE_COLOURS.get(evidence, TEXT)
    width_in, height_in = 10.0, HEAD_IN + FOOT_IN + ROW_IN * (len(rows) + 1)
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(width_in, height_in, title, evidence)
        axes = figure.add_axes(
            (0.27, FOOT_IN / height_in, 0.34, 1 - (HEAD_IN + FOOT_IN) / height_in),
            xlim=(min(shown) - margin, max(shown) + margin),
            ylim=(len(rows) - 0.4, -0.6),
        )
        axes.axvline(0, color=SOFT, linewidth=0.8)
        place = axes.get_yaxis_transform()
        for at, row in enumerate(rows):
            _draw_row(axes, row, at, colour)
            axes.text(-0.03, at, row.label, transform=place, ha="right", va="center", fontsize=7.5)
            axes.text(1.03, at, _interval(row), transform=place, va="center", fontsize=7.5)
            if row.note and meta.analysis["kind"] == "subgroups":
                axes.text(1.43, at, row.note, transform=place, va="center", fontsize=6.5, color=SOFT)
        if low is not None and high is not None:
            axes.plot([low, high], [len(rows) - 1] * 2, color=POOLED, linewidth=1.2, zorder=2)
            notes.append("thin line: prediction interval")
        axes.set(yticks=[], xlabel=f"{unit}, {100 * meta.level:g} % interval")
        axes.spines[["left", "right", "top"]].set_visible(False)
        figure.text(0.015, 0.14 / height_in, "; ".join(note for note in notes if note), fontsize=7.5, color=SOFT)
        save(figure, out_png)


def _between(meta: Meta) -> str:
    q, df, p = (meta.number(f"q_between{end}") for end in ("", "_df", "_p"))
    if q is None or df is None or p is None:
        return ""
    return f"between subgroups: Q = {_text(q, 1)}, {df:.0f} df, " + ("p < 0.001" if p < 0.001 else f"p = {_text(p, 3)}")


@picture("funnel", needs="analysis", example=_example)
def funnel_plot(results: Path, analysis: str, out_png: Path, title: str, evidence: str, unit: str = "SMD") -> None:
    """Effects against their standard errors, about the pooled effect, with filled effects (hollow) if there are any.

    The triangle holds the interval's share of effects that differ by sampling alone. Raises ItemFault.
    """
    meta = read_meta(results, analysis, FUNNEL_KINDS)
    centre = meta.number("effect")
    if centre is None:
        raise ItemFault(f"analysis {analysis!r} has no pooled effect", where=results.name, fix="see its note")
    colour = EVIDENCE_COLOURS.get(evidence, TEXT)
    points = [meta.effects[name] for name in meta.analysis["effects"]]
    filled = meta.analysis.get("filled", [])
    top = 1.08 * max(float(one["standard_error"]) for one in [*points, *filled])
    c = NormalDist().inv_cdf((1 + meta.level) / 2)
    with matplotlib.style.context(["default", STYLE]):
        figure: Figure = new_figure(7.0, 5.0, title, evidence)
        axes = figure.add_axes((0.11, 0.17, 0.85, 0.71), ylim=(top, 0))
        axes.fill([centre, centre - c * top, centre + c * top], [0, top, top], color="#eef1f5", zorder=0, linewidth=0)
        axes.plot(
            [centre - c * top, centre, centre + c * top], [top, 0, top], color=SOFT, linewidth=0.8, linestyle="--"
        )
        axes.axvline(centre, color=POOLED, linewidth=1.1)
        for some, face, label in ((points, colour, "effects"), (filled, "white", "filled")):
            if some:
                xy = np.array([[float(one["effect"]), float(one["standard_error"])] for one in some])
                axes.scatter(
                    xy[:, 0], xy[:, 1], s=20, facecolor=face, edgecolor=colour, linewidths=0.8, zorder=3, label=label
                )
        axes.set(xlabel=unit, ylabel="standard error")
        axes.spines[["right", "top"]].set_visible(False)
        if filled:
            axes.legend(frameon=False, fontsize=8)
        note = f"triangle: {100 * meta.level:g} % of effects that differ by sampling alone\n{_heterogeneity(meta)}"
        figure.text(0.015, 0.02, note, fontsize=7.5, color=SOFT)
        save(figure, out_png)
