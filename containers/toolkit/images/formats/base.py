"""What every file format can do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from containers.toolkit.images.volume import Volume


@dataclass(frozen=True)
class LabelMap:
    """Labels with their names, as every format reads and writes them."""

    volume: Volume
    """Label of each voxel, uint8 (k, j, i), on its grid (LPS); 0 is background."""
    names: dict[int, str]
    """Name of each label."""


class ImageFormat(ABC):
    """One file format. Its instances keep nothing."""

    name: ClassVar[str]
    """Its name as a parameter's value."""
    title: ClassVar[str]
    """Its name in messages."""
    endings: ClassVar[tuple[str, ...]]
    """Endings of its files' names, in lower case; the first is the one that is written."""

    def named(self, path: Path) -> bool:
        """Whether a file has the name of one of this format."""
        return path.name.lower().endswith(self.endings)

    @abstractmethod
    def recognises(self, head: bytes) -> bool:
        """Whether a file is of this format, by its first 4096 bytes, unpacked where the file is gzipped."""

    @abstractmethod
    def read_volume(self, path: Path) -> Volume:
        """A scalar volume, 3-D, in LPS. Raises ItemFault where the file is not one."""

    @abstractmethod
    def read_labels(self, path: Path, names: Mapping[int, str] | None) -> LabelMap:
        """A label map. names: given ones (value -> name), which go before those of the file.

        Raises ItemFault for values that are not labels, or labels without a name.
        """
