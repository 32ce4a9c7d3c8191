"""All images of a folder or zip, parsed in parallel.

Invariants: the result and the fault that is raised do not depend on the number of processes (images come in
the order of their paths; of several faults the first by path wins). The tags decide what a file is: manifests,
file names and folders are never trusted.

Reading processes are programs of their own: a fork of a process that has threads (of numpy, of numba) can hang. They
write the pixels into memory that is passed on as an open file without a name, so that no pixel is pickled and nothing
needs room under /dev/shm.
"""

import mmap
import os
import pickle
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath

from containers.contract.errors import EnvironmentFault, ItemFault
from containers.fusion.archive import SOURCE, Member, Source
from containers.fusion.header import NotSlice, Slice
from containers.fusion.pixels import Pixels
from containers.fusion.reading import Parsed, Share, parse, shared_view, tickets

MEMBERS_PER_PROCESS = 96
"""Below this many files for each a further process has hardly started (0.3 to 0.4 s) when the others are done."""
MEMBERS_PER_CHUNK = 16
_ROOT = str(Path(__file__).parents[2])
_PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stage ends its processes itself
sys.path[:] = {path!r}
sys.modules["requests"] = sys.modules["tqdm"] = None  # pydicom fetches its examples by them, and does without
from containers.fusion.reading import serve
serve({descriptors})
"""


@dataclass(frozen=True)
class Image:
    """One slice."""

    header: Slice
    """What it says of itself."""
    pixels: Pixels
    """Stored values, (row, column)."""


def _parse_all(path: Path, members: list[Member], processes: int) -> tuple[list[Parsed], list[int], mmap.mmap]:
    offsets: list[int] = [0]
    for member in members:
        offsets.append(offsets[-1] + member.size + member.size % 2)
    share = Share(path, members, offsets, MEMBERS_PER_CHUNK)
    with ExitStack() as stack:
        pixels = _memory("pixels", stack)
        os.ftruncate(pixels, max(offsets[-1], 1))
        buffer = mmap.mmap(pixels, 0)
        source = tickets(share)
        stack.callback(os.close, source)
        shared = _memory("share", stack)
        if processes > 1:
            with os.fdopen(os.dup(shared), "wb") as stream:
                pickle.dump(share, stream)
        helpers = [stack.enter_context(_helper(shared, source, pixels)) for _ in range(1, processes)]
        answers = parse(share, source, buffer)
        for helper in helpers:
            answers += _answer(helper)
    return sorted(answers, key=lambda parsed: parsed.index), offsets, buffer


def _memory(name: str, stack: ExitStack) -> int:
    """Descriptor of an empty file that is memory, closed with the stack; what is mapped of it stays."""
    descriptor = os.memfd_create(name)
    stack.callback(os.close, descriptor)
    return descriptor


@contextmanager
def _helper(shared: int, source: int, pixels: int) -> Iterator[Connection]:
    """A process that parses too, and the pipe that it answers by; it ends with the block."""
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as pipe, theirs:
        descriptors = (theirs.fileno(), shared, source, pixels)
        program = _PROGRAM.format(path=[_ROOT, *sys.path], descriptors=", ".join(map(str, descriptors)))
        try:
            process = subprocess.Popen(
                # -S: the paths are given, and what packages start with Python is of no use here.
                [sys.executable, "-S", "-c", program],
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise EnvironmentFault(
                f"a reading process cannot be started ({error.strerror})", fix="raise the limits of the job"
            ) from error
        theirs.close()
        try:
            yield pipe
        finally:
            process.kill()
            process.wait()


def _answer(helper: Connection) -> list[Parsed]:
    try:
        answer = helper.recv()
    except (EOFError, ConnectionResetError) as error:
        raise EnvironmentFault(
            "a reading process was ended from outside", fix="raise the memory limit of the job"
        ) from error
    if isinstance(answer, BaseException):
        raise answer
    found: list[Parsed] = answer
    return found


@dataclass(frozen=True)
class Study:
    """What a folder or zip holds."""

    images: list[Image]
    """The slices, in the order of their paths."""
    ignored: list[str]
    """Names of the files that are not images."""
    left_out: list[str]
    """A line for each series of images that are not slices."""

    def ignored_files(self) -> list[str]:
        """A line for the files that are not DICOM images. Endings only: a name may be an identifier."""
        if not self.ignored:
            return []
        endings = Counter(
            "macOS ._" if name.startswith("._") else PurePosixPath(name).suffix.lower() or "without ending"
            for name in self.ignored
        )
        kinds = ", ".join(f"{n} {ending}" for ending, n in sorted(endings.items()))
        return [f"{len(self.ignored)} files ignored, which are not DICOM images ({kinds})"]


def read_images(path: Path, threads: int) -> Study:
    """All images of a folder or zip.

    threads: processes to use. Raises ItemFault (naming the file) for a harmful or empty source, a file that
    cannot be read, images of more than one participant or study, and an image that is not a slice where its series
    has slices or nothing else is there.
    """
    with Source(path) as source:
        members = source.members()
    processes = max(1, min(threads, len(members) // MEMBERS_PER_PROCESS))
    answers, offsets, buffer = _parse_all(path, members, processes)
    images: list[Image] = []
    others: list[NotSlice] = []
    ignored: list[str] = []
    for parsed in answers:
        if parsed.fault is not None:
            raise parsed.fault
        if parsed.other is not None:
            others.append(parsed.other)
            continue
        if not parsed.slices:
            ignored.append(members[parsed.index].name)
            continue
        pixels = parsed.pixels
        if pixels is None:
            pixels = shared_view(buffer, offsets[parsed.index], parsed.slices)
        images += [Image(*each) for each in zip(parsed.slices, pixels, strict=True)]
    left_out = _left_out(images, others)
    if not images:
        raise ItemFault(
            f"has no DICOM image among its {len(members)} files",
            where=SOURCE,
            fix="give the folder or zip of a study",
        )
    _one_participant(images)
    return Study(images, ignored, left_out)


def _left_out(images: list[Image], others: list[NotSlice]) -> list[str]:
    """A line for each series of images that are not slices. Raises ItemFault where one takes the place of a slice."""
    sound = {image.header.series for image in images} - {""}
    for other in others:
        if not images or other.series in sound:
            raise ItemFault(f"is {other.what}", where=other.file, fix=other.fix)
    counts = Counter((other.label, other.what) for other in others)
    return [
        f"{label}: {count} image{'s' if count > 1 else ''} left out ({what})"
        for (label, what), count in sorted(counts.items())
    ]


def _one_participant(images: list[Image]) -> None:
    first = images[0].header
    for image in images:
        other = image.header
        if (other.patient, other.study) != (first.patient, first.study):
            what = "participants" if other.patient != first.patient else "studies"
            raise ItemFault(
                f"files {first.file} and {other.file} belong to different {what}",
                where=f"series {other.series_number} ({other.description})",
                fix="give one participant's study per item",
            )
