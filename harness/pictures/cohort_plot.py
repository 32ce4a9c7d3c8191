"""Scatter plots and box plots of a cohort table, of the rows that its analyses keep.

Invariant: the rows drawn are those that pass the exclusions of the analyses file, and have the values that are drawn;
their number stands in the picture.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from containers.contract.errors import ItemFault
from containers.toolkit.tables.table import read_table, write_table
from harness.pictures import examples
from harness.pictures.frame import SOFT, STYLE, TEXT, new_figure, save
from harness.pictures.registry import picture

Array = npt.NDArray[Any]
SEX_COLOURS = {"male": "#2f6fb0", "female": "#c4502e"}
SEX_HATCHES = {"male": "", "female": "///"}
AGE_EDGES, AGE_NAMES = (60, 70, 80), ("50–59", "60–69", "70–79", "80+")
ALMI_CUT_OFFS = {"male": 7.0, "female": 5.5}
"""EWGSOP2's, kg/m2 (Cruz-Jentoft et al. 2019), as in Fig. 4a."""
QUARTILE_MARKS = (5, 25, 50, 75, 95)


def _kept(table: Mapping[str, Sequence[Any]], exclusions: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.bool_]:
    """Rows that meet every condition of an analyses file; a row without the value meets none."""
    rows = len(next(iter(table.values())))
    kept = np.ones(rows, dtype=bool)
    for rule in exclusions:
        for name in rule.get("complete", []):
            kept &= np.array([v is not None and v != "" for v in table[name]])
        if "keep" in rule:
            kept &= np.array([v in rule["keep"] for v in table[rule["column"]]])
        if "at_least" in rule or "at_most" in rule:
            values = _floats(table[rule["column"]])
            kept &= (values >= rule.get("at_least", -np.inf)) & (values <= rule.get("at_most", np.inf))
    return kept


def _floats(column: Sequence[Any]) -> Array:
    return np.array([np.nan if v is None or v == "" else v for v in column], dtype=float)


def _cohort(table_path: Path, analyses_path: Path, numbers: Sequence[str], words: Sequence[str]) -> dict[str, Array]:
    """The columns of the rows that are analysed. Raises ItemFault for a missing column."""
    table = read_table(table_path)
    try:
        kept = _kept(table, json.loads(analyses_path.read_text(encoding="utf-8"))["exclusions"])
        columns = {name: _floats(table[name]) for name in numbers}
        for values in columns.values():
            kept &= np.isfinite(values)
        for name in words:
            kept &= np.array([v is not None and v != "" for v in table[name]])
        columns |= {name: np.array([str(v) for v in table[name]]) for name in words}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ItemFault(f"has not the columns to draw ({error})", where=table_path.name, fix="see phantoms") from error
    if not kept.any():
        raise ItemFault("has no complete row", where=table_path.name, fix="see the exclusions")
    return {name: values[kept] for name, values in columns.items()}


def _note(evidence: str) -> str:
    return f"{evidence.capitalize()}: drawn from a model with known effects; not the paper's participants."


def _example(folder: Path) -> tuple[Path, Path]:
    """A cohort of 16 participants and an analyses file that excludes none."""
    rows = np.arange(16)
    numbers = {
        "age_years": 55.0 + 10 * (rows % 2), "height_m": 1.6 + rows / 100, "tmv_cm3": 4000.0 + 100 * rows,
        "legs_lean_kg": 10.0 + rows**1.1, "alm_kg": 18.0 + rows, **dict.fromkeys(MEASURES, 10.0 + rows),
    }  # fmt: skip
    columns: dict[str, list[Any]] = {name: [float(value) for value in values] for name, values in numbers.items()}
    columns["sex"] = [("male", "female")[row // 2 % 2] for row in rows]
    for number, name in enumerate((*CONDITIONS, "chronic_back_pain")):
        columns[name] = [("yes", "no")[row >> number & 1] for row in rows]
    write_table(folder / "table.parquet", columns)
    return folder / "table.parquet", examples.json_file(folder, {"exclusions": []}, "analyses.json")


@picture("concordance", needs="overlay", example=_example)
def concordance(table_path: Path, analyses_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Thigh muscle volume against DXA's lean mass of the legs, and TVI against ALMI; density of participants.

    TVI and ALMI: TMV and appendicular lean mass over height squared. r: Pearson's. Raises ItemFault.
    """
    names = ("height_m", "tmv_cm3", "legs_lean_kg", "alm_kg")
    columns = _cohort(table_path, analyses_path, names, ())
    squared = columns["height_m"] ** 2
    panels = (
        ("TMV by MRI (cm³)", columns["tmv_cm3"], "leg lean mass by DXA (kg)", columns["legs_lean_kg"]),
        ("TVI by MRI (cm³/m²)", columns["tmv_cm3"] / squared, "ALMI by DXA (kg/m²)", columns["alm_kg"] / squared),
    )
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(9.6, 4.9, title, evidence)
        for left, (x_name, x, y_name, y) in zip((0.08, 0.56), panels, strict=True):
            axes = figure.add_axes((left, 0.19, 0.4, 0.62))
            axes.hexbin(x, y, gridsize=45, bins="log", cmap="viridis", mincnt=1, linewidths=0.1)
            slope, start = np.polyfit(x, y, 1)
            ends = np.array([x.min(), x.max()])
            axes.plot(ends, start + slope * ends, color="#c9281c", linewidth=1.3)
            axes.set(xlabel=x_name, ylabel=y_name)
            r = float(np.corrcoef(x, y)[0, 1])
            axes.set_title(f"r = {r:.3f}, n = {len(x):,}", loc="left", fontsize=9.5)
            axes.locator_params(nbins=6)
        figure.text(0.015, 0.03, f"{_note(evidence)} Colour: participants, log scale.", fontsize=7.5, color=SOFT)
        save(figure, out_png)


def draw_boxes(axes: Axes, quartiles: Sequence[Array], places: Sequence[float], colour: str, hatch: str) -> None:
    """Boxes from five percentiles each: box from 25th to 75th, line at the median, whiskers at the 5th and 95th.

    NaN where there are no whiskers.
    """
    stats = [
        {"whislo": low, "q1": q1, "med": median, "q3": q3, "whishi": high, "fliers": []}
        for low, q1, median, q3, high in quartiles
    ]
    axes.bxp(
        stats,
        positions=list(places),
        widths=0.34,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour, "alpha": 0.75, "hatch": hatch, "edgecolor": TEXT, "linewidth": 0.8},
        medianprops={"color": "white", "linewidth": 2},
        whiskerprops={"color": TEXT, "linewidth": 0.9},
        capprops={"color": TEXT, "linewidth": 0.9},
    )


@picture("age_groups", needs="overlay", example=_example)
def age_groups(table_path: Path, analyses_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """ALMI, TMV and TVI by age group and sex as boxes; dashed: the cut-offs of ALMI. Raises ItemFault."""
    names = ("age_years", "height_m", "alm_kg", "tmv_cm3")
    columns = _cohort(table_path, analyses_path, names, ("sex",))
    squared = columns["height_m"] ** 2
    panels = {
        "ALMI by DXA (kg/m²)": columns["alm_kg"] / squared,
        "TMV by MRI (cm³)": columns["tmv_cm3"],
        "TVI by MRI (cm³/m²)": columns["tmv_cm3"] / squared,
    }
    group = np.digitize(columns["age_years"], AGE_EDGES)
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(11.4, 4.8, title, evidence)
        for left, (name, values) in zip((0.06, 0.385, 0.71), panels.items(), strict=True):
            axes = figure.add_axes((left, 0.25, 0.275, 0.58))
            for sex, shift in (("male", -0.19), ("female", 0.19)):
                found = [values[(group == g) & (columns["sex"] == sex)] for g in range(len(AGE_NAMES))]
                there = [g for g, of_group in enumerate(found) if len(of_group)]
                boxes = [np.percentile(found[g], QUARTILE_MARKS) for g in there]
                draw_boxes(axes, boxes, [g + shift for g in there], SEX_COLOURS[sex], SEX_HATCHES[sex])
                if name.startswith("ALMI"):
                    axes.axhline(ALMI_CUT_OFFS[sex], color=SEX_COLOURS[sex], linestyle="--", linewidth=1)
            counts = [[int(((group == g) & (columns["sex"] == s)).sum()) for s in SEX_COLOURS] for g in range(4)]
            ticks = [f"{n}\n{m:,}\n{f:,}" for n, (m, f) in zip(AGE_NAMES, counts, strict=True)]
            axes.set_xticks(range(4), ticks, fontsize=7.5)
            axes.set_title(name, loc="left")
            axes.set_xlim(-0.6, 3.6)
        _sexes(figure)
        note = "Under each age group: men, women. Box: quartiles; whiskers: 5th and 95th percentile."
        figure.text(0.015, 0.03, f"{note}\n{_note(evidence)}", fontsize=7.5, color=SOFT, linespacing=1.4)
        save(figure, out_png)


def _sexes(figure: Any) -> None:
    handles = [
        Patch(facecolor=SEX_COLOURS[sex], alpha=0.75, hatch=SEX_HATCHES[sex], edgecolor=TEXT, label=word)
        for sex, word in (("male", "men"), ("female", "women"))
    ]
    figure.legend(handles=handles, loc="lower right", frameon=False, ncols=2, fontsize=8)


MEASURES = {"intermat_percent": "intermuscular fat (%)", "lmm_cm3_m2_kg": "lean muscle (cm³ m²/kg)"}
CONDITIONS = ("osteoarthritis", "osteoporosis")


@picture("subgroups", needs="overlay", example=_example)
def subgroups(table_path: Path, analyses_path: Path, out_png: Path, title: str, evidence: str) -> None:
    """Intermuscular fat and lean muscle by condition and chronic back pain as boxes. Raises ItemFault."""
    columns = _cohort(table_path, analyses_path, tuple(MEASURES), (*CONDITIONS, "chronic_back_pain"))
    boxes: dict[tuple[str, str], list[tuple[str, Array, int]]] = {}
    for condition in CONDITIONS:
        for measure in MEASURES:
            for level in ("yes", "no"):
                for pain in ("yes", "no"):
                    chosen = (columns[condition] == level) & (columns["chronic_back_pain"] == pain)
                    label = f"{'with' if level == 'yes' else 'without'}\n{'pain' if pain == 'yes' else 'no pain'}"
                    if chosen.any():
                        found = np.percentile(columns[measure][chosen], QUARTILE_MARKS)
                        boxes.setdefault((condition, measure), []).append((label, found, int(chosen.sum())))
    notes = ["Under each box: participants. Box: quartiles; whiskers: 5th and 95th percentile.", _note(evidence)]
    subgroup_boxes(boxes, out_png, title, evidence, notes=notes)


def subgroup_boxes(
    boxes: Mapping[tuple[str, str], Sequence[tuple[str, Array, int | None]]],
    out_png: Path,
    title: str,
    evidence: str,
    *,
    notes: Sequence[str],
) -> None:
    """(condition, measure) -> boxes of (label, five percentiles, number of persons); one panel each."""
    with matplotlib.style.context(["default", STYLE]):
        figure = new_figure(11.4, 5.0, title, evidence)
        panels = list(boxes)
        width = 0.93 / max(1, len(panels))
        for number, key in enumerate(panels):
            axes = figure.add_axes((0.05 + number * width, 0.26, width - 0.055, 0.53))
            for at, (label, found, _) in enumerate(boxes[key]):
                pain = "no pain" not in label
                draw_boxes(axes, [found], [at], "#b8471b" if pain else "#8a93a0", "///" if pain else "")
            ticks = [label if n is None else f"{label}\n{n:,}" for label, _, n in boxes[key]]
            axes.set_xticks(range(len(ticks)), ticks, fontsize=7)
            axes.set_xlim(-0.6, len(ticks) - 0.4)
            axes.set_title(f"{key[0]}:\n{MEASURES.get(key[1], key[1])}", loc="left", fontsize=9)
        figure.text(0.015, 0.03, "\n".join(notes), fontsize=7.5, color=SOFT, linespacing=1.4)
        save(figure, out_png)
