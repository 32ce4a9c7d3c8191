"""Parsing shares of a source's files, here or in a process that `dicom_source` starts.

The files are cut into chunks, and each process takes the next chunk that nobody has, until one of its files has a
fault. Chunks are taken in order, so of all faults the first by path is always found.
"""

import math
import mmap
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from containers.contract.errors import ItemFault
from containers.fusion.archive import Member, Source
from containers.fusion.dicom_file import read_file
from containers.fusion.header import NotSlice, Slice
from containers.fusion.pixels import Pixels

TICKET_BYTES = 4
"""Size of a chunk's number in the pipe of those that nobody has taken."""


@dataclass(frozen=True)
class Parsed:
    """The answer for one member."""

    index: int
    """Place of the member in the source."""
    slices: tuple[Slice, ...] = ()
    """What its slices say of themselves; none for a file that has no slice."""
    other: NotSlice | None = None
    """What an image is that is not a slice; None for a slice, and for a file that is not an image."""
    pixels: Pixels | None = None
    """Stored values (slice, row, column); None when they lie in shared memory or there are none."""
    fault: ItemFault | None = None
    """Why it cannot be used; None where it can."""


@dataclass(frozen=True)
class Share:
    """What every process knows."""

    path: Path
    """The source: a folder or a zip."""
    members: list[Member]
    """Its files, in the order of their paths."""
    offsets: list[int]
    """Where each member's pixels begin in the shared memory, in bytes; the last one is its size."""
    chunk: int
    """Members in a chunk."""


def shared_view(buffer: mmap.mmap, offset: int, slices: tuple[Slice, ...]) -> Pixels:
    """The pixels (slice, row, column) of a member in the shared memory."""
    shape = (len(slices), slices[0].rows, slices[0].columns)
    return np.frombuffer(buffer, np.int16, math.prod(shape), offset).reshape(shape)


def tickets(share: Share) -> int:
    """A pipe that holds the number of every chunk; returns its end to read from.

    A read takes one number, whole, and no two reads the same: that is all that the processes need to agree.
    """
    count = -(-len(share.members) // share.chunk)
    source, target = os.pipe()
    try:
        # 100,000 members in chunks of 16 are 25 kB, less than a pipe holds: writing does not wait.
        os.write(target, b"".join(number.to_bytes(TICKET_BYTES, "little") for number in range(count)))
    finally:
        os.close(target)
    return source


def _taken(source: int) -> Iterator[int]:
    while ticket := os.read(source, TICKET_BYTES):
        yield int.from_bytes(ticket, "little")


def parse(share: Share, source: int, buffer: mmap.mmap, asked: Connection | None = None) -> list[Parsed]:
    """Parse chunk after chunk up to the first fault; int16 pixels go into `buffer`.

    asked: of a process that works for another one, which says nothing more: when there is something to read, the other
    one has ended or wants no answer.
    """
    answers: list[Parsed] = []
    with Source(share.path) as files:
        for chunk in _taken(source):
            for index in range(chunk * share.chunk, min((chunk + 1) * share.chunk, len(share.members))):
                if asked is not None and asked.poll():
                    return answers
                answers.append(_one(files, share, index, buffer))
                if answers[-1].fault is not None:
                    return answers
    return answers


def _one(files: Source, share: Share, index: int, buffer: mmap.mmap) -> Parsed:
    member = share.members[index]
    try:
        found = read_file(files.read(member), member.name)
    except ItemFault as fault:
        return Parsed(index, fault=fault)
    if found is None:
        return Parsed(index)
    if isinstance(found, NotSlice):
        return Parsed(index, other=found)
    slices, pixels = tuple(found[0]), found[1]
    if pixels.dtype == np.int16 and pixels.nbytes <= member.size:
        shared_view(buffer, share.offsets[index], slices)[:] = pixels
        return Parsed(index, slices)
    return Parsed(index, slices, pixels=pixels)


def serve(pipe: int, shared: int, source: int, pixels: int) -> None:
    """The life of a reading process. The arguments are its open files: to answer by, the pickled share, the pipe of
    chunks, and the memory for pixels."""
    with Connection(pipe) as asked:
        try:
            with mmap.mmap(shared, 0, prot=mmap.PROT_READ) as text:
                share: Share = pickle.loads(text)
            answer: object = parse(share, source, mmap.mmap(pixels, 0), asked)
        except BaseException as error:
            answer = error
        try:
            asked.send(answer)
        except BrokenPipeError:
            return
