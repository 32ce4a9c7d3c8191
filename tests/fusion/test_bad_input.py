"""Each bad input gives one line that names the file or series and how to fix it, for that item only, and no output."""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from containers.fusion import archive
from tests.fusion.dicom_series import all_files, dixon_study, run_stage, write_folder, write_zip

STUDY = dixon_study(stations=2)
FILES = all_files(STUDY)
FIRST = "s01e1_003.dcm"


def changed(edit: Callable[[FileDataset, int], None], number: int = 1) -> dict[str, bytes]:
    """The study with one series edited slice by slice: by default the in-phase one of the upper station."""
    return all_files([replace(s, edit=edit) if s.number == number else s for s in STUDY])


def setting(keyword: str, value: Any, only: int | None = None) -> dict[str, bytes]:
    def edit(dataset: FileDataset, k: int) -> None:
        if only is None or k == only:
            setattr(dataset, keyword, value)

    return changed(edit)


def without(keyword: str) -> dict[str, bytes]:
    return changed(lambda dataset, k: delattr(dataset, keyword))


def _float_pixels(value: float) -> dict[str, bytes]:
    def edit(dataset: FileDataset, k: int) -> None:
        pixels = np.full((dataset.Rows, dataset.Columns), 5.0, np.float32)
        if k == 3:
            pixels[2, 2] = value
        del dataset.PixelData
        dataset.BitsAllocated = 32
        dataset.FloatPixelData = pixels.tobytes()

    return changed(edit)


def _syntax(uid: str) -> dict[str, bytes]:
    """Rewrite the transfer syntax in the bytes, as a writer would refuse to do."""
    files = dict(FILES)
    old = ExplicitVRLittleEndian.encode()
    old += b"\0" * (len(old) % 2)
    new = uid.encode().ljust(len(old), b"\0")
    files[FIRST] = files[FIRST].replace(old, new, 1)
    return files


def _matrix(dataset: FileDataset, k: int) -> None:
    if k == 3:
        dataset.Rows, dataset.PixelData = 8, b"\0" * 8 * 12 * 2


def _other_patient(dataset: FileDataset, k: int) -> None:
    dataset.PatientID = "OTHER-SECRET"


def _nameless(dataset: FileDataset, k: int) -> None:
    dataset.SeriesDescription, dataset.ImageType = "Dixon_BH_17s_X", ["DERIVED", "PRIMARY", "M"]


def _member(name: str, attributes: int = 0o644, content: bytes = b"x") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = write_zip(folder / "in.zip", FILES)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as zipped:
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
        return path

    return make


def _raw(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "in.zip"
        path.write_bytes(content)
        return path

    return make


def _damaged(folder: Path) -> Path:
    path = write_zip(folder / "in.zip", FILES, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(FILES[FIRST]) + len(FILES[FIRST]) - 5] ^= 0xFF
    path.write_bytes(data)
    return path


def _zipped(files: dict[str, bytes]) -> Callable[[Path], Path]:
    return lambda folder: write_zip(folder / "in.zip", files)


def _empty_folder(folder: Path) -> Path:
    (folder / "in").mkdir()
    return folder / "in"


@dataclass(frozen=True)
class Row:
    make: Callable[[Path], Path]
    where: str
    what: str
    parameters: dict[str, Any] | None = None


ROWS = {
    "truncated DICOM, in the pixels": Row(_zipped(FILES | {FIRST: FILES[FIRST][:-50]}), FIRST, "cut short"),
    "truncated DICOM, in the header": Row(_zipped(FILES | {FIRST: FILES[FIRST][:400]}), FIRST, "cut short"),
    "truncated DICOM, after the preamble": Row(_zipped(FILES | {FIRST: FILES[FIRST][:140]}), FIRST, "cut short"),
    "pixels shorter than the matrix": Row(_zipped(setting("PixelData", b"\0" * 20, 3)), FIRST, "cut short: 20 bytes"),
    "pixels of a larger matrix": Row(_zipped(setting("PixelData", b"\1" * 360, 3)), FIRST, "wrong matrix"),
    "a look-up table in place of a factor": Row(
        _zipped(setting("ModalityLUTSequence", [Dataset()], 3)), FIRST, "has a modality look-up table"
    ),
    "not DICOM at all": Row(_zipped(FILES | {FIRST: b"hello"}), FIRST, "is not a DICOM file"),
    "no DICOM among the files": Row(_zipped({"manifest.csv": b"a,b"}), "input dicom", "no DICOM image"),
    "not a zip": Row(_raw(b"hello"), "input dicom", "neither a folder nor a readable zip"),
    "zip cut short": Row(
        lambda folder: _raw(write_zip(folder / "whole.zip", FILES).read_bytes()[:-100])(folder),
        "input dicom",
        "readable zip",
    ),
    "zip damaged inside": Row(_damaged, FIRST, "damaged inside the zip"),
    "empty zip": Row(_zipped({}), "input dicom", "is empty"),
    "empty folder": Row(_empty_folder, "in", "is empty"),
    "zip slip": Row(_member("../../evil.dcm"), "evil.dcm", "zip slip"),
    "zip slip, absolute": Row(_member("/etc/evil.dcm"), "evil.dcm", "zip slip"),
    "zip slip, Windows": Row(_member("C:\\temp\\evil.dcm"), "evil.dcm", "zip slip"),
    "zip with a link": Row(_member("link.dcm", stat.S_IFLNK | 0o777), "link.dcm", "symbolic link"),
    "zip bomb, ratio": Row(_member("bomb.dcm", content=b"\0" * (archive.RATIO_FROM_BYTES + 1)), "bomb.dcm", "zip bomb"),
    "missing slices": Row(
        _zipped({n: d for n, d in FILES.items() if n != FIRST}), "series 1 (Dixon_BH_17s_in", "missing slices"
    ),
    "two slices at one position": Row(
        _zipped(setting("ImagePositionPatient", ["-11", "-9", "6"], 3)), "series 1 (", "two different slices"
    ),
    "one station missing": Row(
        _zipped(all_files([s for s in dixon_study(stations=6) if not 9 <= s.number <= 12])),
        "stations from z",
        "5 stations found where neck to knee has 6 (gap of 15 mm",
    ),
    "a gap between stations": Row(
        _zipped(all_files(dixon_study(stations=2, step=40.0))), "below series 4", "a station is missing: gap of 19 mm"
    ),
    "a contrast missing at a station": Row(
        _zipped(all_files([s for s in STUDY if s.number != 7])), "series 8 (Dixon_BH_17s_W", "has no fat at its place"
    ),
    "mixed participants": Row(_zipped(changed(_other_patient, 5)), "series 5 (", "belong to different participants"),
    "mixed studies": Row(_zipped(setting("StudyInstanceUID", "1.2.3.4")), "series ", "belong to different studies"),
    "inconsistent matrix in a series": Row(_zipped(changed(_matrix)), "series 1 (Dixon", "inconsistent matrix"),
    "inconsistent matrix in a station": Row(
        _zipped(all_files([replace(s, size=(12, 8, 8)) if s.number == 2 else s for s in STUDY])),
        "series 2 (",
        "inconsistent matrix",
    ),
    "inconsistent spacing in a series": Row(_zipped(setting("PixelSpacing", [2, 3], 3)), "series 1 (", "pixel spacing"),
    "zero spacing": Row(_zipped(setting("PixelSpacing", [0, 2], 3)), FIRST, "must be positive"),
    "negative spacing": Row(_zipped(setting("PixelSpacing", [2, -2], 3)), FIRST, "must be positive"),
    "no spacing": Row(_zipped(without("PixelSpacing")), "s01e1_000.dcm", "has no PixelSpacing"),
    "no position": Row(
        _zipped(without("ImagePositionPatient")), "series 4", "without position: no ImagePositionPatient"
    ),
    "no matrix": Row(_zipped(without("Rows")), "s01e1_000.dcm", "no usable Rows"),
    "skewed directions": Row(
        _zipped(setting("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], 3)), FIRST, "not perpendicular unit vectors"
    ),
    "NaN pixels": Row(_zipped(_float_pixels(float("nan"))), FIRST, "NaN or infinite"),
    "infinite pixels": Row(_zipped(_float_pixels(float("inf"))), FIRST, "NaN or infinite"),
    "zero slope": Row(_zipped(setting("RescaleSlope", 0, 3)), FIRST, "RescaleSlope of zero"),
    "colour image": Row(_zipped(setting("SamplesPerPixel", 3, 3)), FIRST, "colour"),
    "multi-frame image": Row(_zipped(setting("NumberOfFrames", 2, 3)), FIRST, "multi-frame"),
    "unknown transfer syntax": Row(_zipped(_syntax("1.2.840.9.9.9")), FIRST, "unknown transfer syntax (1.2.840.9.9.9)"),
    "wrong contrast name": Row(
        _zipped(setting("SeriesDescription", "Dixon_BH_17s_F")), "series 1 (Dixon_BH_17s_F", "wrong contrast name"
    ),
    "unrecognised contrast": Row(
        _zipped(changed(_nameless)),
        "series 4 (Dixon_BH_17s_W",
        "has no in_phase at its place (water, fat, opposed_phase only; of unknown contrast there: "
        "series 1 (Dixon_BH_17s_X",
    ),
    "contrast asked for that is not there": Row(
        _zipped(FILES), "contrasts", "no series shows contrast 't2' (found: fat, in_phase", {"contrasts": ["t2"]}
    ),
    "station asked for that is not there": Row(
        _zipped(FILES), "stations from z", "station 3 is asked for, 2 found", {"stations": "2,3"}
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_bad_input(name: str, tmp_path: Path) -> None:
    row = ROWS[name]
    inputs = tmp_path / "in_put"
    inputs.mkdir()
    bad = row.make(inputs)
    good = write_folder(tmp_path / "good", FILES)
    records = run_stage(
        tmp_path / "out", {"first": good, "bad": bad, "last": good} if row.parameters is None else {"bad": bad},
        **(row.parameters or {}),
    )  # fmt: skip
    error = records["bad"]["error"]
    assert records["bad"]["status"] == "error"
    assert error["kind"] == "input", error
    assert row.what in error["what"], error
    assert row.where in error["where"], error
    assert error["fix"]
    whole = " ".join([error["what"], error["where"], error["fix"]])
    assert "\n" not in whole and "SECRET" not in whole and str(tmp_path) not in whole
    assert sorted(p.name for p in (tmp_path / "out" / "bad").iterdir()) == ["record.json", "timing.json"]
    assert all(r["status"] == "ok" for item, r in records.items() if item != "bad")
    assert not list((tmp_path / "out").rglob("*.partial"))
    assert "traceback" not in (tmp_path / "out" / "job.log").read_text()


def test_members_and_bytes_of_a_zip_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "in.zip", FILES)
    for limit, value in (("MAX_MEMBERS", 63), ("MAX_TOTAL_BYTES", 10_000), ("MAX_MEMBER_BYTES", 500)):
        with monkeypatch.context() as patch:
            patch.setattr(archive, limit, value)
            error = run_stage(tmp_path / limit, {"bad": path})["bad"]["error"]
        assert "zip bomb" in error["what"]


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "in.zip", {"a.dcm": FILES[FIRST]})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    error = run_stage(tmp_path / "out", {"bad": path})["bad"]["error"]
    assert (error["kind"], error["where"]) == ("input", "a.dcm")
    assert "without password" in error["fix"]


def test_pixels_that_their_codec_cannot_decode_are_named(tmp_path: Path) -> None:
    def edit(dataset: FileDataset, k: int) -> None:
        if k == 3:
            dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
            dataset.PixelData = encapsulate([b"this is no JPEG-LS stream"])
            dataset["PixelData"].is_undefined_length = True
            dataset["PixelData"].VR = "OB"

    error = run_stage(tmp_path / "out", {"bad": write_folder(tmp_path / "in", changed(edit))})["bad"]["error"]
    assert (error["kind"], error["where"]) == ("input", FIRST)
    assert "cannot be decoded from JPEG-LS" in error["what"]
