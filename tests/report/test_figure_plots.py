"""The figures of the papers from tables, records and results: what is drawn is what the file says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from containers.contract.errors import ItemFault
from containers.toolkit.tables.table import write_table
from harness.pictures import class_plot, cohort_plot, interval_plot, results_plot, selection_plot
from harness.pictures.interval_plot import Group, Row
from harness.pictures.selection_plot import Stage

RULES = {
    "exclusions": [
        {"id": "age", "column": "age_years", "at_least": 50},
        {"id": "scan", "column": "dixon", "keep": ["complete"]},
        {"id": "grip", "complete": ["grip_kg"]},
    ]
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is saved."""
    found: list[Figure] = []
    for module in (class_plot, cohort_plot, interval_plot, selection_plot):
        real = module.save

        def keep(figure: Figure, path: Path, real: Callable[..., None] = real) -> None:
            found.append(figure)
            real(figure, path)

        monkeypatch.setattr(module, "save", keep)
    return found


def _words(figure: Figure) -> str:
    return "\n".join(text.get_text() for holder in (figure, *figure.axes) for text in (*holder.texts, *_titles(holder)))


def _titles(holder: Any) -> list[Any]:
    return [holder.title, holder._left_title] if hasattr(holder, "_left_title") else []


@pytest.fixture
def cohort(tmp_path: Path) -> tuple[Path, Path]:
    """202 participants who are kept, ages 55 and 75, both sexes; three who are not."""
    rows = []
    for sex in ("male", "female"):
        for step in range(101):
            rows.append((sex, 55 if step < 50 else 75, 2.0, 4000.0 + 40 * step, 10.0 + step, 20.0 + 0.2 * step, "x"))
    rows += [("male", 40, 2.0, 1.0, 999.0, 1.0, "x"), ("male", 55, 2.0, 1.0, 999.0, 1.0, None)]
    columns: dict[str, list[Any]] = {
        name: [row[i] for row in rows]
        for i, name in enumerate(("sex", "age_years", "height_m", "tmv_cm3", "legs_lean_kg", "alm_kg", "grip_kg"))
    }
    columns["dixon"] = ["complete"] * len(rows)
    for name, value in (("sex", "male"), ("age_years", 55), ("height_m", 2.0), ("tmv_cm3", 1.0)):
        columns[name].append(value)
    for name, value in (("legs_lean_kg", 999.0), ("alm_kg", 1.0), ("grip_kg", "x"), ("dixon", "incomplete")):
        columns[name].append(value)
    write_table(tmp_path / "table.parquet", columns)
    (tmp_path / "analyses.json").write_text(json.dumps(RULES))
    return tmp_path / "table.parquet", tmp_path / "analyses.json"


def test_only_analysed_participants_are_drawn(cohort: tuple[Path, Path], tmp_path: Path, figures: list[Figure]) -> None:
    cohort_plot.concordance(*cohort, tmp_path / "p.png", "t", "simulation")
    # Legs' lean mass is linear in TMV, and so is ALMI in TVI: r is 1. The three with 999 kg are left out.
    assert _words(figures[0]).count("r = 1.000, n = 202") == 2
    assert "Simulation: drawn from a model" in _words(figures[0])
    assert "SIMULATION" in _words(figures[0])


def test_boxes_are_the_quartiles_of_each_age_group(
    cohort: tuple[Path, Path], tmp_path: Path, figures: list[Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(cohort_plot, "draw_boxes", lambda axes, quartiles, *rest: drawn.append(list(quartiles)))
    cohort_plot.age_groups(*cohort, tmp_path / "p.png", "t", "simulation")
    # TMV of the older group is 6000, 6040, ... 8000: 51 values, whose quartiles are known.
    tmv_men = drawn[2]
    assert [round(float(v), 6) for v in tmv_men[1]] == [6100.0, 6500.0, 7000.0, 7500.0, 7900.0]
    ticks = [label.get_text() for label in figures[0].axes[0].get_xticklabels()]
    assert ticks == ["50–59\n50\n50", "60–69\n0\n0", "70–79\n51\n51", "80+\n0\n0"]


def test_a_table_without_the_columns_is_one_line(cohort: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ItemFault, match="has not the columns to draw"):
        cohort_plot.subgroups(*cohort, tmp_path / "p.png", "t", "simulation")


def _metrics(values: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    names = ("dice", "iou", "precision", "recall")
    return {
        f"{name}.{structure}": {"value": value, "unit": "1"}
        for structure, four in values.items()
        for name, value in zip(names, four, strict=False)
    }


def test_structures_stand_by_falling_dice_with_their_mean(tmp_path: Path, figures: list[Figure]) -> None:
    metrics = _metrics({"worst_one": (0.8, 0.7, 0.75, 0.9), "best": (0.9, 0.8, 0.85, 0.95), "short": (0.99,)})
    (tmp_path / "record.json").write_text(json.dumps({"metrics": metrics}))
    class_plot.per_class(tmp_path / "record.json", tmp_path / "p.png", "t", "phantom")
    (figure,) = figures
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["best", "worst one"]
    bars = [bar.get_x() + bar.get_width() for bar in figure.axes[0].patches]
    assert bars == pytest.approx([0.9, 0.8])
    assert "mean Dice 0.850" in _words(figure) and "PHANTOM" in _words(figure)
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(ItemFault, match="is not a record of agreement"):
        class_plot.per_class(tmp_path / "record.json", tmp_path / "p.png", "t", "phantom")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    def number(quantity: str, value: float | None, term: str = "", stratum: str = "") -> dict[str, Any]:
        return {"quantity": quantity, "value": value, "term": term, "stratum": stratum}

    def odds(value: float | None, low: float, high: float) -> list[dict[str, Any]]:
        term = "pa_third:high"
        ends = [number("odds_ratio_low", 9.0, term), number("odds_ratio_high", 9.0, term)]
        ends += [number("profile_odds_ratio_low", low, term), number("profile_odds_ratio_high", high, term)]
        return [number("n", 1000), number("events", 50), number("odds_ratio", value, term), *ends]

    pooled = [
        number(f"effect{end}", v, stratum="muscle:psoas_major")
        for end, v in zip(("", "_low", "_high"), (0.5, 0.2, 0.8), strict=True)
    ]
    cell = "z_lmm:-3*z_intermat:1.5"
    analyses = {
        "falls_pa_text": {"kind": "logistic", "numbers": odds(1.5, 1.2, 1.9)},
        "death_pa_text": {"kind": "logistic", "numbers": odds(None, 1.2, 1.9)},
        "falls_pa_none": {"kind": "logistic", "numbers": odds(3.0, 2.0, 4.0)},
        "cbp_combined": {
            "kind": "combined_odds",
            "numbers": [
                number("combined_odds_ratio", 1.4, cell),
                number("combined_odds_ratio_low", 1.1, cell),
                number("combined_odds_ratio_high", 1.8, cell),
            ],
        },
        "csa_op_control": {
            "kind": "subgroups",
            "subgroups": ["muscle:psoas_major"],
            "numbers": [*pooled, number("n", 4, stratum="muscle:psoas_major")],
        },
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"analyses": analyses}))
    return path


def test_odds_ratios_are_those_of_the_named_adjustment(results: Path, tmp_path: Path, monkeypatch: Any) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(results_plot, "interval_plot", lambda groups, *rest, **named: drawn.append(groups))
    results_plot.odds_ratios(results, "text", tmp_path / "p.png", "t", "simulation")
    ((group,),) = drawn
    assert group.heading.startswith("Posterior/anterior")
    assert group.rows == [Row("falls", 1.5, 1.2, 1.9, note="50 events of 1,000")]
    with pytest.raises(ItemFault, match="has no odds ratio of 'burden'"):
        results_plot.odds_ratios(results, "burden", tmp_path / "p.png", "t", "simulation")


def test_the_heat_map_has_each_cell_where_its_scores_say(results: Path, tmp_path: Path, monkeypatch: Any) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(results_plot, "heat_plot", lambda cells, *rest, **named: drawn.append(cells))
    results_plot.combined_odds(results, "cbp_combined", tmp_path / "p.png", "t", "simulation")
    assert drawn == [{(-3.0, 1.5): (1.4, ["[1.10, 1.80]"])}]


def test_pooled_differences_stand_by_muscle(results: Path, tmp_path: Path, figures: list[Figure]) -> None:
    results_plot.pooled_by_muscle(results, "csa", tmp_path / "p.png", "t", "simulation")
    words = _words(figures[0])
    assert "psoas major" in words and "osteoporosis vs control" in words
    assert "0.50 [0.20, 0.80]   k = 4" in words
    with pytest.raises(ItemFault, match="has no subgroups of 'fi'"):
        results_plot.pooled_by_muscle(results, "fi", tmp_path / "p.png", "t", "simulation")


def test_rows_without_a_value_are_said_and_not_drawn(tmp_path: Path, figures: list[Figure]) -> None:
    rows = [Row("known", 2.0, 1.0, 4.0, second=(1.8, 1.0, 3.0)), Row("unknown", None)]
    named: dict[str, Any] = {"xlabel": "ratio", "log": True, "notes": []}
    interval_plot.interval_plot([Group("g", rows)], tmp_path / "p.png", "t", "phantom", **named)
    axes = figures[0].axes[0]
    assert "undefined" in _words(figures[0]) and "2.00 [1.00, 4.00]" in _words(figures[0])
    assert [tuple(float(v) for v in line.get_xdata()) for line in axes.lines[1:]] == [(1.0, 4.0), (1.0, 3.0)]
    assert axes.get_xscale() == "log"
    with pytest.raises(ItemFault, match="has no estimate to draw"):
        interval_plot.interval_plot([Group("g", rows[1:])], tmp_path / "p.png", "t", "phantom", **named)


def test_a_flow_that_does_not_subtract_says_so(tmp_path: Path, figures: list[Figure]) -> None:
    stages = [Stage("found", 100, (10, "twice")), Stage("left", 90, (20, "other")), Stage("in", 71)]
    selection_plot.selection(stages, tmp_path / "p.png", "t", "recomputed from print", notes=[])
    words = _words(figures[0])
    assert "✓ 100 − 10 = 90" in words
    assert "✗ 90 − 20 = 70, printed 71" in words
