"""Quality control of one label map: empty muscles, sides mixed, disconnected parts, implausible volumes.

It says what a person should look at; it changes no label. Limits are wide: they are there for failures, not for
unusual people. Arrays are turned (z, y, x); x runs to the Left.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from containers.contract.stage import Result
from containers.toolkit.networks.dice import Labels

SPECK_CM3 = 0.1
"""Parts below are not counted as parts; they do count as stray."""
STRAY_PERCENT = 2.0
"""A muscle is one part from sacrum to neck; more than this outside the largest is a finding."""
SIDE_RATIO = 0.5
"""A muscle whose smaller side is below this share of the larger one is a finding."""
WRONG_SIDE_PERCENT = 5.0
"""A muscle with more than this beyond the middle is a finding."""
VOLUME_CM3 = (1.0, 1500.0)
"""No muscle of one side lies outside."""


def check_labels(
    labels: Labels, voxel_cm3: float, names: dict[int, str], out: Result, raw: Labels | None = None
) -> None:
    """Write the metrics and warnings of a turned label map. names: label value -> MUSCLE_left or MUSCLE_right.

    voxel_cm3: volume of a voxel by the determinant of the grid: axes need not be at right angles.
    raw: the map before post-processing, where there is one. Its parts are judged: what was taken away was found too.
    """
    findings: list[str] = []
    volumes: dict[str, float] = {}
    boxes = ndimage.find_objects(labels, max_label=max(names))
    middle = middle_line(labels, names)
    for value, name in names.items():
        findings += _parts(labels if raw is None else raw, value, name, voxel_cm3, out)
        box = boxes[value - 1]
        inside = labels[box] == value if box is not None else np.zeros(0, dtype=bool)
        volumes[name] = int(inside.sum()) * voxel_cm3
        out.metric(f"volume_cm3.{name}", volumes[name])
        if raw is not None:
            out.metric(f"removed_cm3.{name}", int((raw == value).sum()) * voxel_cm3 - volumes[name])
        if box is None:
            findings.append(f"{name}: no voxel")
            continue
        if not VOLUME_CM3[0] <= volumes[name] <= VOLUME_CM3[1]:
            findings.append(f"{name}: implausible volume {volumes[name]:.2f} cm3")
        if middle is not None:
            wrong = wrong_side_percent(inside, name.endswith("_left"), box[2].start, middle[box[0]])
            out.metric(f"wrong_side_percent.{name}", wrong)
            if wrong > WRONG_SIDE_PERCENT:
                findings.append(f"{name}: {wrong:.1f} % lies on the other side of the middle")
    findings += _compare_sides(volumes, out)
    out.metric("structures_found", sum(volume > 0 for volume in volumes.values()))
    out.metric("flags", len(findings))
    for line in findings:
        out.warn(line)
    out.details["quality"] = {"findings": findings}


def _parts(labels: Labels, value: int, name: str, voxel_cm3: float, out: Result) -> list[str]:
    """Metrics and findings of a muscle's connected parts; nothing for one without a voxel."""
    box = ndimage.find_objects(labels, max_label=value)[value - 1]
    if box is None:
        return []
    parts, count = ndimage.label(labels[box] == value, structure=np.ones((3, 3, 3), dtype=bool))
    sizes = np.bincount(parts.reshape(-1), minlength=count + 1)[1:]
    stray = 100 * (1 - float(sizes.max()) / float(sizes.sum()))
    out.metric(f"parts.{name}", int((sizes * voxel_cm3 >= SPECK_CM3).sum()))
    out.metric(f"stray_percent.{name}", stray)
    return [f"{name}: {stray:.1f} % lies outside its largest part"] if stray > STRAY_PERCENT else []


def middle_line(labels: Labels, names: dict[int, str]) -> npt.NDArray[np.float64] | None:
    """x of the middle at each height z, in voxels: a smooth curve between the muscles; None where a side is empty.

    A cubic, fitted to the centre of all labelled voxels of each slice: it asks for no side, so that mixed sides show.
    """
    sides = [np.isin(labels, [v for v, n in names.items() if n.endswith(f"_{side}")]) for side in ("left", "right")]
    if not all(side.any() for side in sides):
        return None
    rows = np.flatnonzero((labels > 0).any(axis=(1, 2)))
    along = np.arange(labels.shape[2])
    profile = (labels[rows] > 0).sum(axis=1)
    centres = (profile * along).sum(axis=1) / profile.sum(axis=1)
    degree = min(3, len(rows) - 1)
    fitted = np.polyfit(rows, centres, degree, w=np.sqrt(profile.sum(axis=1)))
    return np.asarray(np.polyval(fitted, np.arange(labels.shape[0])), dtype=np.float64)


def wrong_side_percent(inside: npt.NDArray[np.bool_], left: bool, first: int, middle: npt.NDArray[np.float64]) -> float:
    """Share of a muscle's voxels beyond the middle in %. inside: its box; `first`: x of its first column."""
    place = np.arange(first, first + inside.shape[2])
    beyond = place < middle[:, None] if left else place > middle[:, None]
    return 100 * float((inside & beyond[:, None, :]).sum()) / float(inside.sum())


def _compare_sides(volumes: dict[str, float], out: Result) -> list[str]:
    """Metric and findings of the two sides of each muscle."""
    findings = []
    for muscle in sorted({name.rpartition("_")[0] for name in volumes}):
        small, large = sorted(volumes.get(f"{muscle}_{side}", 0.0) for side in ("left", "right"))
        if large == 0:
            out.metric(f"side_ratio.{muscle}", None, "no voxel on either side")
            continue
        out.metric(f"side_ratio.{muscle}", small / large)
        if 0 < small / large < SIDE_RATIO:
            findings.append(f"{muscle}: {small / large:.2f} times as large on one side as on the other")
    return findings
