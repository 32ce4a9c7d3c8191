"""One line per series of a folder: read, refused and why, with an independent reader's opinion next to it.

Each series is given to the fusion stage by itself, many in one job. Nothing is kept: copies and volumes are removed,
and no line shows an identifier.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from containers.contract.errors import EnvironmentFault, RequestFault
from containers.contract.record import Record
from harness.real_data.opinion import Opinion, independent_opinion
from harness.real_data.series import FoundFiles, FoundSeries, find_series
from harness.run.steps.task import read_record
from harness.runners.base import Call, Limits, Runner

BATCH_BYTES = 2 << 30
"""Of DICOM files that are copied and read in one job."""
BATCH_SERIES = 50
"""Series of one job."""
Outcome = Literal["read", "refused", "broken"]


@dataclass(frozen=True)
class SeriesLine:
    """What is said of one series."""

    series: str
    """Its number and description."""
    files: int
    """Number of its files."""
    outcome: Outcome
    """`read`, `refused` for a reason that lies in the files, or `broken`: the stage failed, a fault of this project."""
    said: str
    """What was read, or why it was not."""
    warnings: tuple[str, ...]
    """Warnings of the record."""
    opinion: Opinion
    """What another reader says."""

    @property
    def doubtful(self) -> bool:
        """Whether it calls for a look: the stage failed, or another reader sees other volumes than we do."""
        return self.outcome == "broken" or (self.outcome == "read" and self.opinion.differs)


@dataclass(frozen=True)
class FolderCheck:
    """What is said of a folder."""

    lines: list[SeriesLine]
    """One a series."""
    found: FoundFiles
    """What lay there."""

    def summary(self) -> str:
        """The last line: counts by outcome, and what was not looked at."""
        counts = Counter(line.outcome for line in self.lines)
        doubtful = sum(line.doubtful for line in self.lines)
        parts = [f"{counts['read']} read", f"{counts['refused']} refused", f"{counts['broken']} broken"]
        parts.append(f"{doubtful} to look at")
        rest = f"; {self.found.others} other files" if self.found.others else ""
        rest += f"; {self.found.archives} archives not opened" if self.found.archives else ""
        return f"{len(self.lines)} series: {', '.join(parts)}{rest}"


def check_folder(folder: Path, runner: Runner, limits: Limits, tick: Callable[[int, int], None]) -> FolderCheck:
    """Look at all series below a folder. tick: called with the number of series done and of all.

    Raises RequestFault for a folder that is not there or holds no DICOM series, EnvironmentFault where the stage
    cannot run at all.
    """
    if not folder.is_dir():
        raise RequestFault("is not a folder", where=str(folder), fix="give the folder of your DICOM files")
    found = find_series(folder)
    if not found.series:
        fix = "unpack them first" if found.archives else "give the folder of your DICOM files"
        raise RequestFault("holds no DICOM series", where=str(folder), fix=fix)
    lines: list[SeriesLine] = []
    for batch in _batches(found.series):
        with tempfile.TemporaryDirectory(prefix="real-data-") as name:
            scratch = Path(name)
            inputs = _copies(batch, scratch / "series")
            records = _fused(inputs, runner, limits, scratch / "out")
            for series, (item, place) in zip(batch, inputs.items(), strict=True):
                lines.append(_line(series, records.get(item), place, scratch / "out" / item, scratch / "other" / item))
                tick(len(lines), len(found.series))
    return FolderCheck(lines, found)


def _batches(series: list[FoundSeries]) -> Iterator[list[FoundSeries]]:
    """The series in their order, in parts of BATCH_BYTES or of one larger series, BATCH_SERIES at most."""
    batch: list[FoundSeries] = []
    size = 0
    for one in series:
        bytes_of_one = sum(path.stat().st_size for path in one.files)
        if batch and (size + bytes_of_one > BATCH_BYTES or len(batch) == BATCH_SERIES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += bytes_of_one
    yield batch


def _copies(series: list[FoundSeries], folder: Path) -> dict[str, Path]:
    """A folder with a copy of each series, by item: a stage is given no links, and no file of the user's."""
    places = {}
    for number, one in enumerate(series, 1):
        place = folder / f"series_{number:04d}"
        place.mkdir(parents=True)
        for count, path in enumerate(one.files, 1):
            shutil.copyfile(path, place / f"{count:05d}.dcm")
        places[place.name] = place
    return places


def _fused(inputs: dict[str, Path], runner: Runner, limits: Limits, output: Path) -> dict[str, Record]:
    """The records of one job of the fusion stage over all series. A job that ends early leaves out what it lacks."""
    handle = runner.identify("fusion")
    output.mkdir()
    seen = {item: runner.inside(path, f"{item}/dicom") for item, path in inputs.items()}
    request = {
        "stage": handle.name,
        "items": [{"id": item, "inputs": {"dicom": place}} for item, place in seen.items()],
        "parameters": {"contrasts": ["all"], "stations": "all"},
        "resources": {"threads": limits.threads},
        "output": runner.output_inside(output),
    }
    call = Call(json.dumps(request), {seen[item]: path for item, path in inputs.items()}, output, limits)
    end = runner.execute(handle, call)
    if end.status in (2, 3) and not end.stopped:
        raise EnvironmentFault(end.last_line(), where=handle.name, fix="see `myorepro stage describe fusion`")
    paths = {item: output / item / "record.json" for item in inputs}
    return {item: read_record(path) for item, path in paths.items() if path.is_file()}


def _line(series: FoundSeries, record: Record | None, place: Path, volumes: Path, scratch: Path) -> SeriesLine:
    scratch.parent.mkdir(exist_ok=True)
    ours: list[Path] = []
    outcome: Outcome = "broken"
    said = "the stage ended without a record"
    if record is not None and record.error is not None:
        outcome = "broken" if record.error.kind == "internal" else "refused"
        said = record.error.what if outcome == "broken" else f"{record.error.what}; {record.error.fix}"
    elif record is not None:
        outcome = "read"
        ours = [volumes / output.path for output in record.outputs.values() if output.path.endswith(".nrrd")]
        size = [record.metrics[f"extent_mm.{axis}"].value for axis in ("left_right", "anterior_posterior")]
        height = record.metrics["extent_mm.superior_inferior"].value
        said = f"{len(ours)} volumes of {size[0]:.0f} x {size[1]:.0f} x {height:.0f} mm"
    label = f"{series.number or '?'} {series.description or 'no description'} ({series.modality or '?'})"
    warnings = tuple(record.warnings) if record is not None else ()
    opinion = independent_opinion(place, ours, scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    return SeriesLine(label, len(series.files), outcome, said, warnings, opinion)
