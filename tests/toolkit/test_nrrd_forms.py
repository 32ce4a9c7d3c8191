"""Headers that other programs write, judged by SimpleITK (teem); and headers that ask for what cannot be."""

import bz2
import gzip
import re
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from containers.contract.errors import ItemFault
from containers.toolkit.images.segmentation import read_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd
from tests.toolkit.nrrd_files import GRID, LABELS, NAMES, segments, write

RAMP = np.arange(LABELS.size, dtype=np.int16).reshape(LABELS.shape)
SECONDS = 5.0
"""A refusal takes milliseconds; a program that obeyed the header would take hours."""


def as_simpleitk_reads(path: Path) -> None:
    """The values and the place of every corner are SimpleITK's."""
    image, ours = sitk.ReadImage(str(path)), read_nrrd(path)
    assert np.array_equal(sitk.GetArrayFromImage(image), ours.data)
    assert ours.data.dtype.isnative and ours.data.flags.writeable
    for corner in ((0, 0, 0), (9, 0, 5), (9, 7, 5)):
        assert image.TransformIndexToPhysicalPoint(corner) == pytest.approx(ours.geometry.position_mm(corner))


@pytest.mark.parametrize(
    "fields",
    [
        {"grid": GRID.replace("left-posterior-superior", "Left-Posterior-Superior")},
        {"grid": GRID.replace("left-posterior-superior", "lps")},
        {"grid": GRID.replace("left-posterior-superior", "RIGHT-anterior-superior")},
        {"head": 'space units: "millimeter" "millimeter" "millimeter"'},
        {"head": 'space units: "" "" ""'},
        {"head": "# a comment\nkinds: domain domain domain\ncontent: a:=b"},
        {"head": "unknown_key:=with : and := in it"},
        {"type": "signed short int"},
        {"endian": "Big", "packed": RAMP.byteswap().tobytes()},
        {"encoding": "GZIP", "packed": gzip.compress(RAMP.tobytes())},
        {"encoding": "gz", "packed": gzip.compress(RAMP.tobytes()[:100]) + gzip.compress(RAMP.tobytes()[100:])},
        {"encoding": "ascii", "packed": " ".join(map(str, RAMP.reshape(-1))).encode()},
        {"encoding": "Hex", "packed": RAMP.tobytes().hex().encode()},
        {"line_skip": "2", "packed": b"one\ntwo\n" + RAMP.tobytes()},
        {"byteskip": "3", "packed": b"abc" + RAMP.tobytes()},
        {"byte_skip": "-1", "packed": b"any number of bytes" + RAMP.tobytes()},
        {"packed": RAMP.tobytes() + b"\n"},
    ],
    ids=lambda fields: next(iter(fields)) + str(len(str(fields))),
)
def test_forms_of_a_header(tmp_path: Path, fields: dict) -> None:
    path = write(tmp_path / "v.nrrd", RAMP, **fields)
    assert b"space" in path.read_bytes()
    as_simpleitk_reads(path)
    assert np.array_equal(read_nrrd(path).data, RAMP)


def test_bzip2_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "v.nrrd", RAMP, encoding="bzip2", packed=bz2.compress(RAMP.tobytes()))
    assert np.array_equal(read_nrrd(path).data, RAMP)


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "v.nrrd", RAMP)
    header, data = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(header.replace(b"\n", b"\r\n") + b"\r\n\r\n" + data)
    assert np.array_equal(read_nrrd(path).data, RAMP)


def test_a_repeated_line_is_read_and_a_contradiction_refused(tmp_path: Path) -> None:
    twice = segments() + "\nSegment0_Name:=sartorius"
    assert read_segmentation(write(tmp_path / "a.seg.nrrd", pairs=twice))[1] == NAMES
    with pytest.raises(ItemFault, match="Segment0_Name as 'sartorius' and as 'gracilis'"):
        read_segmentation(write(tmp_path / "b.seg.nrrd", pairs=segments() + "\nSegment0_Name:=gracilis"))
    with pytest.raises(ItemFault, match="field 'encoding' twice"):
        read_nrrd(write(tmp_path / "c.nrrd", RAMP, head="encoding: gzip"))


def test_a_latin_header_keeps_its_names_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "m.seg.nrrd", pairs=segments({1: "Müller", 2: "Möller", 3: "M"}))
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xfc").replace("ö".encode(), b"\xf6"))
    volume, names = read_segmentation(path)
    assert names == {1: "Müller", 2: "Möller", 3: "M"}
    assert "is read as Latin-1" in volume.warnings[0]


BAD = {
    "line skip": ({"line_skip": "999999999999"}, "skips 999999999999 lines, of 960 bytes"),
    "negative line skip": ({"line_skip": "-5"}, "skips -5 lines"),
    "byte skip": ({"byte_skip": "999999999999"}, "skips 999999999999 bytes"),
    "byte skip in text": ({"encoding": "ascii", "byte_skip": "99999999999999"}, "skips 99999999999999 bytes"),
    "sizes above the file": ({"sizes": "1000 1000 1000"}, "has 960 bytes of data, its header asks for 2000000000"),
    "sizes below the file": ({"sizes": "10 8 5"}, "has more than 800 bytes of data"),
    "sizes above any file": ({"sizes": "1000000 1000000 1000000"}, "GiB of values"),
    "an endless axis": ({"sizes": "99999999999999999999 8 6"}, "has an axis of 99999999999999999999 values"),
    "an empty axis": ({"sizes": "0 8 6"}, "has an axis of 0 values"),
    "words as sizes": ({"sizes": "ten 8 6"}, "has sizes 'ten 8 6'"),
    "dimension": ({"dimension": "4"}, "has sizes '10 8 6' for dimension 4"),
    "gzip of little": (
        {"sizes": "1000 1000 1000", "encoding": "gzip", "packed": gzip.compress(RAMP.tobytes())},
        "its header asks for 2000000000",
    ),
    "bzip2 of little": (
        {"sizes": "1000 1000 1000", "encoding": "bzip2", "packed": bz2.compress(RAMP.tobytes())},
        "has 960 bytes of data, its header asks for 2000000000",
    ),
    "gzip of much": (
        {"encoding": "gzip", "packed": gzip.compress(bytes(50_000_000))},
        "has more than 960 bytes of data",
    ),
    "cut gzip": ({"encoding": "gzip", "packed": gzip.compress(RAMP.tobytes())[:-12]}, "not a readable NRRD"),
    "no gzip": ({"encoding": "gzip"}, "not a readable NRRD"),
    "no hex": ({"encoding": "hex"}, "not a readable NRRD"),
    "no encoding": ({"encoding": ""}, "has the encoding ''; known: bzip2, gzip, hex, raw, text"),
    "another type": ({"type": "block"}, "has values of type 'block'"),
    "no byte order": ({"endian": ""}, "does not say its byte order"),
    "another byte order": ({"endian": "middle"}, "has endian 'middle'"),
    "scanner frame": ({"grid": GRID.replace("left-posterior-superior", "scanner-xyz")}, "its space is 'scanner-xyz'"),
    "NaN in the origin": ({"grid": GRID.replace("-7,", "nan,")}, r"has the space origin '\(nan,3.5,-50\)'"),
    "origin of two": ({"grid": GRID.replace("-7,", "")}, "in its space origin"),
    "word in a direction": ({"grid": GRID.replace("(0,2,0)", "(0,two,0)")}, "in its space directions"),
    "two directions": ({"grid": GRID.replace("(0,2,0) ", "")}, "has 2 space directions for 3 axes"),
    "another unit": ({"head": 'space units: "um" "um" "um"'}, "counts in 'um', not in mm"),
    "a line of no form": ({"head": "hello"}, "line 'hello' of its header"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_headers_are_one_line_and_no_wait(tmp_path: Path, name: str) -> None:
    fields, says = BAD[name]
    path = write(tmp_path / "v.nrrd", RAMP, **fields)
    start = time.monotonic()
    with pytest.raises(ItemFault, match=says) as fault:
        read_nrrd(path)
    assert time.monotonic() - start < SECONDS
    assert "\n" not in str(fault.value) and str(tmp_path) not in str(fault.value)
    assert fault.value.fix


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.nrrd").write_bytes(b"NRRD0004\n" + b"x:=y\n" * 2_000_000)
    with pytest.raises(ItemFault, match="has a header of more than 4 MiB"):
        read_nrrd(tmp_path / "v.nrrd")
    (tmp_path / "w.nrrd").write_bytes(b"NRRD0004\ntype: " + b"x" * 3_000_000)
    with pytest.raises(ItemFault, match="a line of its header is too long"):
        read_nrrd(tmp_path / "w.nrrd")


@pytest.mark.parametrize(
    ("kinds", "directions", "shape", "says"),
    [
        ("RGB-color domain domain", "none (1.5,0,0) (0,2,0)", (8, 10, 3), r"colour axis \(RGB-color, 3 values\)"),
        ("vector domain domain", "none (1.5,0,0) (0,2,0)", (8, 10, 3), "has 3 axes, 2 of them in space"),
        ("domain domain domain list", "(1,0,0) (0,1,0) (0,0,1) none", (2, 4, 8, 10), "has 4 axes, 3 are needed"),
    ],
)
def test_other_axes_are_named(tmp_path: Path, kinds: str, directions: str, shape: tuple, says: str) -> None:
    grid = re.sub("space directions: .*", f"space directions: {directions}", GRID)
    with pytest.raises(ItemFault, match=says):
        read_nrrd(write(tmp_path / "v.nrrd", np.ones(shape, np.uint8), grid=grid, head=f"kinds: {kinds}"))


def test_a_fourth_axis_of_one_entry_is_let_go(tmp_path: Path) -> None:
    grid = GRID.replace("(1.5", "none (1.5")
    path = write(tmp_path / "v.nrrd", RAMP[..., None], grid=grid, head="kinds: list domain domain domain")
    assert np.array_equal(read_nrrd(path).data, RAMP)


def test_what_pynrrd_writes_is_not_changed_by_us(tmp_path: Path) -> None:
    """Our header of ASCII facts is pynrrd's, byte for byte, but for its comments."""
    import nrrd

    grid = Geometry((10, 8, 6), (1.5, 2.0, 4.0), (-7.0, 3.5, -50.0))
    write_nrrd(tmp_path / "a.nrrd", Volume(RAMP, grid, {"contrast": "water"}), compress=True)
    header = {
        "space": "left-posterior-superior",
        "space directions": grid.matrix().T,
        "space origin": np.array(grid.origin_mm),
        "space units": ["mm"] * 3,
        "kinds": ["domain"] * 3,
        "encoding": "gzip",
        "contrast": "water",
    }
    nrrd.write(str(tmp_path / "b.nrrd"), RAMP, header, index_order="C", compression_level=1)
    theirs = re.sub(rb"(?m)^#.*\n", b"", (tmp_path / "b.nrrd").read_bytes(), count=4)
    assert (tmp_path / "a.nrrd").read_bytes() == theirs
