"""Reading: folders, zips, manifests, compressed pixels; the same result for any number of processes."""

import gc
import io
import mmap
import os
import sys
import threading
import zipfile
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import gdcm
import numpy as np
import numpy.typing as npt
import psutil
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from containers.contract.errors import EnvironmentFault, ItemFault
from containers.fusion import dicom_source
from containers.fusion.archive import Source
from containers.fusion.dicom_source import read_images
from containers.fusion.reading import TICKET_BYTES, Share, parse, tickets
from tests.fusion.dicom_series import (
    Series,
    all_files,
    dixon_study,
    encoded,
    lopsided,
    read_slice,
    write_folder,
    write_zip,
)

FILES = all_files(dixon_study(stations=6, field=lopsided))
MANIFESTS = {"manifest.cvs": b"filename,seriesid,series discription\nnowhere.dcm,1,Dixon_W\n", "LICENSE": b"free"}


def as_bytes(path: Path, threads: int = 1) -> list[tuple[object, bytes]]:
    return [(image.header, image.pixels.tobytes()) for image in read_images(path, threads).images]


def test_folder_zip_and_any_number_of_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = as_bytes(write_folder(tmp_path / "in", FILES))
    assert len(folder) == 192
    monkeypatch.setattr(dicom_source, "MEMBERS_PER_PROCESS", 50)
    packed = write_zip(tmp_path / "in.zip", FILES)
    stored = write_zip(tmp_path / "stored.zip", FILES, zipfile.ZIP_STORED)
    assert folder == as_bytes(packed) == as_bytes(packed, threads=2) == as_bytes(stored, threads=3)


def test_the_first_fault_by_path_wins_for_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(FILES)
    bad = FILES | {names[n]: b"hello" for n in (101, 102, 150)}
    path = write_zip(tmp_path / "in.zip", bad)
    monkeypatch.setattr(dicom_source, "MEMBERS_PER_PROCESS", 50)
    for threads in (1, 2, 3):
        with pytest.raises(ItemFault) as caught:
            read_images(path, threads)
        assert caught.value.where == names[101]


def test_a_killed_reading_process_is_an_environment_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os; os.kill(os.getpid(), 9)  # {path} {descriptors}"
    monkeypatch.setattr(dicom_source, "_PROGRAM", program)
    with pytest.raises(EnvironmentFault, match="raise the memory limit"):
        read_images(write_zip(tmp_path / "in.zip", FILES), 2)


def open_files_and_children() -> set[object]:
    """Of this process, without those that earlier tests left to be collected."""
    gc.collect()
    return {*Path("/proc/self/fd").iterdir(), *psutil.Process().children()}


def test_reading_forks_no_process_and_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork of a process with threads can hang, and a job reads many participants."""

    def refuse() -> int:
        raise AssertionError("forked")

    path = write_zip(tmp_path / "in.zip", FILES)
    whole = as_bytes(path)
    before = open_files_and_children()
    monkeypatch.setattr(os, "fork", refuse)
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert as_bytes(path, threads=2) == whole
    finally:
        release.set()
        thread.join()
    assert open_files_and_children() <= before


def test_reading_processes_find_the_package_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where neither the working folder nor PYTHONPATH leads to it, as in an editable installation."""
    path = write_zip(tmp_path / "in.zip", FILES)
    whole = as_bytes(path)
    root = Path(dicom_source.__file__).parents[2]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place and Path(place).resolve() != root])
    assert as_bytes(path, threads=2) == whole


def test_each_process_reads_files_that_no_other_reads(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "in", FILES)
    with Source(path) as source:
        members = source.members()
    offsets = [n * 10**5 for n in range(len(members) + 1)]
    share = Share(path, members, offsets, chunk=50)
    buffer = mmap.mmap(-1, offsets[-1])
    untaken = tickets(share)
    os.read(untaken, 2 * TICKET_BYTES)
    assert [parsed.index for parsed in parse(share, untaken, buffer)] == list(range(100, 192))
    assert parse(share, untaken, buffer) == []
    os.close(untaken)


def test_a_reading_process_stops_when_the_one_that_asked_is_gone(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "in", FILES)
    with Source(path) as source:
        share = Share(path, source.members(), [0] * (len(FILES) + 1), chunk=50)
    untaken, buffer = tickets(share), mmap.mmap(-1, 10**6)
    ours, theirs = Pipe()
    with theirs:
        ours.close()
        assert parse(share, untaken, buffer, theirs) == []
    os.close(untaken)


def test_manifests_and_other_files_are_hints_at_most(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "in.zip", FILES | MANIFESTS)
    study = read_images(path, 1)
    assert len(study.images) == len(FILES)
    assert sorted(study.ignored) == ["LICENSE", "manifest.cvs"]
    assert study.ignored_files() == ["2 files ignored, which are not DICOM images (1 .cvs, 1 without ending)"]


def test_dicomdir_and_reports_are_left_out(tmp_path: Path) -> None:
    series = Series()
    files = series.files()

    def report(dataset: FileDataset, k: int) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
        del dataset.PixelData, dataset.Rows

    files["report.dcm"] = encoded(replace(series, edit=report).dataset(0))
    directory = pydicom.FileDataset("", {}, file_meta=pydicom.dataset.FileMetaDataset(), preamble=b"\0" * 128)
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    files["DICOMDIR"] = encoded(directory)
    study = read_images(write_folder(tmp_path / "in", files), 1)
    assert len(study.images) == 8
    assert sorted(study.ignored) == ["DICOMDIR", "report.dcm"]


APPLE = bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(60)
"""The head of an AppleDouble file, as macOS packs it into a zip next to each file."""


def test_what_systems_leave_in_a_folder_is_counted_and_no_hindrance(tmp_path: Path) -> None:
    files = Series().files()
    litter = {f"__MACOSX/._{name}": APPLE for name in files} | {"Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(600)}
    study = read_images(write_zip(tmp_path / "in.zip", files | litter), 1)
    assert len(study.images) == 8
    assert study.ignored_files() == ["9 files ignored, which are not DICOM images (1 .db, 8 macOS ._)"]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("meta", [True, False])
def test_files_without_preamble_are_read(syntax: pydicom.uid.UID, meta: bool, tmp_path: Path) -> None:
    """Half a study was once dropped for it without a word. pydicom writes such files too."""
    dataset = Series(field=lopsided, size=(32, 24, 4)).dataset(1)
    plain = read_slice(encoded(dataset), "a")
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    whole = encoded(dataset)
    stream = io.BytesIO()
    if meta:
        stream.write(whole[132:])
    else:
        pydicom.dcmwrite(
            stream, pydicom.Dataset(dataset), implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian
        )
    assert stream.getvalue()[128:132] != b"DICM"
    found = read_slice(stream.getvalue(), "a")
    assert isinstance(plain, tuple) and isinstance(found, tuple)
    assert found[0] == plain[0]
    np.testing.assert_array_equal(found[1], plain[1])


@pytest.mark.parametrize("start", [b"\x08\x00", b"\x02\x00\x00\x00UL\x04\x00", b"II*\x00", b"", b"{}"])
def test_files_of_other_formats_are_not_taken_for_files_without_preamble(start: bytes) -> None:
    assert read_slice(start + b"some text that goes on for a while" * 9, "notes") is None


def screenshot(dataset: FileDataset, k: int) -> None:
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = bytes(dataset.Rows * dataset.Columns * 3)


def without_position(dataset: FileDataset, k: int) -> None:
    del dataset.ImagePositionPatient


def segmentation(dataset: FileDataset, k: int) -> None:
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    dataset.NumberOfFrames = 4
    dataset.PixelData = bytes(dataset.Rows * dataset.Columns * 4 * 2)


def mosaic(dataset: FileDataset, k: int) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]


ODD = {
    "a Siemens mosaic: the slices of a volume as tiles of one image": mosaic,
    "a colour image: screenshot or secondary capture": screenshot,
    "an image without position: no ImagePositionPatient": without_position,
    "a segmentation": segmentation,
}


@pytest.mark.parametrize("what", ODD)
def test_an_image_that_is_not_a_slice_stops_its_own_series_only(what: str, tmp_path: Path) -> None:
    sound = Series().files()
    odd = encoded(replace(Series(number=9, description="other"), edit=ODD[what]).dataset(0))
    study = read_images(write_folder(tmp_path / "two", sound | {"z.dcm": odd}), 1)
    assert len(study.images) == 8
    assert study.left_out == [f"series 9 (other): 1 image left out ({what})"]
    same = encoded(replace(Series(), edit=ODD[what]).dataset(0))
    for number, files in enumerate((sound | {"z.dcm": same}, {"z.dcm": odd})):
        with pytest.raises(ItemFault, match=f"z.dcm: is {what}"):
            read_images(write_folder(tmp_path / str(number), files), 1)


def compressed_by_gdcm(data: bytes, syntax: pydicom.uid.UID, folder: Path) -> bytes:
    (folder / "plain.dcm").write_bytes(data)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(folder / "plain.dcm"))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(folder / "packed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return (folder / "packed.dcm").read_bytes()


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
    ids=lambda uid: uid.keyword,
)
def test_every_lossless_transfer_syntax_gives_the_same_pixels(syntax: pydicom.uid.UID, tmp_path: Path) -> None:
    dataset = Series(field=lopsided, size=(32, 24, 4)).dataset(1)
    plain = read_slice(encoded(dataset), "a.dcm")
    assert plain is not None
    if syntax in (JPEGLossless, JPEGLSLossless, JPEG2000Lossless):
        data = compressed_by_gdcm(encoded(dataset), syntax, tmp_path)
    else:
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        if syntax == RLELossless:
            dataset.compress(syntax)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax
        data = encoded(dataset)
    assert syntax.encode() in data[:1000]
    found = read_slice(data, "a.dcm")
    assert found is not None
    # gdcm fills in a SpacingBetweenSlices of 1 mm, which is why that tag alone is not a ground to refuse a series.
    assert replace(found[0], slice_spacing_mm=None) == plain[0]
    assert found[1].dtype == np.int16
    np.testing.assert_array_equal(found[1], plain[1])
    assert np.ptp(plain[1]) > 100


def eight_bits(dataset: FileDataset, k: int) -> None:
    pixels = np.frombuffer(dataset.PixelData, np.int16) // 8
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.astype(np.uint8).tobytes()


@pytest.mark.parametrize("last", ["rle", "jpeg 2000", "8 bits"])
def test_files_smaller_than_their_pixels_are_read(last: str, tmp_path: Path) -> None:
    """Of usual size and smooth, so that a slice takes more bytes than its file; such series once ended in a crash."""
    series = Series(
        field=lopsided, size=(128, 96, 12), spacing=(1.0, 1.0, 3.0), edit=eight_bits if last[0] == "8" else None
    )
    files = series.files()
    truth = np.stack([read_slice(data, name)[1] for name, data in sorted(files.items())])  # type: ignore[index]
    for name, data in sorted(files.items()):
        if last == "rle":
            dataset = pydicom.dcmread(io.BytesIO(data))
            dataset.compress(RLELossless)
            files[name] = encoded(dataset)
        elif last == "jpeg 2000":
            files[name] = compressed_by_gdcm(data, JPEG2000Lossless, tmp_path)
    assert all(len(data) < truth[0].nbytes for data in files.values())
    for threads in (1, 2):
        study = read_images(write_zip(tmp_path / f"{threads}.zip", files), threads)
        np.testing.assert_array_equal(np.stack([image.pixels for image in study.images]), truth)


def test_an_empty_rescale_is_none(tmp_path: Path) -> None:
    def edit(dataset: FileDataset, k: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = None, ""

    found = read_slice(encoded(replace(Series(), edit=edit).dataset(0)), "a")
    assert isinstance(found, tuple) and (found[0].slope, found[0].intercept) == (1.0, 0.0)


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (32, np.int32)])
def test_other_bit_depths(bits: int, kind: type) -> None:
    def edit(dataset: FileDataset, k: int) -> None:
        pixels = np.frombuffer(dataset.PixelData, np.int16)
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(np.issubdtype(kind, np.signedinteger))
        dataset.PixelData = pixels.astype(kind).tobytes()

    series = Series(field=lambda x, y, z: 100 + x + y)
    plain, found = (read_slice(s.files()["s01e1_002.dcm"], "a") for s in (series, replace(series, edit=edit)))
    assert plain is not None and found is not None
    np.testing.assert_array_equal(plain[1], found[1])


def bits_of(values: npt.NDArray[np.int64], bits: int, high: int, signed: bool, above: bool) -> bytes:
    """One slice whose words hold the values in `bits` bits up to bit `high`, all other bits 1 (`above`) or 0."""
    dataset = Series().dataset(0)
    mask = ((1 << bits) - 1) << (high + 1 - bits)
    words = ((values << (high + 1 - bits)) & mask) | ((0xFFFF & ~mask) if above else 0)
    dataset.PixelData = words.astype("<u2").tobytes()
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, high, int(signed)
    return encoded(dataset)


@pytest.mark.parametrize("above", [False, True], ids=["zero above", "overlay above"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [10, 12, 15, 16])
def test_stored_bits_are_masked_and_their_sign_is_extended(bits: int, signed: bool, above: bool) -> None:
    low = -(1 << (bits - 1)) if signed else 0
    values = np.linspace(low, low + (1 << bits) - 1, 120).astype(np.int64).reshape(10, 12)
    data = bits_of(values, bits, bits - 1, signed, above)
    by_pydicom = pydicom.dcmread(io.BytesIO(data)).pixel_array
    np.testing.assert_array_equal(by_pydicom, values)
    found = read_slice(data, "a.dcm")
    assert found is not None
    np.testing.assert_array_equal(found[1], by_pydicom)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_a_high_bit_above_the_stored_bits_is_shifted_down_or_refused(signed: bool) -> None:
    """12 bits in bits 4 to 15, as older files have it; pydicom does not shift them, so compressed ones are refused."""
    values = np.arange(120).reshape(10, 12) * 30 - (2000 if signed else 0)
    data = bits_of(values, 12, 15, signed, above=True)
    found = read_slice(data, "a.dcm")
    assert found is not None
    np.testing.assert_array_equal(found[1], values)
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.compress(RLELossless)
    with pytest.raises(ItemFault, match="has BitsStored 12 and HighBit 15 of 16 bits, which cannot be read"):
        read_slice(encoded(dataset), "a.dcm")


@pytest.mark.parametrize(("bits", "high"), [(12, 10), (17, 16), (0, 11), (16, 16)])
def test_stored_bits_that_do_not_fit_are_refused(bits: int, high: int) -> None:
    dataset = Series().dataset(0)
    dataset.BitsStored, dataset.HighBit = bits, high
    with pytest.raises(ItemFault, match=rf"has BitsStored {bits} and HighBit {high} of 16 bits"):
        read_slice(encoded(dataset), "a.dcm")


def test_zeros_after_the_pixels_are_padding() -> None:
    dataset = Series().dataset(0)
    plain = read_slice(encoded(dataset), "a.dcm")
    dataset.PixelData += b"\0" * 128
    padded = read_slice(encoded(dataset), "a.dcm")
    assert isinstance(plain, tuple) and isinstance(padded, tuple)
    np.testing.assert_array_equal(padded[1], plain[1])
    dataset.PixelData = dataset.PixelData[:-1] + b"\1"
    with pytest.raises(ItemFault, match="wrong matrix"):
        read_slice(encoded(dataset), "a.dcm")
