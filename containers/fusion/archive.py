"""Members of a folder or a zip, read into memory and never extracted to disk.

A zip is refused as a whole when it could harm (a name that leaves its folder, a symbolic link, sizes beyond
the limits below): such a file did not come from a scanner's export. Sizes are those that the directory of
the zip declares; `zipfile` never returns more than that, so a lie cannot exceed them. Zips inside are not opened.
"""

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from containers.contract.errors import ItemFault

SOURCE = "input dicom"
"""What messages call the folder or zip: the name of a UK Biobank zip is a participant's identifier."""
MAX_MEMBERS = 100_000
"""A neck-to-knee study has about 1,500 files."""
MAX_TOTAL_BYTES = 8 * 2**30
"""Uncompressed. A neck-to-knee study has about 0.2 GiB."""
MAX_MEMBER_BYTES = 512 * 2**20
"""One single-frame image is far below this."""
MAX_RATIO = 100
"""Uncompressed over compressed, for members above RATIO_FROM_BYTES: a blank image may shrink more, but is small."""
RATIO_FROM_BYTES = 8 * 2**20
ALONE = "image.dcm"
"""What messages call a file that is given by itself: its name may be a participant's identifier."""


@dataclass(frozen=True)
class Member:
    """One file of a folder or zip."""

    path: str
    """Path inside the source."""
    size: int
    """Size in bytes, uncompressed."""
    info: zipfile.ZipInfo | None = None
    """Its entry in the zip; None in a folder."""

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def _unreadable(name: str, error: OSError) -> ItemFault:
    return ItemFault(f"cannot be read ({error.strerror})", where=name, fix="let this user read it, then run again")


def _is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do (PS3.10, 7.1). Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


class Source:
    """A folder or a zip of files, or one DICOM file, as enhanced images come.

    Each reading process opens its own (`with Source(path) as source`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._alone = False

    def __enter__(self) -> "Source":
        if not self.path.is_dir():
            try:
                self._alone = _is_dicom(self.path)
                self._zip = None if self._alone else zipfile.ZipFile(self.path)
            except zipfile.BadZipFile as error:
                raise ItemFault(
                    f"is neither a folder nor a readable zip nor DICOM ({error})",
                    where=SOURCE,
                    fix="give a folder or a zip of DICOM files, and fetch the file again if it was cut short",
                ) from error
            except OSError as error:
                raise _unreadable(SOURCE, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()

    def members(self) -> list[Member]:
        """All files in the order of their paths. Raises ItemFault for an empty or harmful source."""
        if self._alone:
            members = [Member(ALONE, self.path.stat().st_size)]
        elif self._zip is None:
            files = sorted((p for p in self.path.rglob("*") if p.is_file()), key=lambda p: p.as_posix())
            members = [Member(p.relative_to(self.path).as_posix(), p.stat().st_size) for p in files]
        else:
            infos = sorted(self._zip.infolist(), key=lambda info: (info.filename, info.header_offset))
            members = [Member(info.filename, info.file_size, info) for info in infos if not info.is_dir()]
            self._refuse_harm(members)
        if not members:
            raise ItemFault("is empty", where=SOURCE, fix="give a folder or a zip of DICOM files")
        return members

    def _refuse_harm(self, members: list[Member]) -> None:
        fix = "check where the zip comes from and pack the DICOM files again"
        for member in members:
            info = member.info
            assert info is not None
            # orig_filename: zipfile itself cleans the other name, which would hide the attempt.
            parts = info.orig_filename.replace("\\", "/").split("/")
            where = f"{SOURCE}: {member.name}"
            if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
                raise ItemFault("a member's path leaves the zip's folder (zip slip)", where=where, fix=fix)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ItemFault("a member is a symbolic link", where=where, fix=fix)
            if info.file_size > MAX_MEMBER_BYTES:
                raise ItemFault(
                    f"a member unpacks to {info.file_size} bytes, over {MAX_MEMBER_BYTES} (zip bomb)",
                    where=where,
                    fix=fix,
                )
            if info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise ItemFault(f"a member unpacks to over {MAX_RATIO} times its size (zip bomb)", where=where, fix=fix)
        total = sum(member.size for member in members)
        if len(members) > MAX_MEMBERS or total > MAX_TOTAL_BYTES:
            raise ItemFault(
                f"unpacks to {len(members)} files of {total} bytes together, over {MAX_MEMBERS} or {MAX_TOTAL_BYTES} "
                "(zip bomb)",
                where=SOURCE,
                fix=fix,
            )

    def read(self, member: Member) -> bytes:
        """The bytes of one member. Raises ItemFault when the zip is damaged or encrypted there."""
        if self._zip is None:
            try:
                return (self.path if self._alone else self.path / member.path).read_bytes()
            except OSError as error:
                raise _unreadable(member.name, error) from error
        assert member.info is not None
        try:
            return self._zip.read(member.info)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ItemFault(
                f"is damaged inside the zip ({error})", where=member.name, fix="fetch the zip again"
            ) from error
        except (RuntimeError, NotImplementedError) as error:
            raise ItemFault(
                f"cannot be unpacked ({error})", where=member.name, fix="pack the zip without password, by deflate"
            ) from error
