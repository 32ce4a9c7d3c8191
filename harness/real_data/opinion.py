"""Two readings of one series compared: ours and SimpleITK's, voxel by voxel at the same places in the patient."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nrrd
import numpy as np

from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Volume, read_nrrd

SECONDS = 300.0
"""How long the other reader may take over one series."""
ON_GRID = 0.02
"""Part of a voxel by which the two grids may differ: rounding of printed positions."""
VALUE_TOLERANCE = 1e-3
"""Part of the range of values by which equal voxels may differ: ours are interpolated at their own centres."""


@dataclass(frozen=True)
class Opinion:
    """What another reader says of a series."""

    volumes: int
    """Volumes that it read."""
    equal: int
    """Those of them that one of our volumes equals, in place and value."""
    shared: int
    """Further ones of which each slice is one of ours, put together otherwise: several images read as one."""
    said: str
    """What it read or why not, in words."""

    @property
    def differs(self) -> bool:
        """Whether it read a volume that has nothing of ours."""
        return self.equal + self.shared < self.volumes


def independent_opinion(series: Path, ours: list[Path], scratch: Path) -> Opinion:
    """SimpleITK's reading of a folder with one series, compared with our volumes (NRRD files)."""
    scratch.mkdir()
    command = [sys.executable, "-m", "harness.real_data.independent", str(series), str(scratch)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Opinion(0, 0, 0, f"took more than {SECONDS:.0f} s")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return Opinion(0, 0, 0, f"ended: {lines[-1][:160]}")
    failed: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    mine = [read_nrrd(path) for path in ours]
    known: set[bytes] | None = None
    equal = shared = 0
    shapes = []
    theirs = sorted(scratch.glob("*.nrrd"))
    for path in theirs:
        try:
            volume = read_nrrd(path)
        except ItemFault:
            header = nrrd.read_header(str(path))
            shapes.append(" x ".join(map(str, header["sizes"])) + " (not a scalar volume)")
            continue
        shapes.append(" x ".join(map(str, volume.geometry.size)))
        if any(same_image(one, volume) for one in mine):
            equal += 1
            continue
        if known is None:  # only where a volume differs: it sorts all of ours three times
            known = set().union(*(slice_marks(one, axis) for one in mine for axis in range(3)))
        shared += slice_marks(volume, 0) <= known
    if not theirs:
        return Opinion(0, 0, 0, f"refuses it: {failed[0]}" if failed else "finds no volume")
    listed = ", ".join(shapes[:3]) + (f" and {len(shapes) - 3} more" if len(shapes) > 3 else "")
    said = f"{len(theirs)} of {listed}; equal to ours: {equal}"
    said += f"; of our slices in another order: {shared}" if shared else ""
    return Opinion(len(theirs), equal, shared, said)


def slice_marks(volume: Volume, axis: int) -> set[bytes]:
    """A mark of each slice along an array axis: equal for equal values, however the slice is turned or mirrored."""
    marks = set()
    for plane in np.moveaxis(volume.data, axis, 0):
        values = np.sort(plane, axis=None).astype(np.float64)
        marks.add(np.round(values, 2).astype(np.float32).tobytes() + str(sorted(plane.shape)).encode())
    return {hashlib.sha256(mark).digest() for mark in marks}


def same_image(ours: Volume, theirs: Volume) -> bool:
    """Whether each voxel of theirs lies on a voxel of ours and has its value; axes may be ordered and run otherwise.

    A volume of one slice has no slice distance: it is the same where its slice is one of ours.
    """
    k, j, i = np.indices(theirs.geometry.shape)
    index = ours.geometry.index(theirs.geometry.position_mm(np.stack([i, j, k], axis=-1)))
    nearest = np.rint(index).astype(np.int64)
    if np.abs(index - nearest).max() > ON_GRID:
        return False
    if (nearest < 0).any() or (nearest >= np.array(ours.geometry.size)).any():
        return False
    values = ours.data[nearest[..., 2], nearest[..., 1], nearest[..., 0]].astype(np.float64)
    expected = theirs.data.astype(np.float64)
    scale = float(np.ptp(expected)) or 1.0
    return bool(np.abs(values - expected).max() <= VALUE_TOLERANCE * scale)
