"""The DICOM series of a folder, found by headers alone.

Series of one UID in different folders are kept apart: copies of a study would else be read as repeats of its slices.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

_TAGS = ("SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality")


@dataclass
class FoundSeries:
    """The files of one series in one folder."""

    number: str
    """SeriesNumber as text; empty where missing."""
    description: str
    """SeriesDescription; empty where missing."""
    modality: str
    """Modality, such as `MR`; empty where missing."""
    files: list[Path] = field(default_factory=list)
    """Its files, sorted by path."""


@dataclass
class FoundFiles:
    """What a folder holds."""

    series: list[FoundSeries]
    """Its series, in the order of their first files."""
    others: int
    """Files that are not DICOM, or that are DICOM without a series."""
    archives: int
    """Zip and tar archives, which are not opened."""


def find_series(folder: Path) -> FoundFiles:
    """All series below a folder. Links to folders are not followed."""
    found: dict[tuple[Path, str], FoundSeries] = {}
    others = archives = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            header = _header(path)
            uid = str(header.get("SeriesInstanceUID", "")) if header is not None else ""
            if header is None or not uid:
                archive = name.lower().endswith((".zip", ".tar", ".tgz", ".tar.gz"))
                archives, others = archives + archive, others + (not archive)
                continue
            key = (path.parent, uid)
            if key not in found:
                number, description, modality = (_text(header, keyword) for keyword in _TAGS[1:])
                found[key] = FoundSeries(number, description, modality)
            found[key].files.append(path)
    return FoundFiles(list(found.values()), others, archives)


def _header(path: Path) -> pydicom.Dataset | None:
    """The few tags that are needed; None for what is not DICOM."""
    for force in (False, True):
        try:
            return pydicom.dcmread(path, stop_before_pixels=True, force=force, specific_tags=list(_TAGS))
        except InvalidDicomError:
            continue
        except Exception:  # whatever a broken file makes of the parser: fusion says what is wrong with it
            return None
    return None


def _text(header: pydicom.Dataset, keyword: str) -> str:
    """A value as one printable line."""
    try:
        value = str(header.get(keyword, "") or "")
    except Exception:  # a value of another type than its tag says
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in value).strip()[:60]
