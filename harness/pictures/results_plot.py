"""Odds ratios, combined odds and pooled differences from the results.json of a stage, in the papers' arrangement.

Invariant: nothing is estimated here; every number is read from the file. What it leaves undefined is not drawn.
"""

import json
import re
from pathlib import Path
from typing import Any

from containers.contract.errors import ItemFault
from harness.pictures import examples
from harness.pictures.heat_plot import heat_plot
from harness.pictures.interval_plot import Group, Row, interval_plot
from harness.pictures.registry import picture

MUSCLE_TERMS = {
    "pa_third:high": "Posterior/anterior ratio, highest against lowest third",
    "lr_third:high": "Left/right asymmetry, highest against lowest third",
    "z_intermat": "Intermuscular fat, per 2 z",
    "z_lmm": "Lean muscle, per 2 z",
}
"""What the papers' odds ratios belong to, by the term's name in the analyses."""
Number = tuple[str, str, str]


def _analyses(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["analyses"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ItemFault("is not a results.json of a stage", where=path.name, fix="give the results of it") from error


def _numbers(analysis: dict[str, Any]) -> dict[Number, float | None]:
    """Values by (quantity, stratum, term)."""
    return {(n["quantity"], n.get("stratum", ""), n.get("term", "")): n["value"] for n in analysis["numbers"]}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _odds_example(folder: Path) -> tuple[Path, str]:
    numbers = [n for term in list(MUSCLE_TERMS)[:1] for n in examples.with_limits("odds_ratio", term)]
    analyses = {"falls_pa_text": {"kind": "logistic", "numbers": numbers}}
    return examples.json_file(folder, {"analyses": analyses}), "text"


@picture("odds_ratios", needs="analysis", example=_odds_example)
def odds_ratios(results: Path, analysis: str, out_png: Path, title: str, evidence: str) -> None:
    """Odds ratios with their intervals, of the terms of muscle, from the analysis of this id or all that end so.

    `text` gives the papers' adjusted models `falls_pa_text`, `falls_lr_text` and so on, a row for each outcome.
    Profile intervals where the file has them, else Wald's. Raises ItemFault.
    """
    found = {k: v for k, v in _analyses(results).items() if k == analysis or k.endswith(f"_{analysis}")}
    rows: dict[str, list[Row]] = {}
    for name, one in found.items():
        values = _numbers(one)
        label = _words(re.sub(rf"_(pa|lr)_{analysis}$", "", name))
        for term in MUSCLE_TERMS:
            if values.get(("odds_ratio", "", term)) is None:
                continue
            kind = "profile_odds_ratio" if ("profile_odds_ratio_low", "", term) in values else "odds_ratio"
            ends = [values.get((f"{kind}_{end}", "", term)) for end in ("low", "high")]
            events = values.get(("events", "", ""))
            note = f"{events:,.0f} events of {values['n', '', '']:,.0f}" if events is not None else ""
            rows.setdefault(term, []).append(Row(label, values["odds_ratio", "", term], ends[0], ends[1], note=note))
    groups = [Group(heading, rows[term]) for term, heading in MUSCLE_TERMS.items() if term in rows]
    if not groups:
        raise ItemFault(f"has no odds ratio of {analysis!r}", where=results.name, fix="give an analysis of it")
    notes = ["A drawn cohort whose true odds ratios are known: not the paper's participants."]
    interval_plot(groups, out_png, title, evidence, xlabel="odds ratio, adjusted, 95 % interval", log=True, notes=notes)


def _combined_example(folder: Path) -> tuple[Path, str]:
    cells = [f"z_lmm:{lean}*z_intermat:{fat}" for lean in (-1, 1) for fat in (-1, 1)]
    numbers = [n for cell in cells for n in examples.with_limits("combined_odds_ratio", cell)]
    return examples.json_file(folder, {"analyses": {"c": {"kind": "combined_odds", "numbers": numbers}}}), "c"


@picture("combined_odds", needs="analysis", example=_combined_example)
def combined_odds(results: Path, analysis: str, out_png: Path, title: str, evidence: str) -> None:
    """Odds ratios at combinations of two z-scores as a heat map, from an analysis of kind combined_odds."""
    try:
        values = _numbers(_analyses(results)[analysis])
    except KeyError as error:
        raise ItemFault(f"has no analysis {analysis!r}", where=results.name, fix="give one") from error
    cells: dict[tuple[float, float], tuple[float, list[str]]] = {}
    for (quantity, _, term), ratio in values.items():
        if quantity != "combined_odds_ratio" or ratio is None:
            continue
        low, high = (values.get((f"{quantity}_{end}", "", term)) for end in ("low", "high"))
        at = dict(part.split(":") for part in term.split("*"))
        lines = [] if low is None or high is None else [f"[{low:.2f}, {high:.2f}]"]
        cells[float(at["z_lmm"]), float(at["z_intermat"])] = (ratio, lines)
    notes = [
        "Against both z-scores at 0, with 95 % intervals. A drawn cohort whose true effects are known, not the paper's."
    ]
    names = ("z-score of lean muscle", "z-score of intermuscular fat")
    heat_plot(cells, out_png, title, evidence, axes_names=names, notes=notes)


COMPARISONS = {
    "op_control": "osteoporosis vs control",
    "opn_control": "osteopenia vs control",
    "op_opn": "osteoporosis vs osteopenia",
    "op_non_op": "osteoporosis vs all others",
    "op_opn_control": "both vs control",
}


def _pooled_example(folder: Path) -> tuple[Path, str]:
    stratum = "muscle:psoas_major"
    numbers = [*examples.with_limits("effect", stratum=stratum), examples.number("n", 4, stratum=stratum)]
    analyses = {"csa_op_control": {"kind": "subgroups", "subgroups": [stratum], "numbers": numbers}}
    return examples.json_file(folder, {"analyses": analyses}), "csa"


@picture("pooled_by_muscle", needs="analysis", example=_pooled_example)
def pooled_by_muscle(results: Path, analysis: str, out_png: Path, title: str, evidence: str) -> None:
    """Pooled differences of every comparison, by muscle; `csa` gives the analyses csa_op_control and so on.

    From analyses of kind subgroups by muscle. Raises ItemFault.
    """
    rows: dict[str, list[Row]] = {}
    for name, one in _analyses(results).items():
        comparison = name.removeprefix(f"{analysis}_")
        if comparison == name or comparison not in COMPARISONS or one["kind"] != "subgroups":
            continue
        values = _numbers(one)
        for stratum in one["subgroups"]:
            effect, low, high = (values.get((f"effect{end}", stratum, "")) for end in ("", "_low", "_high"))
            note = "   ".join(
                f"{word} {value:.0f}{unit}"
                for word, quantity, unit in (("k =", "n", ""), ("I² =", "i2_percent", " %"))
                if (value := values.get((quantity, stratum, ""))) is not None
            )
            muscle = _words(stratum.split(":")[-1])
            rows.setdefault(muscle, []).append(Row(COMPARISONS[comparison], effect, low, high, note=note))
    groups = [Group(muscle, found) for muscle, found in rows.items()]
    if not groups:
        raise ItemFault(f"has no subgroups of {analysis!r}", where=results.name, fix="give such analyses")
    notes = [
        "Drawn studies, not the paper's. Positive: worse in the first group (areas with their sign turned).",
        "k: effects; DerSimonian and Laird's random effects within each muscle.",
    ]
    interval_plot(groups, out_png, title, evidence, xlabel="pooled SMD, 95 % interval", log=False, notes=notes)
