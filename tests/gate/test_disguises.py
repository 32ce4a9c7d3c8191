"""Other forms of an input: the bytes differ, what they say does not."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pydicom
import pytest

import phantoms
from harness.gate.disguises import COHORTS, DICOM, DISGUISES, THIN

Slices = dict[tuple[float, ...], np.ndarray]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    phantoms.make("meta_studies", {"seed": 33, "analyses": "overall"}, folder)
    return folder


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A zip with the first slices of a ramp and its manifest: enough to see what a change does."""
    folder = tmp_path_factory.mktemp("ramp")
    phantoms.make("dixon_ramp", {"seed": 21}, folder)
    out = io.BytesIO()
    with zipfile.ZipFile(folder / "ramp_20201_2_0.zip") as full, zipfile.ZipFile(out, "w") as part:
        names = full.namelist()
        for name in [*names[:12], names[-1]]:
            part.writestr(name, full.read(name))
    return out.getvalue()


def read(content: bytes) -> tuple[Slices, list[pydicom.Dataset], list[str]]:
    """Real values by position, data sets, and names of a zip."""
    values, sets, names = {}, [], []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            names.append(name)
            if data[128:132] == b"DICM":
                ds = pydicom.dcmread(io.BytesIO(data))
                slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
                values[tuple(float(v) for v in ds.ImagePositionPatient)] = slope * ds.pixel_array + intercept
                sets.append(ds)
    return values, sets, names


@pytest.mark.parametrize("name", [name for name, form in DISGUISES.items() if form.phantoms == DICOM])
def test_a_zip_in_another_form_shows_the_same_values_at_the_same_places(
    name: str, field: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "study.zip"
    path.write_bytes(field)
    DISGUISES[name].change(path)
    assert path.read_bytes() != field
    before, after = read(field)[0], read(path.read_bytes())[0]
    assert before.keys() == after.keys()
    for place, values in before.items():
        np.testing.assert_array_equal(after[place], values)


def test_thin_slices_lie_as_far_apart_as_before(field: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    path.write_bytes(field)
    DISGUISES["thin slices"].change(path)
    for old, new in zip(read(field)[1], read(path.read_bytes())[1], strict=True):
        assert float(new.SliceThickness) == pytest.approx(THIN * float(old.SliceThickness))


def rows(path: Path) -> list[tuple[tuple[str, str], ...]]:
    """Rows of a table as sorted (column, value) pairs, in sorted order."""
    if path.suffix == ".parquet":
        table = [
            {k: "" if v is None else repr(v) for k, v in r.items()}
            for r in pyarrow.parquet.read_table(path).to_pylist()
        ]
    else:
        table = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    return sorted(tuple(sorted(row.items())) for row in table)


@pytest.mark.parametrize("name", [name for name, form in DISGUISES.items() if form.phantoms == COHORTS])
def test_a_table_in_another_form_has_the_same_rows(name: str, cohort: Path, tmp_path: Path) -> None:
    file = "table.csv" if DISGUISES[name].outputs == ("table_csv",) else "table.parquet"
    path = tmp_path / file
    path.write_bytes((cohort / file).read_bytes())
    DISGUISES[name].change(path)
    assert path.read_bytes() != (cohort / file).read_bytes()
    assert rows(path) == rows(cohort / file)
