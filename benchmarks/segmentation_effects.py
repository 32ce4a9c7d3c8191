"""What faults of the images do to the shipped segmentation: Dice, total muscle volume and P/A ratio against truth.

`python benchmarks/segmentation_effects.py [PERSONS]` writes `effects.json`, `effects.md` and `effects.png` next to the
shipped weights. Persons are of the test seeds. Each condition changes one thing against the first; all is measured at
2 x 2 x 3 mm on the fused grid, against truth sampled there. Nothing here is timed.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import track

from containers.contract.files import replacing, write_json, write_text
from containers.thigh_segmentation.checkpoint import SHIPPED, load_checkpoint
from containers.thigh_segmentation.infer import segment
from containers.toolkit.images.labels import HAMSTRINGS, MUSCLES, QUADRICEPS, THIGH_LABELS, label_of
from containers.toolkit.networks.dice import dice_per_class, mean_present
from phantoms.shared.protocol import protocol
from phantoms.shared.subjects import draw_subject
from phantoms.thigh.anatomy import fit
from phantoms.thigh.training_set import FIRST_SEED, fused_geometry, fused_water

Labels = npt.NDArray[np.uint8]
PLAIN = {"texture": 0.25, "shading": 0.15, "noise": 1.0, "motion": 0.0, "station_gain": 0.02}
GAP_FROM = 60
"""First blank slice: mid-thigh."""
STATION = {2: "pelvis", 3: "hip", 4: "thigh", 5: "knee"}


@dataclass(frozen=True)
class Condition:
    """One change of the phantom persons' images."""

    effect: str
    """What is changed, in words."""
    level: str
    """How far it is changed, in words."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings of `fused_water` that differ from those of the reference; empty for the reference."""
    gap: int = 0
    """Number of slices that are blanked."""


def conditions() -> Iterator[Condition]:
    """All conditions; the first is the protocol's own."""
    yield Condition("protocol", "as it is")
    for factor in (2.0, 3.0, 4.0, 6.0):
        yield Condition("noise", f"x {factor:g}", {"noise": factor})
    for shading in (0.0, 0.3, 0.45, 0.6):
        yield Condition("coil shading", f"{shading:g}", {"shading": shading})
    for motion in (0.2, 0.4, 0.8):
        yield Condition("motion, one station", f"{motion:g}", {"motion": motion})
    for slices in (2, 4, 8, 16):
        yield Condition("gap between stations", f"{3 * slices} mm", gap=slices)
    for station, name in STATION.items():
        yield Condition("fat and water swapped", name, {"swapped_station": station})


def measured(found: Labels, truth: Labels) -> dict[str, Any]:
    """Dice of each structure, error of muscle volume in %, P/A ratio and its error, from labels on one grid."""
    dice = dice_per_class(found, truth, len(THIGH_LABELS) + 1)
    sizes = [np.bincount(labels.reshape(-1), minlength=len(THIGH_LABELS) + 1) for labels in (found, truth)]

    def total(names: tuple[str, ...]) -> list[float]:
        return [float(sum(size[label_of(name)] for name in names)) for size in sizes]

    muscle, hamstrings, quadriceps = total(MUSCLES), total(HAMSTRINGS), total(QUADRICEPS)
    ratios = [part / whole if whole else float("nan") for part, whole in zip(hamstrings, quadriceps, strict=True)]
    present = [value for value in dice if value is not None]
    return {
        "mean_dice": mean_present(dice),
        "lowest_dice": min(present),
        "lowest_structure": THIGH_LABELS[dice.index(min(present)) + 1],
        "muscle_volume_error_percent": 100 * (muscle[0] / muscle[1] - 1),
        "pa_ratio_error_percent": 100 * (ratios[0] / ratios[1] - 1),
        "structures": {
            name: {"dice": dice[value - 1], "volume_error_percent": 100 * (sizes[0][value] / sizes[1][value] - 1)}
            for value, name in THIGH_LABELS.items()
            if sizes[1][value]
        },
    }


def run(persons: int) -> list[dict[str, Any]]:
    """One row per condition and person."""
    checkpoint = load_checkpoint(SHIPPED)
    scan = protocol("full", "standard")
    geometry = fused_geometry(scan)
    spacing = (geometry.spacing_mm[2], geometry.spacing_mm[1], geometry.spacing_mm[0])
    rows = []
    for seed in range(FIRST_SEED["test"], FIRST_SEED["test"] + persons):
        anatomy = fit(draw_subject(seed), seed)
        truth = anatomy.labels(geometry)
        for condition in track(list(conditions()), description=f"person {seed}"):
            rng = np.random.default_rng([seed, 7])
            water = fused_water(anatomy, scan, rng, **{**PLAIN, **condition.changes})
            water[GAP_FROM : GAP_FROM + condition.gap] = 0
            values = measured(segment(checkpoint, water, spacing), truth)
            rows.append({"effect": condition.effect, "level": condition.level, "seed": seed, **values})
    return rows


def mean_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over persons, one row per condition, in order."""
    keys = list(dict.fromkeys((row["effect"], row["level"]) for row in rows))
    numbers = ("mean_dice", "lowest_dice", "muscle_volume_error_percent", "pa_ratio_error_percent")
    merged = []
    for effect, level in keys:
        of_it = [row for row in rows if (row["effect"], row["level"]) == (effect, level)]
        worst = min(of_it, key=lambda row: row["lowest_dice"])["lowest_structure"]
        means = {name: float(np.mean([row[name] for row in of_it])) for name in numbers}
        merged.append({"effect": effect, "level": level, "lowest_structure": worst, **means})
    return merged


def draw(path: Path, rows: list[dict[str, Any]]) -> None:
    """Dice of each condition; volume and P/A ratio errors against Dice."""
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(2.2, 1.4, 1.4))
    means = mean_rows(rows)
    names = [f"{row['effect']}: {row['level']}" for row in means]
    left.barh(names, [row["mean_dice"] for row in means], color="#1f5fa8")
    left.plot([row["lowest_dice"] for row in means], names, "o", color="#b5460f", label="lowest structure")
    left.invert_yaxis()
    left.set(xlim=(0, 1), xlabel="mean Dice of 27 structures", title="phantoms: effect on Dice")
    left.legend(loc="lower left")
    structures = [values for row in rows for values in row["structures"].values()]
    scatter(middle, [v["dice"] for v in structures], [v["volume_error_percent"] for v in structures])
    middle.set(xlabel="Dice of a structure", ylabel="error of its volume, %", title="volume error against Dice")
    scatter(right, [row["mean_dice"] for row in rows], [row["pa_ratio_error_percent"] for row in rows])
    right.set(xlabel="mean Dice", ylabel="error of hamstrings / quadriceps, %", title="P/A ratio error against Dice")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100, metadata={"Software": None})


def scatter(axes: Axes, x: list[float], y: list[float]) -> None:
    """Points with a zero line; the few beyond 100 % lie on the edge."""
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.plot(x, np.clip(y, -100, 100), ".", color="#1f5fa8", alpha=0.5)


def table(rows: list[dict[str, Any]]) -> str:
    """The means as Markdown."""
    lines = ["| effect | level | mean Dice | lowest structure | muscle volume error % | P/A ratio error % |"]
    lines.append("|---|---|---|---|---|---|")
    for row in mean_rows(rows):
        lines.append(
            f"| {row['effect']} | {row['level']} | {row['mean_dice']:.3f} | {row['lowest_structure']}"
            f" {row['lowest_dice']:.3f} | {row['muscle_volume_error_percent']:+.1f}"
            f" | {row['pa_ratio_error_percent']:+.1f} |"
        )
    return "\n".join(lines) + "\n"


def main(persons: int) -> None:
    """Measure, write, print."""
    rows = run(persons)
    folder = SHIPPED.parent
    write_json(folder / "effects.json", {"schema_version": "1.0", "persons": persons, "rows": rows})
    text = (
        "# What faults of the images do to the shipped weights\n\nPhantoms only: nothing here says how the weights"
        f" do on people. {persons} persons that training never saw; each line changes one thing against the first.\n"
        "Made by `python benchmarks/segmentation_effects.py`.\n\n![effects](effects.png)\n\n" + table(rows)
    )
    write_text(folder / "effects.md", text)
    draw(folder / "effects.png", rows)
    print(table(rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
