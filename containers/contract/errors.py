"""Faults, named by whose they are: the item's, the request's or the environment's.

Each carries the three things a person needs: what is wrong, where, and how to fix it. `str()` of a fault is
the one line that is shown; nothing in it may name a participant beyond the item's own identifier.
"""


def one_line(what: str, where: str = "", fix: str = "") -> str:
    """What is wrong, as the one line that people read: `where: what; fix`, without the parts that are empty."""
    line = f"{where}: {what}" if where else what
    return f"{line}; {fix}" if fix else line


class Fault(Exception):  # noqa: N818 - the word of the contract; subclasses say whose fault
    """What is wrong (`what`), in which file, series or field (`where`), and how to fix it (`fix`)."""

    kind = "internal"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = " ".join(what.split())
        self.where = " ".join(where.split())
        self.fix = " ".join(fix.split())
        super().__init__(str(self))

    def __str__(self) -> str:
        return one_line(self.what, self.where, self.fix)


class ItemFault(Fault):
    """The item's input cannot be processed. Ends as an error record; the other items go on."""

    kind = "input"


class RequestFault(Fault):
    """The request itself is wrong (unknown parameter, missing input name). Exit status 2."""

    kind = "request"


class EnvironmentFault(Fault):
    """The machine cannot do the work (no GPU, no memory, no space, missing weights). Exit status 3."""

    kind = "environment"
