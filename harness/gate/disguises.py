"""The same input in another form: what a stage must read alike. Each is a pure function of the input's bytes.

A DICOM zip is changed entry by entry, a table as a whole. Values, positions and orders that carry meaning stay.
"""

import csv
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from containers.contract.files import sha256_file, write_json, write_text
from harness.run.outcome import Outcome

Entries = list[tuple[str, bytes]]
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
SEED = 7
THIN = 0.95
"""Part of the slice distance that a thin slice fills: below it a reader that takes thickness for distance is wrong."""
DICOM = frozenset({"ukb_participant", "dixon_ramp", "nako_participant"})
COHORTS = frozenset({"ukb_cohort", "nako_cohort", "meta_studies"})


@dataclass(frozen=True)
class Disguise:
    """Another form of the same input."""

    phantoms: frozenset[str]
    """Phantoms whose inputs it is for."""
    outputs: tuple[str, ...]
    """Which of their files it changes, by output name."""
    change: Callable[[Path], None]
    """Changes the file in place, which is a copy."""


def disguise(name: str, outcome: Outcome, folder: Path) -> Outcome:
    """A copy of an input's outcome in the empty `folder`, with its file changed."""
    chosen = DISGUISES[name]
    if outcome.record is None or outcome.folder is None:
        return outcome
    for path in outcome.folder.iterdir():
        shutil.copyfile(path, folder / path.name)
    outputs = dict(outcome.record.outputs)
    for output in set(chosen.outputs) & set(outputs):
        path = folder / outputs[output].path
        chosen.change(path)
        update = {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        outputs[output] = outputs[output].model_copy(update=update)
    record = outcome.record.model_copy(update={"outputs": outputs})
    return Outcome("ok", folder, record, provenance=outcome.provenance)


def _zip(change: Callable[[Entries], Entries], level: int = 1) -> Callable[[Path], None]:
    """A change of a zip's entries. level: of deflate; 0 stores."""

    def apply(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            entries = [(name, archive.read(name)) for name in archive.namelist()]
        kind = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", kind) as archive:
            for name, content in change(entries):
                info = zipfile.ZipInfo(name, ZIP_TIME)
                info.compress_type = kind
                archive.writestr(info, content, compresslevel=level or None)

    return apply


def _shuffled(seed: int) -> Callable[[Entries], Entries]:
    def change(entries: Entries) -> Entries:
        order = list(entries)
        random.Random(seed).shuffle(order)
        return order

    return change


def _renamed(template: Callable[[int, str], str]) -> Callable[[Entries], Entries]:
    """New names; what is not an image keeps its own."""
    return lambda entries: [
        (template(n, name) if name.endswith(".dcm") else name, content) for n, (name, content) in enumerate(entries)
    ]


def _added(name: str, content: bytes) -> Callable[[Entries], Entries]:
    return lambda entries: [*entries, (name, content)]


def _slices(change: Callable[[FileDataset, int], None]) -> Callable[[Entries], Entries]:
    """A change of every DICOM file, given its number."""

    def apply(entries: Entries) -> Entries:
        made = []
        for number, (name, content) in enumerate(entries):
            if name.endswith(".dcm"):
                ds = pydicom.dcmread(io.BytesIO(content))
                change(ds, number)
                buffer = io.BytesIO()
                ds.save_as(buffer)
                content = buffer.getvalue()
            made.append((name, content))
        return made

    return apply


def _thin(ds: FileDataset, number: int) -> None:
    ds.SliceThickness = f"{THIN * float(ds.SliceThickness):.6g}"


def _without_thickness(ds: FileDataset, number: int) -> None:
    del ds.SliceThickness


def _unit_rescale(ds: FileDataset, number: int) -> None:
    if "RescaleSlope" in ds:
        return
    ds.RescaleSlope, ds.RescaleIntercept = "1", "0"


def _rescaled(ds: FileDataset, number: int) -> None:
    """Stored values become (value + 10) * 2 with slope 0.5 and intercept -10: real values stay what they are."""
    if "RescaleSlope" in ds:
        return
    stored = np.frombuffer(ds.PixelData, "<u2")
    ds.PixelData = ((stored + np.uint16(10)) * np.uint16(2)).astype("<u2").tobytes()
    ds.BitsStored, ds.HighBit = 16, 15
    ds.RescaleSlope, ds.RescaleIntercept = "0.5", "-10"


def _other_instance_numbers(ds: FileDataset, number: int) -> None:
    ds.InstanceNumber = str(1 + (number * 7919) % 100_003)


def _next_day(ds: FileDataset, number: int) -> None:
    for word in ("StudyDate", "SeriesDate", "AcquisitionDate"):
        if word in ds:
            setattr(ds, word, str(int(getattr(ds, word)) + 1))


def _other_person(ds: FileDataset, number: int) -> None:
    ds.PatientID = ds.PatientName = "7654321"


def _other_numbers_of_series(ds: FileDataset, number: int) -> None:
    ds.SeriesNumber = str(int(ds.SeriesNumber) + 300)


def _other_uids(ds: FileDataset, number: int) -> None:
    for word in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(ds, word, generate_uid(entropy_srcs=["disguise", str(getattr(ds, word))]))


def _private_tag(ds: FileDataset, number: int) -> None:
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", b"SV10" + bytes(64))


def _implicit(ds: FileDataset, number: int) -> None:
    if ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian


def _run_length(ds: FileDataset, number: int) -> None:
    ds.compress(RLELossless, encoding_plugin="gdcm")


def _deflated(ds: FileDataset, number: int) -> None:
    if ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian:
        ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian


def _without_window(ds: FileDataset, number: int) -> None:
    for word in ("WindowCenter", "WindowWidth"):
        if word in ds:
            delattr(ds, word)


def _rows(order: Callable[[int], list[int]]) -> Callable[[Path], None]:
    """Rows of a Parquet table in another order."""

    def apply(path: Path) -> None:
        table = pyarrow.parquet.read_table(path)
        pyarrow.parquet.write_table(table.take(order(table.num_rows)), path)

    return apply


def _permuted(seed: int) -> Callable[[int], list[int]]:
    return lambda count: [int(n) for n in np.random.default_rng(seed).permutation(count)]


def _columns_reversed(path: Path) -> None:
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.select(table.column_names[::-1]), path)


def _parquet(**settings: object) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        pyarrow.parquet.write_table(pyarrow.parquet.read_table(path), path, **settings)

    return apply


def _csv(change: Callable[[list[list[str]]], list[list[str]]], **settings: object) -> Callable[[Path], None]:
    """A CSV table with its rows (the first are the heads) changed or written in another dialect."""

    def apply(path: Path) -> None:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        out = io.StringIO()
        csv.writer(out, **{"lineterminator": "\n", **settings}).writerows(change(rows))  # type: ignore[arg-type]
        write_text(path, out.getvalue())

    return apply


def _same(rows: list[list[str]]) -> list[list[str]]:
    return rows


def _rows_of_csv(seed: int) -> Callable[[list[list[str]]], list[list[str]]]:
    def change(rows: list[list[str]]) -> list[list[str]]:
        body = rows[1:]
        random.Random(seed).shuffle(body)
        return [rows[0], *body]

    return change


def _other_random_numbers(step: int) -> Callable[[Path], None]:
    """Every analysis that draws at random starts from another seed."""

    def apply(path: Path) -> None:
        said = json.loads(path.read_text(encoding="utf-8"))
        for analysis in said["analyses"]:
            if "seed" in analysis:
                analysis["seed"] += step
        write_json(path, said)

    return apply


def _unchanged(entries: Entries) -> Entries:
    return entries


def _dicom(change: Callable[[Entries], Entries], level: int = 1) -> Disguise:
    return Disguise(DICOM, ("dicom_zip", "haste_zip"), _zip(change, level))


def _table(change: Callable[[Path], None]) -> Disguise:
    return Disguise(COHORTS, ("table",), change)


def _table_csv(change: Callable[[Path], None]) -> Disguise:
    return Disguise(COHORTS, ("table_csv",), change)


SEED_STEPS = (*range(1, 10), *range(101, 105))
"""The first nine are what tolerances are sampled from, the others test them."""


def other_random_numbers(step: int) -> str:
    """Name of the disguise that adds `step` to the seeds of resampling."""
    return f"seeds of resampling +{step}"


DISGUISES: dict[str, Disguise] = {
    "zip stored": _dicom(_unchanged, 0),
    "zip at the best compression": _dicom(_unchanged, 9),
    "zip in reverse": _dicom(lambda entries: entries[::-1]),
    "zip shuffled": _dicom(_shuffled(SEED)),
    "zip shuffled otherwise": _dicom(_shuffled(SEED + 1)),
    "files numbered": _dicom(_renamed(lambda n, name: f"IM_{n:05d}.dcm")),
    "files in folders": _dicom(_renamed(lambda n, name: f"study/{n % 5}/{name}")),
    "a note next to the images": _dicom(_added("readme.txt", b"exported for a test\n")),
    "a folder file next to the images": _dicom(_added("__MACOSX/._a", bytes(16))),
    "thin slices": _dicom(_slices(_thin)),
    "no slice thickness": _dicom(_slices(_without_thickness)),
    "rescaled": _dicom(_slices(_rescaled)),
    "rescale of one": _dicom(_slices(_unit_rescale)),
    "other instance numbers": _dicom(_slices(_other_instance_numbers)),
    "a day later": _dicom(_slices(_next_day)),
    "another pseudonym": _dicom(_slices(_other_person)),
    "other series numbers": _dicom(_slices(_other_numbers_of_series)),
    "other identifiers": _dicom(_slices(_other_uids)),
    "a private tag": _dicom(_slices(_private_tag)),
    "implicit value representation": _dicom(_slices(_implicit)),
    "run-length encoded": _dicom(_slices(_run_length)),
    "deflated data sets": _dicom(_slices(_deflated)),
    "manifest misspelled": _dicom(lambda entries: [(n.replace(".csv", ".cvs"), content) for n, content in entries]),
    "no manifest": _dicom(lambda entries: [(n, content) for n, content in entries if n.endswith(".dcm")]),
    "no window": _dicom(_slices(_without_window)),
    "rows shuffled": _table(_rows(_permuted(SEED))),
    "rows shuffled otherwise": _table(_rows(_permuted(SEED + 1))),
    "rows in reverse": _table(_rows(lambda count: list(range(count))[::-1])),
    "columns in reverse": _table(_columns_reversed),
    "Parquet by gzip": _table(_parquet(compression="gzip")),
    "Parquet without compression": _table(_parquet(compression="none")),
    "Parquet in small groups": _table(_parquet(row_group_size=100)),
    "Parquet without dictionary": _table(_parquet(use_dictionary=False)),
    "CSV with all quoted": _table_csv(_csv(_same, quoting=csv.QUOTE_ALL)),
    "CSV with CRLF": _table_csv(_csv(_same, lineterminator="\r\n")),
    "CSV columns in reverse": _table_csv(_csv(lambda rows: [row[::-1] for row in rows])),
    "CSV rows shuffled": _table_csv(_csv(_rows_of_csv(SEED))),
    **{
        other_random_numbers(step): Disguise(frozenset({"nako_cohort"}), ("analyses",), _other_random_numbers(step))
        for step in SEED_STEPS
    },
}
