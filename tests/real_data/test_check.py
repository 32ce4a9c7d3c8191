"""What is said of a folder of DICOM: by series, next to SimpleITK, and nothing of the user's files is touched."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.toolkit.images.volume import Geometry, Volume
from harness.cli.main import main
from harness.real_data import check, opinion
from harness.real_data.check import FolderCheck, SeriesLine, check_folder
from harness.real_data.opinion import Opinion, same_image, slice_marks
from harness.runners.base import Limits
from harness.runners.process import ProcessRunner
from tests.fusion.dicom_series import Series, all_files, lopsided, write_folder

SIZE = (40, 32, 8)


def folder_of(place: Path) -> Path:
    """A sound series, its water alone, one with a hole, a copy of the first in another folder, and files of others."""
    sound = Series(field=lopsided, size=SIZE, number=1)
    water = replace(sound, number=2, description="Dixon_W", image_type=("DERIVED", "PRIMARY", "DIXON", "WATER"))
    hole = Series(field=lopsided, size=SIZE, number=3, description="with a hole")
    files = all_files([sound, water, hole])
    files.pop("s03e1_004.dcm")
    write_folder(place / "study", files | {"notes.txt": b"x", "more.zip": b"PK"})
    write_folder(place / "copy", all_files([sound]))
    return place


def checked(place: Path) -> FolderCheck:
    return check_folder(place, ProcessRunner(), Limits(threads=1), lambda done, total: None)


def test_each_series_is_read_or_refused_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "BATCH_SERIES", 3)
    place = folder_of(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    found = checked(place)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before
    assert [(line.series, line.files, line.outcome) for line in found.lines] == [
        ("1 t1 (MR)", 8, "read"),
        ("1 t1 (MR)", 8, "read"),
        ("2 Dixon_W (MR)", 8, "read"),
        ("3 with a hole (MR)", 7, "refused"),
    ]
    assert "missing slices" in found.lines[3].said
    assert all(line.opinion.equal == line.opinion.volumes == 1 for line in found.lines[:3])
    assert not any(line.doubtful for line in found.lines)
    assert (
        found.summary() == "4 series: 3 read, 1 refused, 0 broken, 0 to look at; 1 other files; 1 archives not opened"
    )


def test_the_command_prints_lines_and_writes_csv(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder_of(tmp_path / "in")
    with pytest.raises(SystemExit) as end:
        main(["real-data-check", str(place), "--csv", str(tmp_path / "lines.csv"), "--threads", "1"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "1 t1 (MR), 8 files: read: 1 volumes of 78 x 62 x 21 mm" in out
    assert "PATIENT-SECRET" not in out
    with (tmp_path / "lines.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["outcome"] for row in rows] == ["read", "read", "read", "refused"]
    monkeypatch.setattr(check, "independent_opinion", lambda *given: Opinion(1, 0, 0, "another volume"))
    with pytest.raises(SystemExit) as end:
        main(["real-data-check", str(place), "--threads", "1"])
    assert end.value.code == 1
    assert "LOOK AT 1 t1 (MR)" in capsys.readouterr().out


@pytest.mark.parametrize("content", [{}, {"a.txt": b"x"}, {"study.zip": b"PK"}])
def test_a_folder_without_series_is_one_line(
    tmp_path: Path, content: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "in", content)
    with pytest.raises(SystemExit) as end:
        main(["real-data-check", str(tmp_path / "in")])
    assert end.value.code == 2
    assert "holds no DICOM series" in capsys.readouterr().err


def volume(**changes: Any) -> Volume:
    data = np.random.default_rng(1).normal(100.0, 20.0, (4, 5, 6)).astype(np.float32)
    return Volume(data, Geometry((6, 5, 4), (2.0, 2.0, 3.0), (1.0, 2.0, 3.0), **changes))


def test_the_same_image_is_known_however_its_axes_run() -> None:
    ours = volume()
    grid = ours.geometry
    corner = tuple(float(v) for v in grid.position_mm([5, 4, 3]))
    turned = Geometry(
        (4, 5, 6), (3.0, 2.0, 2.0), (corner[0], corner[1], corner[2]), ((0, 0, -1.0), (0, -1.0, 0), (-1.0, 0, 0))
    )
    theirs = Volume(np.ascontiguousarray(ours.data[::-1, ::-1, ::-1].transpose(2, 1, 0)), turned)
    assert same_image(ours, theirs)
    assert not same_image(ours, Volume(np.ascontiguousarray(theirs.data[::-1]), turned)), "mirrored values"
    aside = replace(turned, origin_mm=(corner[0] + 0.5, corner[1], corner[2]))
    assert not same_image(ours, Volume(theirs.data, aside)), "a quarter of a voxel away"
    other = theirs.data.copy()
    other[0, 0, 0] += 5.0
    assert not same_image(ours, Volume(other, turned)), "one voxel of another value"


def test_slices_in_another_order_are_known_as_ours() -> None:
    ours = volume()
    mixed = replace(ours, data=ours.data[[2, 0, 1, 3]])
    assert slice_marks(mixed, 0) == slice_marks(ours, 0)
    assert not slice_marks(replace(ours, data=ours.data + 1), 0) & slice_marks(ours, 0)


def test_a_reader_that_ends_or_takes_too_long_has_no_opinion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    said = opinion.independent_opinion(tmp_path / "nothing", [], tmp_path / "a")
    assert (said.volumes, said.differs) == (0, False)
    monkeypatch.setattr(opinion, "SECONDS", 0.01)
    assert "took more than" in opinion.independent_opinion(tmp_path / "empty", [], tmp_path / "b").said


def test_a_stage_that_fails_is_to_be_looked_at() -> None:
    line = SeriesLine("1", 1, "broken", "", (), Opinion(0, 0, 0, ""))
    assert line.doubtful
    assert not replace(line, outcome="refused", opinion=Opinion(1, 0, 0, "")).doubtful
    assert replace(line, outcome="read", opinion=Opinion(2, 1, 0, "")).doubtful
    assert not replace(line, outcome="read", opinion=Opinion(2, 1, 1, "")).doubtful
