"""The zip as other readers see it: pydicom and SimpleITK for tags and geometry; every switch must be visible."""

import io
import itertools
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

import phantoms
from containers.contract.errors import ItemFault
from containers.toolkit.images.volume import Geometry
from phantoms.shared import dixon, ukb_zip
from phantoms.shared.protocol import FULL
from phantoms.shared.subjects import Subject
from phantoms.thigh.anatomy import Scales, build

Slices = dict[tuple[str, str, str], list[pydicom.Dataset]]


def make(folder: Path, **parameters: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    phantoms.make("ukb_participant", {"preset": "small", "seed": 1, "truth_step_mm": 5.0, **parameters}, folder)
    return next(folder.glob("*.zip"))


def read(path: Path) -> list[pydicom.Dataset]:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith(".dcm")]
        return [pydicom.dcmread(io.BytesIO(archive.read(n))) for n in names]


def by_series(slices: list[pydicom.Dataset]) -> dict[str, list[pydicom.Dataset]]:
    """Slices per SeriesInstanceUID, from inferior to superior."""
    series = defaultdict(list)
    for ds in slices:
        series[str(ds.SeriesInstanceUID)].append(ds)
    return {uid: sorted(members, key=lambda d: float(d.ImagePositionPatient[2])) for uid, members in series.items()}


def of(slices: list[pydicom.Dataset], contrast: str, station: str) -> np.ndarray:
    """Stored values (k, j, i) of the newest series of a contrast (F, W, in, opp) at a station."""
    found = [d for d in slices if d.SeriesDescription.endswith(f"_{contrast}") and d.BodyPartExamined == station]
    newest = max((d.SeriesDate, d.SeriesTime) for d in found)
    mine = [d for d in found if (d.SeriesDate, d.SeriesTime) == newest]
    return np.stack([d.pixel_array for d in sorted(mine, key=lambda d: float(d.ImagePositionPatient[2]))])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def slices(plain: Path) -> list[pydicom.Dataset]:
    return read(plain)


def test_layout(plain: Path, slices: list[pydicom.Dataset]) -> None:
    series = by_series(slices)
    assert len(series) == 24 and len(slices) == 24 * 18
    names = Counter(m[0].SeriesDescription for m in series.values())
    assert names == {f"Dixon_{p}_{s}": 3 for p in ("BH_17s", "noBH") for s in ("in", "opp", "F", "W")}
    with zipfile.ZipFile(plain) as archive:
        manifest = archive.read("manifest.csv").decode().splitlines()
        assert all("/" not in n for n in archive.namelist())
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        listed = {line.split(",")[0] for line in manifest[1:]}
        assert listed == {n for n in archive.namelist() if n.endswith(".dcm")}
    assert manifest[0].endswith("series discription")
    assert plain.name == "1000001_20201_2_0.zip"


def test_tags(slices: list[pydicom.Dataset]) -> None:
    assert len({d.SOPInstanceUID for d in slices}) == len(slices)
    for ds in slices[::37]:
        assert ds.SOPInstanceUID.is_valid and ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
        assert ds.EchoTime == (4.77 if ds.SeriesDescription.endswith("_in") else 2.39)
        assert (ds.RepetitionTime, ds.FlipAngle, ds.MagneticFieldStrength) == (6.53, 10, 1.5)
        assert "RescaleSlope" not in ds
        assert ds.PixelSpacing == [7, 7] and ds.SliceThickness == 10
    assert {d.ImageType[3] for d in slices} == {"IN_PHASE", "OPP_PHASE", "FAT", "WATER"}


def test_same_parameters_give_the_same_bytes(plain: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "again")
    assert again.read_bytes() == plain.read_bytes()
    for name in ("again", "other"):
        (tmp_path / name).mkdir(exist_ok=True)
    other = make(tmp_path / "other", seed=2)
    assert other.read_bytes() != plain.read_bytes()
    assert (tmp_path / "again" / "phantom.json").read_bytes() == (plain.parent / "phantom.json").read_bytes()


def test_simpleitk_sees_the_femur_where_the_anatomy_has_it(tmp_path: Path) -> None:
    """Canonical knot: the shaft's axis is at x = 103, y = -8 at z = -200; here shifted by (6, -5, 3) mm in LPS."""
    subject = Subject(sex="male", height_m=1.70, weight_kg=70, tmv_cm3=9000, pa_ratio=0.45, shift_mm=(6.0, -5.0, 3.0))
    anatomy = build(subject, 0, "standard", Scales())
    grid = Geometry((200, 100, 5), (2.0, 2.5, 4.0), (-199.0, -123.75, -205.0))
    images = dixon.acquire(anatomy, grid, FULL, np.random.default_rng(0), noise=0.0)
    who = ukb_zip.Participant("1", "male", 1.7, 70.0, "test")
    series = ukb_zip.Series(4, "in_phase", dixon.stored(images["in_phase"]), grid, 36000.0, 1, "one", "Dixon_noBH_in")
    path = tmp_path / "one.zip"
    ukb_zip.write_zip(path, [series], who, FULL, ukb_zip.Format(), np.random.default_rng(0))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "slices")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "slices")))
    image = reader.Execute()
    assert image.GetSpacing() == pytest.approx((2.0, 2.5, 4.0))
    values = sitk.GetArrayFromImage(image)
    k = image.TransformPhysicalPointToIndex((0.0, 0.0, -197.0))[2]
    assert image.TransformIndexToPhysicalPoint((0, 0, k))[2] == pytest.approx(-197.0)
    for x in (109.0, -97.0):
        # The cortex is the only dark thing near the shaft: its ring is centred on the axis.
        i, j, _ = image.TransformPhysicalPointToIndex((x, -13.0, -197.0))
        patch = values[k, j - 9 : j + 10, i - 11 : i + 12].astype(float)
        dark = np.clip(100.0 - patch, 0, None)
        jj, ii = np.mgrid[j - 9 : j + 10, i - 11 : i + 12]
        centre = [float((dark * n).sum() / dark.sum()) for n in (ii, jj)]
        place = image.TransformContinuousIndexToPhysicalPoint((*centre, float(k)))
        assert place[:2] == pytest.approx((x, -13.0), abs=0.4)


def test_left_is_patient_left(tmp_path: Path) -> None:
    """The larger side, by the subject's asymmetry, has positive x in the truth; the liver lies at negative x."""
    path = make(tmp_path, subject={"asymmetry_percent": 8.0, "rotation_deg": 0.0, "shift_mm": [0, 0, 0]}, noise=0.0)
    grid = Geometry((100, 60, 100), (4.0, 4.0, 6.0), (-198.0, -118.0, -500.0))
    labels = phantoms.truth_labels(path.parent / "phantom.json", grid)
    assert (labels[..., 50:] > 0).sum() > 1.03 * (labels[..., :50] > 0).sum()
    water = of(read(path), "W", "ABDOMEN").astype(int)
    assert (water[8:14, :, :32] > 230).sum() > 2 * (water[8:14, :, 32:] > 230).sum() > 0


def test_feet_first_and_random_order_and_manifest(slices: list[pydicom.Dataset], tmp_path: Path) -> None:
    path = make(tmp_path, feet_first=True, random_file_order=True, misspelled_manifest=True)
    turned = read(path)
    assert {d.PatientPosition for d in turned} == {"FFS"} and {d.PatientPosition for d in slices} == {"HFS"}
    for members in list(by_series(turned).values())[:4]:
        assert [int(d.InstanceNumber) for d in members] == list(range(18, 0, -1))
    first = min(turned, key=lambda d: d.SeriesTime)
    assert first.BodyPartExamined == "KNEE"
    order = [str(d.SeriesInstanceUID) for d in turned]
    changes = sum(a != b for a, b in itertools.pairwise(order))
    assert changes > 300
    with zipfile.ZipFile(path) as archive:
        assert "manifest.cvs" in archive.namelist() and "manifest.csv" not in archive.namelist()
    # The body is the same: only the noise differs.
    difference = of(turned, "W", "HIP").astype(float) - of(slices, "W", "HIP")
    assert abs(difference).mean() < 20


def test_repeat_before_midnight_is_worse_and_a_little_beside(tmp_path: Path) -> None:
    found = read(make(tmp_path, repeated_station=3, midnight=True))
    series = by_series(found)
    assert len(series) == 28
    waters = [m for m in series.values() if m[0].BodyPartExamined == "HIP" and m[0].SeriesDescription.endswith("_W")]
    old, new = sorted(waters, key=lambda m: (m[0].SeriesDate, m[0].SeriesTime))
    assert old[0].SeriesDate < new[0].SeriesDate and old[0].SeriesTime > new[0].SeriesTime
    offset = np.array(new[0].ImagePositionPatient) - np.array(old[0].ImagePositionPatient)
    assert 0 < np.abs(offset).max() < 1
    air = np.stack([d.pixel_array for d in new])[:, :8].mean()
    assert np.stack([d.pixel_array for d in old])[:, :8].mean() > 2 * air


@pytest.mark.parametrize(("station", "part"), [(3, "HIP"), (4, "MID_THIGH")])
def test_a_repeat_straddles_midnight_feet_first_too(tmp_path: Path, station: int, part: str) -> None:
    """Feet first the stations come in reverse order."""
    series = by_series(read(make(tmp_path, repeated_station=station, midnight=True, feet_first=True)))
    waters = [m[0] for m in series.values() if m[0].BodyPartExamined == part and m[0].SeriesDescription.endswith("_W")]
    old, new = sorted(waters, key=lambda one: (one.SeriesDate, one.SeriesTime))
    assert old.SeriesDate < new.SeriesDate and old.SeriesTime > new.SeriesTime


def test_swaps(slices: list[pydicom.Dataset], tmp_path: Path) -> None:
    usual = {c: of(slices, c, "HIP").astype(int) for c in ("F", "W")}
    whole = read(make(tmp_path / "a", swapped_fat_water="station"))
    assert np.array_equal(of(whole, "W", "HIP"), usual["F"])
    assert np.array_equal(of(whole, "W", "MID_THIGH"), of(slices, "W", "MID_THIGH"))
    leg = read(make(tmp_path / "b", swapped_fat_water="left_leg"))
    water = of(leg, "W", "HIP")
    assert np.array_equal(water[..., 32:], usual["F"][..., 32:])
    assert np.array_equal(water[..., :32], usual["W"][..., :32])


def test_second_echo_missing_slice_and_station(tmp_path: Path) -> None:
    found = read(make(tmp_path, second_echo_in_series=True, missing_slice=3, missing_station=0))
    assert "CHEST" not in {d.BodyPartExamined for d in found}
    series = by_series(found)
    assert len(series) == 15
    mixed = [m for m in series.values() if len({float(d.EchoTime) for d in m}) == 2]
    assert len(mixed) == 5
    waters = {m[0].BodyPartExamined: m for m in series.values() if m[0].SeriesDescription.endswith("_W")}
    assert len(waters["HIP"]) == 17 and len(waters["KNEE"]) == 18
    steps = np.diff([float(d.ImagePositionPatient[2]) for d in waters["HIP"]])
    assert sorted(steps)[-1] == pytest.approx(20.0) and np.median(steps) == pytest.approx(10.0)


def test_jitter_and_tilt(tmp_path: Path) -> None:
    found = read(make(tmp_path, jittered_positions=True, oblique_deg=3.0))
    first = {d.BodyPartExamined: d for d in found if int(d.InstanceNumber) == 1}
    xs = [float(d.ImagePositionPatient[0]) for d in first.values()]
    assert len(set(xs)) == 6 and max(abs(x + 220.5) for x in xs) < 3.5
    for station, ds in first.items():
        normal = np.cross(ds.ImageOrientationPatient[:3], ds.ImageOrientationPatient[3:])
        tilt = np.rad2deg(np.arccos(normal[2]))
        assert tilt == pytest.approx(3.0 if station in ("ABDOMEN", "HIP", "KNEE") else 1.5, abs=1e-3)
        mine = [d for d in found if d.SeriesInstanceUID == ds.SeriesInstanceUID]
        places = np.array([d.ImagePositionPatient for d in sorted(mine, key=lambda d: int(d.InstanceNumber))], float)
        assert np.diff(places, axis=0) == pytest.approx(np.tile(10 * normal, (17, 1)), abs=1e-4)


def test_rescale_and_compression_keep_the_values(slices: list[pydicom.Dataset], tmp_path: Path) -> None:
    rescaled = read(make(tmp_path / "a", rescale=True))
    values = of(rescaled, "W", "PELVIS") * 0.5 - 10
    assert {(d.RescaleSlope, d.RescaleIntercept) for d in rescaled} == {(0.5, -10)}
    assert np.array_equal(values, of(slices, "W", "PELVIS"))
    packed = read(make(tmp_path / "b", compressed=True))
    assert {d.file_meta.TransferSyntaxUID.name for d in packed} == {"RLE Lossless"}
    assert np.array_equal(of(packed, "W", "PELVIS"), of(slices, "W", "PELVIS"))


def test_station_shift_moves_the_body_only(slices: list[pydicom.Dataset], tmp_path: Path) -> None:
    moved = read(make(tmp_path, station_shift_mm=14.0))
    a, b = (of(s, "in", "HIP").astype(float) for s in (moved, slices))
    profile = [np.corrcoef(np.roll(a, n, 2).ravel(), b.ravel())[0, 1] for n in range(-4, 5)]
    # Station 3 looks 14 mm, two voxels, to the Right of where it says: the body appears two voxels to the Left.
    assert int(np.argmax(profile)) - 4 == -2


def test_unknown_names_are_refused_in_one_line(tmp_path: Path) -> None:
    for name, parameters in (("nobody", {}), ("ukb_participant", {"sed": 1}), ("ukb_participant", {"noise": -1})):
        with pytest.raises(ItemFault) as caught:
            phantoms.make(name, parameters, tmp_path)
        assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())
