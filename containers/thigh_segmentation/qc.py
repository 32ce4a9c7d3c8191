"""Quality control of one label map: empty classes, disconnected parts, implausible volumes, left and right mixed.

It says what a person should look at; it changes no label. Limits are wide: they are there for failures, not for
unusual people.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from containers.contract.stage import Result

SPECK_CM3 = 0.1
"""Parts below are not counted as parts; they do count as stray."""
STRAY_PERCENT = 2.0
"""Each structure is one part on either side; more than this outside the two largest is a finding."""
SIDE_RATIO = 0.5
"""A structure whose smaller side is below this share of the larger one is a finding (largest asymmetry known: 15 %)."""
VOLUME_CM3 = (1.0, 3500.0)
"""No muscle or bone of both sides together lies outside (from a child's quadratus femoris to a large man's gluteus)."""


def check_labels(labels: npt.NDArray[np.uint8], voxel_cm3: float, names: dict[int, str], out: Result) -> None:
    """Write the metrics and warnings of a turned label map (z, y, x); x runs to the Left.

    voxel_cm3: volume of a voxel by the determinant of the grid: axes need not be at right angles.
    """
    boxes = ndimage.find_objects(labels, max_label=max(names))
    middle = _middle(labels, names)
    findings: list[str] = []
    found = 0
    for value, name in names.items():
        box = boxes[value - 1]
        if box is None:
            out.metric(f"volume_cm3.{name}", 0.0)
            findings.append(f"{name}: no voxel")
            continue
        found += 1
        inside = labels[box] == value
        voxels = int(inside.sum())
        volume = voxels * voxel_cm3
        out.metric(f"volume_cm3.{name}", volume)
        parts, count = ndimage.label(inside, structure=np.ones((3, 3, 3), dtype=bool))
        sizes = np.sort(np.bincount(parts.reshape(-1), minlength=count + 1)[1:])[::-1]
        stray = 100 * (1 - float(sizes[:2].sum()) / voxels)
        out.metric(f"parts.{name}", int((sizes * voxel_cm3 >= SPECK_CM3).sum()))
        out.metric(f"stray_percent.{name}", stray)
        if not VOLUME_CM3[0] <= volume <= VOLUME_CM3[1]:
            findings.append(f"{name}: implausible volume {volume:.2f} cm3")
        if stray > STRAY_PERCENT:
            findings.append(f"{name}: {stray:.1f} % lies outside its two largest parts")
        if middle is not None:
            right = float(inside[..., : max(0, middle - box[2].start)].sum())
            small, large = sorted((right, voxels - right))
            out.metric(f"side_ratio.{name}", small / large)
            if small / large < SIDE_RATIO:
                findings.append(f"{name}: {small / large:.2f} times as large on one side as on the other")
    out.metric("structures_found", found)
    out.metric("flags", len(findings))
    for line in findings:
        out.warn(line)
    details: dict[str, Any] = {"findings": findings, "middle_voxel_x": middle}
    out.details["quality"] = details


def _middle(labels: npt.NDArray[np.uint8], names: dict[int, str]) -> int | None:
    """Voxel along x in the middle of the femurs; None where there is no femur."""
    femur = {name: value for value, name in names.items()}.get("femur")
    if femur is None:
        return None
    along = np.flatnonzero((labels == femur).any(axis=(0, 1)))
    return int(np.rint((along[0] + along[-1]) / 2)) if len(along) else None
