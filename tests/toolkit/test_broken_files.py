"""Files with random damage are read or refused in one line as an input fault: never another exception, never a wait."""

import random
import time
from pathlib import Path

import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.reading import read_labels, read_volume
from containers.toolkit.images.segmentation import write_segmentation
from tests.toolkit.nrrd_files import LABELS, NAMES
from tests.toolkit.test_dicom_seg import write, write_series
from tests.toolkit.test_nifti import GRID, image_of

TRIES = 150
SECONDS = 5.0
"""One file takes milliseconds, however it is damaged."""
HEADER = {"l.seg.nrrd": 1500, "l.nii": 352, "l.dcm": 10**6}
"""Bytes that are damaged: the header, of DICOM all."""


def damaged(content: bytes, limit: int, draw: random.Random) -> bytes:
    """Some bytes changed, left out or put in, or the end cut off."""
    found = bytearray(content)
    for _ in range(draw.randint(1, 6)):
        place, kind = draw.randrange(min(limit, len(found))), draw.random()
        if kind < 0.5:
            found[place] = draw.randrange(256)
        elif kind < 0.7:
            del found[place]
        elif kind < 0.9:
            found[place:place] = bytes(draw.choice(b'0123456789-.:=()\n"ex') for _ in range(draw.randint(1, 9)))
        else:
            del found[max(10, place) :]
    return bytes(found)


@pytest.mark.filterwarnings("ignore")  # pydicom warns of what it reads past
@pytest.mark.parametrize("name", HEADER)
def test_damage_is_the_inputs_fault(tmp_path: Path, name: str) -> None:
    path, draw, refused = tmp_path / name, random.Random(name), 0
    if name == "l.seg.nrrd":
        write_segmentation(path, LABELS, GRID, NAMES)
    elif name == "l.nii":
        path.write_bytes(image_of(data=LABELS).to_bytes())
    else:
        write(path, write_series(tmp_path / "series"))
    content = path.read_bytes()
    for _ in range(TRIES):
        path.write_bytes(damaged(content, HEADER[name], draw))
        start = time.monotonic()
        for read in (lambda: read_labels(path, len, NAMES), lambda: read_volume(path, len)):
            try:
                read()
            except ItemFault as fault:
                refused += 1
                assert "\n" not in str(fault) and fault.fix and str(tmp_path) not in str(fault)
        assert time.monotonic() - start < SECONDS
    assert refused > TRIES // 2
