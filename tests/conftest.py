"""For all tests: what a machine may lack is skipped and counted, and nothing is left behind."""

from collections import Counter

import pytest

from tests import leaks, sharing
from tests.optional import NEEDS, need

_WORD = "needs "


def pytest_configure(config: pytest.Config) -> None:
    """Watch what tests leave behind, and let those that share what takes long share a process."""
    config.pluginmanager.register(leaks.Guard(), "leaks")
    config.pluginmanager.register(sharing.Sharing(), "sharing")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use R need it. An unknown need is a mistake of the test, found when it is collected."""
    for item in items:
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
