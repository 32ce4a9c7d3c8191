"""What the image, the masks and the mixture's settings do to InterMAT and lean muscle mass, against truth.

`python benchmarks/mixture_effects.py` writes `effects.json`, `effects.md` and `effects.png` to
`containers/composition/effects`. Three phantom persons of low, mean and high InterMAT at the paper's voxels, with true
masks; each condition changes one thing against the first. The noise-free image is made once a person: noise, shading
and larger voxels are put on it as the phantom itself does, on the part of the image around the back. Nothing here is
timed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from rich.progress import track
from scipy import ndimage

from containers.composition.adipose import adipose_signal
from containers.composition.bias_field import bias_field
from containers.composition.tissue import (
    ALL_RULES,
    PARTIAL_VOLUME,
    Voxels,
    fit_scopes,
    muscle_level,
    scopes_of,
    tissue_parts,
)
from containers.contract.files import replacing, write_json, write_text
from containers.contract.labels import SPINE_LABELS
from containers.contract.volume import Geometry, Volume
from phantoms import haste
from phantoms.dixon import coil, stored
from phantoms.spine_anatomy import fit
from phantoms.spine_subjects import draw_spine_subject
from phantoms.spine_truth import truth

FOLDER = Path(__file__).resolve().parents[1] / "containers" / "composition" / "effects"
PERSONS = ((701, 4.0), (702, 6.6), (703, 11.0))
"""Seed and InterMAT in percent: below, at and above the population's mean."""
TEXTURE, SHADING = 0.04, 0.15
"""The phantom's defaults."""
PAPER = "hard_muscle"
SETTINGS = {
    "mixture_components": 3,
    "mixture_method": "histogram",
    "mixture_max_iterations": 1000,
    "mixture_tolerance": 0.0,
    "mixture_initialisation": "kmeans",
    "mixture_scope": "participant",
    "intensities": "magnitude",
}
LABEL_OF = {name: value for value, name in SPINE_LABELS.items()}
ROWS, COLUMNS_KEPT = slice(124, 260), slice(66, 254)
"""Part of the slice that is kept: from before the spine to behind the skin, and 130 mm to either side."""


@dataclass(frozen=True)
class Condition:
    """effect, level: what is changed and to what. image, settings: the changes. mask: voxels to grow (or shrink) by."""

    effect: str
    level: str
    image: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    mask: int = 0
    seed: int = 0


def conditions() -> Iterator[Condition]:
    """All conditions; the first is the protocol's own with the stage's defaults."""
    yield Condition("protocol", "as it is")
    for factor in (0.0, 2.0, 4.0, 8.0):
        yield Condition("noise", f"x {factor:g}", {"noise": factor})
    for shading in (0.0, 0.3, 0.5):
        yield Condition("shading", f"{shading:g}", {"shading": shading})
    for shading in (0.15, 0.3, 0.5):
        yield Condition("shading, N4", f"{shading:g}", {"shading": shading, "n4": True})
    for plane, through in ((2, 1), (1, 2), (2, 2), (1, 4)):
        yield Condition("voxels", f"{1.4 * plane:g} x {1.4 * plane:g} x {5 * through} mm", {"blocks": (plane, through)})
    for steps in (-2, -1, 1, 2):
        yield Condition("masks", f"{'eroded' if steps < 0 else 'dilated'} by {1.4 * abs(steps):g} mm", mask=steps)
    for number in (2, 4, 5):
        yield Condition("components", f"{number}", settings={"mixture_components": number})
    for tolerance in (1e-2, 1e-3, 1e-4, 1e-6):
        yield Condition("tolerance", f"{tolerance:g}", settings={"mixture_tolerance": tolerance})
    yield Condition("start", "quantiles", settings={"mixture_initialisation": "quantiles"})
    for seed in (1, 2, 3):
        yield Condition("start", f"random {seed}", settings={"mixture_initialisation": "random"}, seed=seed)
    for scope in ("side", "structure"):
        yield Condition("one mixture a", scope, settings={"mixture_scope": scope})


@dataclass(frozen=True)
class Person:
    """plain: noise-free image (k, j, i) without shading on `part_grid`. intermat: true, in percent. lean: cm3."""

    seed: int
    plain: npt.NDArray[np.float32]
    intermat: float
    lean: float


def part_grid(plane: int = 1, through: int = 1) -> Geometry:
    """Grid of the kept part, with `plane` x `plane` x `through` voxels of the protocol in one."""
    grid = haste.FULL.geometry()
    first = (COLUMNS_KEPT.start + (plane - 1) / 2, ROWS.start + (plane - 1) / 2, (through - 1) / 2)
    x, y, z = (float(v) for v in grid.position_mm(first))
    step_i, step_j, step_k = grid.spacing_mm
    size = (COLUMNS_KEPT.stop - COLUMNS_KEPT.start, ROWS.stop - ROWS.start, grid.size[2])
    blocks = (plane, plane, through)
    columns, rows, slices = (n // b for n, b in zip(size, blocks, strict=True))
    return Geometry((columns, rows, slices), (step_i * plane, step_j * plane, step_k * through), (x, y, z))


def person(seed: int, intermat: float) -> Person:
    """A person drawn by `seed` with that InterMAT."""
    anatomy = fit(draw_spine_subject(seed, intermat_percent=intermat), seed)
    plain = haste.acquire(
        anatomy, haste.FULL.geometry(), haste.FULL, np.random.default_rng(0), texture=TEXTURE, noise=0
    )
    true, _ = truth(anatomy, 2.5)
    kept = np.ascontiguousarray(plain[:, ROWS, COLUMNS_KEPT])
    return Person(seed, kept, true["intermat_percent"], true["lean_volume_cm3"])


def scanned(
    who: Person, noise: float = 1.0, shading: float = SHADING, blocks: tuple[int, int] = (1, 1)
) -> tuple[npt.NDArray[np.uint16], Geometry]:
    """The stored image (k, j, i) and its grid. blocks: voxels of the protocol in one, in the plane and through it."""
    plane, through = blocks
    own = part_grid(plane, through)
    slices, rows, columns = own.shape
    image = who.plain * coil(haste.FULL.geometry(), shading)[:, ROWS, COLUMNS_KEPT]
    cut = image[: slices * through, : rows * plane, : columns * plane]
    image = cut.reshape(slices, through, rows, plane, columns, plane).mean(axis=(1, 3, 5))
    rng = np.random.default_rng([who.seed, 24])
    sigma = np.float32(noise * haste.FULL.noise_sigma)
    real, imaginary = sigma * rng.standard_normal((2, *image.shape), dtype=np.float32)
    return stored(np.hypot(image + real, imaginary)), own


@cache
def true_labels(seed: int, plane: int, through: int) -> npt.NDArray[np.uint8]:
    """True labels of a person on `part_grid`."""
    intermat = dict(PERSONS)[seed]
    return fit(draw_spine_subject(seed, intermat_percent=intermat), seed).labels(part_grid(plane, through))


def masks(labels: npt.NDArray[np.uint8], steps: int) -> npt.NDArray[np.uint8]:
    """Labels grown within their slices into what has no label, or shrunken, by `steps` voxels."""
    cross = ndimage.generate_binary_structure(3, 1)
    cross[[0, 2]] = False
    if steps < 0:
        inner = ndimage.binary_erosion(labels > 0, cross, iterations=-steps)
        return np.where(inner, labels, 0).astype(np.uint8)
    for _ in range(steps):
        labels = np.where(labels > 0, labels, ndimage.grey_dilation(labels, footprint=cross)).astype(np.uint8)
    return labels


def measured(who: Person, condition: Condition) -> dict[str, float | None]:
    """Errors of InterMAT in percentage points by every rule, and of lean muscle mass in percent by two."""
    image_settings = dict(condition.image)
    n4 = image_settings.pop("n4", False)
    image, grid = scanned(who, **image_settings)
    labels = masks(true_labels(who.seed, *image_settings.get("blocks", (1, 1))), condition.mask)
    labelled = labels > 0
    data: npt.NDArray[Any] = image / bias_field(Volume(image, grid), labelled) if n4 else image
    places = np.flatnonzero(labelled)
    voxels = Voxels(places, labels.reshape(-1)[places], data.reshape(-1)[places])
    settings = SETTINGS | condition.settings
    scopes = scopes_of(LABEL_OF, settings["mixture_scope"])
    fitted = fit_scopes(voxels, scopes, settings, condition.seed, "phantom")
    adipose = adipose_signal(data, labelled, grid, muscle_level(fitted))
    parts = tissue_parts(voxels, fitted, ALL_RULES, adipose)
    found: dict[str, float | None] = {}
    for rule in ALL_RULES:
        if rule not in parts:
            found[f"intermat_error.{rule}"] = None
            continue
        muscle, fat = (float(part.sum()) for part in parts[rule])
        found[f"intermat_error.{rule}"] = 100 * fat / (muscle + fat) - who.intermat
        if rule in (PARTIAL_VOLUME, PAPER):
            found[f"lmm_error_percent.{rule}"] = 100 * (muscle * grid.voxel_cm3 / who.lean - 1)
    return found


def run() -> list[dict[str, Any]]:
    """One row per person and condition."""
    rows = []
    for seed, intermat in PERSONS:
        who = person(seed, intermat)
        for condition in track(list(conditions()), description=f"InterMAT {intermat:g} %"):
            row = {"effect": condition.effect, "level": condition.level, "seed": seed, "intermat_percent": who.intermat}
            rows.append(row | measured(who, condition))
    return rows


def groups(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Rows by effect and level, in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["effect"], row["level"]), []).append(row)
    return found


COLUMNS = {
    f"intermat_error.{PARTIAL_VOLUME}": "InterMAT error, points: partial volume",
    f"intermat_error.{PAPER}": "InterMAT error, points: brightest component only",
    f"lmm_error_percent.{PARTIAL_VOLUME}": "LMM error, %: partial volume",
}


def draw(path: Path, rows: list[dict[str, Any]]) -> None:
    """Errors of each condition, a mark for each person; and InterMAT error of each rule under the protocol."""
    figure = Figure(figsize=(14, 9), layout="constrained")
    panels = figure.subplots(1, 4, width_ratios=(1, 1, 1, 0.8))
    grouped = groups(rows)
    names = [f"{effect}: {level}" for effect, level in grouped]
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    colours = dict(zip(seeds, ("#1f5fa8", "#7b5cd6", "#b5460f"), strict=True))
    for axes, (column, title) in zip(panels, COLUMNS.items(), strict=False):
        for number, of_it in enumerate(grouped.values()):
            for row in of_it:
                axes.plot(row[column], number, "o", color=colours[row["seed"]], markersize=4, alpha=0.85)
        axes.axvline(0, color="#888888", linewidth=0.8)
        axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names), fontsize=7.5)
        axes.set(ylim=(len(names) - 0.5, -0.5))
        axes.set_title(title, fontsize=9)
        axes.grid(axis="y", color="#e3e6ea", linewidth=0.6)
    panels[0].axvspan(-0.5, 0.5, color="#dfeee8", zorder=0)
    first = next(iter(grouped.values()))
    for row in first:
        values = [row[f"intermat_error.{rule}"] for rule in ALL_RULES]
        label = f"InterMAT {row['intermat_percent']:.1f} %"
        panels[3].plot(values, ALL_RULES, "o", color=colours[row["seed"]], markersize=5, label=label)
    panels[3].axvline(0, color="#888888", linewidth=0.8)
    panels[3].invert_yaxis()
    panels[3].yaxis.tick_right()
    panels[3].set_title("InterMAT error by rule, protocol", fontsize=9)
    panels[3].legend(fontsize=8)
    figure.suptitle("phantoms with true masks: error against truth", fontsize=11)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90, metadata={"Software": None})


def number(values: list[float | None]) -> str:
    """Mean and, in brackets, the lowest and highest."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "undefined"
    return f"{np.mean(known):+.2f} ({min(known):+.2f} to {max(known):+.2f})"


def tables(rows: list[dict[str, Any]]) -> str:
    """The errors by condition, and those of every rule under the protocol, as Markdown."""
    grouped = groups(rows)
    lines = ["| effect | level | " + " | ".join(COLUMNS.values()) + " |", "|---" * (2 + len(COLUMNS)) + "|"]
    for (effect, level), of_it in grouped.items():
        cells = [number([row[column] for row in of_it]) for column in COLUMNS]
        lines.append(f"| {effect} | {level} | " + " | ".join(cells) + " |")
    lines += ["", "| rule | InterMAT error, percentage points, under the protocol |", "|---|---|"]
    first = next(iter(grouped.values()))
    for rule in ALL_RULES:
        lines.append(f"| {rule} | {number([row[f'intermat_error.{rule}'] for row in first])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, write, print."""
    rows = run()
    write_json(FOLDER / "effects.json", {"schema_version": "1.0", "rows": rows})
    text = (
        "# What the image, the masks and the mixture's settings do to InterMAT and lean muscle mass\n\nPhantoms with"
        f" true masks: nothing here says how large InterMAT is in people. {len(PERSONS)} persons; mean error, lowest\n"
        "and highest in brackets; each line changes one thing against the first.\nMade by"
        " `python benchmarks/mixture_effects.py`.\n\n![effects](effects.png)\n\n" + tables(rows)
    )
    write_text(FOLDER / "effects.md", text)
    draw(FOLDER / "effects.png", rows)
    print(tables(rows))


if __name__ == "__main__":
    main()
