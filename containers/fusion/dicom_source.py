"""All images of a folder or zip, parsed in parallel.

Invariants: the result and the fault that is raised do not depend on the number of processes (images come in
the order of their paths; of several faults the first by path wins). The tags decide what a file is: manifests,
file names and folders are never trusted. Worker processes are forked and write the pixels into anonymous
shared memory made before the fork, so that no pixel is pickled and nothing needs room under /dev/shm.
"""

import mmap
import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from containers.contract.errors import EnvironmentFault, ItemFault
from containers.fusion.archive import SOURCE, Member, Source
from containers.fusion.header import Pixels, Slice, read_slice

MEMBERS_PER_PROCESS = 64
"""Below this many files a further process costs more than it saves."""


@dataclass(frozen=True)
class Image:
    """One slice."""

    header: Slice
    """What it says of itself."""
    pixels: Pixels
    """Stored values, (row, column)."""


@dataclass(frozen=True)
class _Parsed:
    """A worker's answer for one member."""

    index: int
    """Place of the member in the source."""
    header: Slice | None = None
    """What the slice says of itself; None for a file that is not an image."""
    pixels: Pixels | None = None
    """Stored values; None when they lie in shared memory or there are none."""
    fault: ItemFault | None = None
    """Why it cannot be used; None where it can."""


def _shared_view(buffer: mmap.mmap, offset: int, rows: int, columns: int) -> Pixels:
    return np.frombuffer(buffer, np.int16, rows * columns, offset).reshape(rows, columns)


def _parse(path: Path, members: list[Member], share: slice, offsets: list[int], buffer: mmap.mmap) -> list[_Parsed]:
    """Parse every member of `share` up to the first fault."""
    answers = []
    with Source(path) as source:
        for index in range(len(members))[share]:
            member = members[index]
            try:
                found = read_slice(source.read(member), member.name)
            except ItemFault as fault:
                answers.append(_Parsed(index, fault=fault))
                break
            if found is None:
                answers.append(_Parsed(index))
                continue
            header, pixels = found
            if pixels.dtype == np.int16 and pixels.nbytes <= member.size:
                _shared_view(buffer, offsets[index], header.rows, header.columns)[:] = pixels
                answers.append(_Parsed(index, header))
            else:
                answers.append(_Parsed(index, header, pixels))
    return answers


def _work(
    pipe: Connection, path: Path, members: list[Member], share: slice, offsets: list[int], buffer: mmap.mmap
) -> None:
    try:
        pipe.send(_parse(path, members, share, offsets, buffer))
    except BaseException as error:
        pipe.send(error)
    finally:
        pipe.close()


def _parse_all(path: Path, members: list[Member], processes: int) -> tuple[list[_Parsed], list[int], mmap.mmap]:
    offsets = np.cumsum([0, *(member.size + member.size % 2 for member in members)]).tolist()
    buffer = mmap.mmap(-1, max(offsets[-1], 1))
    context = multiprocessing.get_context("fork")
    workers = []
    for number in range(1, processes):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (theirs, path, members, slice(number, None, processes), offsets, buffer)
        worker = context.Process(target=_work, args=arguments, daemon=True)
        worker.start()
        theirs.close()
        workers.append((worker, ours))
    try:
        answers = _parse(path, members, slice(0, None, processes), offsets, buffer)
        for worker, ours in workers:
            try:
                answer = ours.recv()
            except EOFError as error:
                raise EnvironmentFault(
                    "a reading process was ended from outside", mend="raise the memory limit of the job"
                ) from error
            if isinstance(answer, BaseException):
                raise answer
            answers += answer
            worker.join()
    finally:
        for worker, ours in workers:
            ours.close()
            if worker.is_alive():
                worker.terminate()
                worker.join()
    return sorted(answers, key=lambda parsed: parsed.index), offsets, buffer


def read_images(path: Path, threads: int) -> tuple[list[Image], list[str]]:
    """All images of a folder or zip in path order, and the names of the files that are no images.

    threads: processes to use. Raises ItemFault (naming the file) for a harmful or empty source, a file that
    cannot be read, or images of more than one participant or study.
    """
    with Source(path) as source:
        members = source.members()
    processes = max(1, min(threads, len(members) // MEMBERS_PER_PROCESS))
    answers, offsets, buffer = _parse_all(path, members, processes)
    images: list[Image] = []
    ignored: list[str] = []
    for parsed in answers:
        if parsed.fault is not None:
            raise parsed.fault
        if parsed.header is None:
            ignored.append(members[parsed.index].name)
            continue
        header = parsed.header
        shared = _shared_view(buffer, offsets[parsed.index], header.rows, header.columns)
        images.append(Image(header, shared if parsed.pixels is None else parsed.pixels))
    if not images:
        raise ItemFault(
            f"has no DICOM image among its {len(members)} files",
            where=SOURCE,
            mend="give the folder or zip of a study",
        )
    _one_participant(images)
    return images, ignored


def _one_participant(images: list[Image]) -> None:
    first = images[0].header
    for image in images:
        other = image.header
        if (other.patient, other.study) != (first.patient, first.study):
            what = "participants" if other.patient != first.patient else "studies"
            raise ItemFault(
                f"files {first.file} and {other.file} belong to different {what}",
                where=f"series {other.series_number} ({other.description})",
                mend="give one participant's study per item",
            )
