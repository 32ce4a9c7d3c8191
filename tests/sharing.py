"""Which tests share a process, where the suite runs in several.

Fixtures of a file are made once for it, those of some folders once for the whole folder: they train networks. So such a
folder goes to one process, every other file as a whole to one. xdist's own `loadgroup` writes the group into a field of
the test that pytest 9 no longer has, and divides the tests as if there were none.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

ONCE = ("spine_segmentation", "thigh_segmentation", "r_reference")
"""Folders of tests whose fixtures serve the whole run and take long."""


def shared(nodeid: str) -> str:
    """What a test shares its process with, by its node id: a folder of ONCE, or its file."""
    file = PurePosixPath(nodeid.partition("::")[0])
    return file.parent.name if file.parent.name in ONCE else file.as_posix()


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process whole files, or whole folders of ONCE, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return shared(nodeid)


class Sharing:
    """The plug-in."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The folders that stay whole go first: one that began last would keep all other processes waiting."""
        items.sort(key=lambda item: item.path.parent.name not in ONCE)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> ByFile | None:
        """Of `--dist loadscope`; other ways to divide the tests are xdist's."""
        if config.getvalue("dist") != "loadscope":
            return None
        config.option.loadscopereorder = False
        return ByFile(config, log)
