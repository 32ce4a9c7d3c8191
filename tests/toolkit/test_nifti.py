"""NIfTI headers: transforms, units, scaling, types; judged by nibabel and SimpleITK."""

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from containers.contract.errors import ItemFault
from containers.toolkit.images.nifti_grid import is_orthogonal, nearest_axes, ras_affine
from containers.toolkit.images.reading import read_labels, read_volume
from containers.toolkit.images.volume import Geometry
from tests.toolkit.nrrd_files import LABELS, NAMES
from tests.toolkit.test_reading import silent
from tests.toolkit.test_volume import OBLIQUE

GRID = Geometry((10, 8, 6), (1.5, 2.0, 4.0), (-7.0, 3.5, -50.0), OBLIQUE.directions)
SHEARED = Geometry(GRID.size, GRID.spacing_mm, GRID.origin_mm, ((1, 0, 0), (0, 1, 0), (0.6, 0, 0.8)))
RAMP = np.arange(LABELS.size, dtype=np.int16).reshape(LABELS.shape)
FLOAT32_MM = 2e-5
"""Rounding of coordinates below 256 mm to float32."""


def image_of(grid: Geometry = GRID, data: np.ndarray = RAMP, *, sform: int = 1, qform: int = 1) -> Any:
    image = nibabel.Nifti1Image(data.transpose(2, 1, 0), ras_affine(grid))
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(ras_affine(grid), code=qform)
    image.set_sform(ras_affine(grid), code=sform)
    return image


def saved(path: Path, image: Any) -> Path:
    nibabel.save(image, path)
    return path


def moved(grid: Geometry = GRID, **changes: Any) -> np.ndarray:
    """The RAS transform of a grid with other fields."""
    fields = {name: getattr(grid, name) for name in ("size", "spacing_mm", "origin_mm", "directions")}
    return ras_affine(Geometry(**{**fields, **changes}))


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (2, 0), (0, 1), (4, 2)])
def test_both_transforms_are_as_nibabel_and_simpleitk_read_them(tmp_path: Path, sform: int, qform: int) -> None:
    path = saved(tmp_path / "v.nii.gz", image_of(sform=sform, qform=qform))
    ours, theirs, itk = read_volume(path, silent), nibabel.load(path), sitk.ReadImage(str(path))
    assert np.array_equal(ours.data, np.asanyarray(theirs.dataobj).transpose(2, 1, 0))
    assert np.array_equal(ours.data, sitk.GetArrayFromImage(itk)) and ours.data.flags.writeable
    assert ras_affine(ours.geometry) == pytest.approx(theirs.affine, abs=FLOAT32_MM)
    for corner in ((0, 0, 0), (9, 7, 5), (3, 0, 5)):
        place = ours.geometry.position_mm(corner)
        assert itk.TransformIndexToPhysicalPoint(corner) == pytest.approx(place, abs=1e-4)


def test_sform_counts_and_a_distance_is_named(tmp_path: Path) -> None:
    image = image_of()
    x, y, z = GRID.origin_mm
    image.set_qform(moved(origin_mm=(x + 5, y, z)), code=1)
    lines: list[str] = []
    grid = read_volume(saved(tmp_path / "v.nii", image), lines.append).geometry
    assert grid.gap_mm(GRID) < FLOAT32_MM
    assert lines == ["v.nii: sform and qform lie up to 5 mm apart; sform counts"]


def test_rounding_of_a_quaternion_near_a_half_turn_is_no_distance(tmp_path: Path) -> None:
    tilt = 1e-3
    turned = ((-np.cos(tilt), -np.sin(tilt), 0), (np.sin(tilt), -np.cos(tilt), 0), (0, 0, 1))
    grid = Geometry((300, 300, 5), (1.5, 1.5, 4.0), (200.0, 200.0, 0.0), turned)
    image = image_of(grid, np.zeros(grid.shape, np.int16))
    assert read_volume(saved(tmp_path / "v.nii.gz", image), silent).geometry.gap_mm(grid) < 1e-3


@pytest.mark.parametrize(
    ("qform", "says"),
    [
        ({"spacing_mm": (1.5, 2.0, 4.4)}, "has voxels of 1.5 x 2 x 4 mm by sform and 1.5 x 2 x 4.4 mm by qform"),
        ({"directions": ((-1, 0, 0), *OBLIQUE.directions[1:])}, "has axes to LPS by sform and to RPS by qform"),
    ],
)
def test_transforms_of_two_sizes_or_sides_are_refused(tmp_path: Path, qform: dict, says: str) -> None:
    image = image_of()
    image.set_qform(moved(**qform), code=1)
    if "spacing_mm" in qform:
        image.header["pixdim"][1:4] = qform["spacing_mm"]
    with pytest.raises(ItemFault, match=says):
        read_volume(saved(tmp_path / "v.nii", image), silent)


def test_without_a_code_nothing_says_which_side_is_left(tmp_path: Path) -> None:
    with pytest.raises(ItemFault, match="has no place in the patient"):
        read_volume(saved(tmp_path / "v.nii", image_of(sform=0, qform=0)), silent)


def test_a_sheared_grid_is_kept_by_sform(tmp_path: Path) -> None:
    image = image_of(SHEARED, qform=0)
    grid = read_volume(saved(tmp_path / "v.nii", image), silent).geometry
    assert grid.gap_mm(SHEARED) < FLOAT32_MM and not is_orthogonal(grid)
    assert grid.voxel_cm3 == pytest.approx(1.5 * 2 * 4 * 0.8 / 1000)


@pytest.mark.parametrize(("code", "factor", "word"), [("micron", 1000, "micrometres"), ("meter", 0.001, "metres")])
def test_units_are_converted_as_itk_does(tmp_path: Path, code: str, factor: float, word: str) -> None:
    scaled = Geometry(
        GRID.size,
        tuple(v * factor for v in GRID.spacing_mm),
        tuple(v * factor for v in GRID.origin_mm),
        GRID.directions,
    )
    image = image_of(scaled)
    image.header.set_xyzt_units(code, "sec")
    path, lines = saved(tmp_path / "v.nii", image), list[str]()
    grid = read_volume(path, lines.append).geometry
    assert grid.gap_mm(GRID) < FLOAT32_MM
    assert lines == [f"v.nii: its header counts in {word}: converted to mm"]
    assert sitk.ReadImage(str(path)).GetSpacing() == pytest.approx(grid.spacing_mm, rel=1e-6)


def test_no_unit_is_mm_and_the_size_of_no_body_is_said(tmp_path: Path) -> None:
    image = image_of()
    image.header.set_xyzt_units("unknown", "sec")
    assert read_volume(saved(tmp_path / "a.nii", image), silent).geometry.gap_mm(GRID) < FLOAT32_MM
    small = image_of(Geometry(GRID.size, (0.0015, 0.002, 0.004), (0.0, 0.0, 0.0)))
    small.header.set_xyzt_units("unknown", "sec")
    lines: list[str] = []
    read_volume(saved(tmp_path / "b.nii", small), lines.append)
    assert "spans 0.024 mm, as no body does (its header names no unit)" in lines[0]


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    image = image_of()
    image.header["xyzt_units"] = 5
    with pytest.raises(ItemFault, match="unknown unit of length 5"):
        read_volume(saved(tmp_path / "v.nii", image), silent)


def test_values_are_scaled(tmp_path: Path) -> None:
    image = image_of()
    image.header.set_slope_inter(0.5, -3)
    path = saved(tmp_path / "v.nii", image)
    raw = bytearray(path.read_bytes())
    raw[112:120] = struct.pack("<2f", 0.5, -3.0)  # nibabel writes its own scale
    path.write_bytes(raw)
    stored = np.frombuffer(bytes(raw[352:]), "<i2").reshape(RAMP.shape)
    ours = read_volume(path, silent).data
    assert np.array_equal(ours, stored * 0.5 - 3)
    assert np.array_equal(ours, sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


@pytest.mark.parametrize("cls", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_and_byte_orders(tmp_path: Path, cls: Any, order: str) -> None:
    header = cls.header_class(endianness=order)
    header.set_data_dtype(np.int16)
    image = cls(RAMP.transpose(2, 1, 0), ras_affine(GRID), header=header)
    path = tmp_path / "v.nii"
    path.write_bytes(image.to_bytes())
    ours = read_volume(path, silent)
    assert np.array_equal(ours.data, RAMP) and ours.data.dtype == np.int16 and ours.data.dtype.isnative


def test_one_point_in_time_is_a_volume_and_two_are_not(tmp_path: Path) -> None:
    for count in (1, 2):
        data = np.repeat(RAMP.transpose(2, 1, 0)[..., None], count, axis=3)
        image = nibabel.Nifti1Image(data, ras_affine(GRID))
        path = saved(tmp_path / f"{count}.nii", image)
        if count == 1:
            assert np.array_equal(read_volume(path, silent).data, RAMP)
        else:
            with pytest.raises(ItemFault, match=r"has 4 axes, 3 are needed \(2 points in time\)"):
                read_volume(path, silent)


@pytest.mark.parametrize(
    ("dtype", "says"),
    [
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), r"has colours \(RGB\)"),
        (np.complex64, "has complex values"),
    ],
)
def test_types_that_are_no_scalars_are_named(tmp_path: Path, dtype: Any, says: str) -> None:
    image = nibabel.Nifti1Image(np.zeros(GRID.size, dtype), ras_affine(GRID))
    with pytest.raises(ItemFault, match=says):
        read_volume(saved(tmp_path / "v.nii", image), silent)


def test_two_files_in_one_image_are_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Pair(RAMP.transpose(2, 1, 0), ras_affine(GRID)), tmp_path / "v.hdr")
    with pytest.raises(ItemFault, match=r"keeps its data in another file \(.img\)"):
        read_volume(tmp_path / "v.hdr", silent)


def header_with(**fields: Any) -> bytes:
    raw = bytearray(image_of().to_bytes())
    places = {"dim": (40, "<8h"), "vox_offset": (108, "<f"), "datatype": (70, "<h"), "pixdim": (76, "<8f")}
    for name, values in fields.items():
        place, form = places[name]
        packed = struct.pack(form, *(values if isinstance(values, tuple) else (values,)))
        raw[place : place + len(packed)] = packed
    return bytes(raw)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"dim": (3, 30000, 30000, 30000, 1, 1, 1, 1)}, "its header asks for 54000000000000 bytes"),
        ({"dim": (7, 32767, 32767, 32767, 32767, 32767, 32767, 32767)}, "its header asks for"),
        ({"dim": (3, 2000, 1000, 1000, 1, 1, 1, 1)}, "its header asks for 4000000000 bytes"),
        ({"dim": (3, -5, 8, 6, 1, 1, 1, 1)}, "not a readable NIfTI"),
        ({"dim": (0, 10, 8, 6, 1, 1, 1, 1)}, "not a readable NIfTI"),
        ({"vox_offset": 1e12}, "from byte 1e[+]12 on"),
        ({"vox_offset": -10.0}, "from byte -10 on"),
        ({"datatype": 999}, "not a readable NIfTI"),
        ({"pixdim": (float("nan"),) * 8}, "has no usable qform"),
    ],
)
def test_headers_that_ask_for_what_cannot_be(tmp_path: Path, fields: dict, says: str, packed: bool) -> None:
    content = header_with(**fields)
    (tmp_path / "v.nii").write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ItemFault, match=says) as fault:
        read_volume(tmp_path / "v.nii", silent)
    assert "\n" not in str(fault.value)


def test_a_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    content = image_of().to_bytes()
    for name, part in (
        ("a.nii", content[:-100]),
        ("b.nii.gz", gzip.compress(content)[:-100]),
        ("c.nii", content[:200]),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(ItemFault, match="not a readable NIfTI"):
            read_volume(tmp_path / name, silent)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_labels_of_any_type(tmp_path: Path, dtype: Any) -> None:
    path = saved(tmp_path / "l.nii.gz", image_of(data=LABELS.astype(dtype)))
    found = read_labels(path, silent, NAMES)
    assert np.array_equal(found.volume.data, LABELS) and found.volume.data.dtype == np.uint8


def test_half_labels_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "l.nii.gz", image_of(data=LABELS.astype(np.float32) / 2))
    with pytest.raises(ItemFault, match="has labels that are not integers"):
        read_labels(path, silent, NAMES)


@pytest.mark.parametrize("code", [0, 30])
def test_names_in_an_extension_are_read(tmp_path: Path, code: int) -> None:
    """A table of GIFTI in XML, as Caret (code 30) and TotalSegmentator (code 0) write it."""
    image = image_of(data=LABELS)
    rows = "".join(f'<Label Key="{n}" Red="1" Alpha="1"><![CDATA[{name}]]></Label>' for n, name in NAMES.items())
    rows = f'<Label Key="0"><![CDATA[???]]></Label>{rows}'
    xml = f'<?xml version="1.0"?><CaretExtension><LabelTable>{rows}</LabelTable></CaretExtension>'
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(code, xml.encode()))
    assert read_labels(saved(tmp_path / "l.nii.gz", image), silent).names == NAMES


def test_letters_of_axes_are_nibabels() -> None:
    for grid in (GRID, OBLIQUE, Geometry((1, 1, 1), (1, 1, 1), (0, 0, 0), ((0, -1, 0), (0, 0, 1), (-1, 0, 0)))):
        assert nearest_axes(grid) == "".join(nibabel.aff2axcodes(ras_affine(grid)))
