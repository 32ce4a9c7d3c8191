"""For all tests: what a machine may lack is skipped and counted, and nothing is left behind."""

from collections import Counter

import pytest

from tests import leaks
from tests.optional import NEEDS, need

_WORD = "needs "
ONCE = ("spine_segmentation", "thigh_segmentation", "r_reference")


def pytest_configure(config: pytest.Config) -> None:
    """Watch what tests leave behind."""
    config.pluginmanager.register(leaks.Guard(), "leaks")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use R need it. An unknown need is a mistake of the test, found when it is collected.

    A folder whose fixtures take long and serve the whole run goes to one process: two would make them twice.
    """
    for item in items:
        folder = item.path.parent.name
        if folder in ONCE:
            item.add_marker(pytest.mark.xdist_group(folder))
        if "rscript" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.needs("R"))
        for marker in item.iter_markers("needs"):
            for name in marker.args:
                try:
                    need(name)
                except KeyError:
                    known = ", ".join([*NEEDS, "data/", "papers/"])
                    raise pytest.UsageError(f"{item.nodeid}: no need {name!r}; known: {known}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose needs are not met."""
    for marker in item.iter_markers("needs"):
        for wanted in map(need, marker.args):
            if wanted.lacking():
                pytest.skip(f"{_WORD}{wanted.reason}")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last lines: how many tests were skipped, why, and what would bring what they need."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    skipped = reporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ").removeprefix(_WORD) for report in skipped)
    print(f"\nskipped: {len(skipped)}" + (", for they need" if reasons else ""))
    for reason, count in reasons.most_common():
        print(f"  {count:4d}  {reason}")
