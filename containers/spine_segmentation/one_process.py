"""nnU-Net's steps over the cases of a data set without processes of their own, for one worker.

nnU-Net starts a pool by spawn even for one worker, and each start loads torch and nnU-Net again: about five seconds of
CPU time a step, more than the work itself where the data are few. One thread gives the same files.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import ThreadPool
from types import ModuleType, SimpleNamespace
from unittest.mock import patch


@contextmanager
def one_process(*modules: ModuleType) -> Iterator[None]:
    """Give the modules of nnU-Net, as long as the context lasts, a pool of threads wherever they ask for processes."""
    threads = SimpleNamespace(get_context=lambda method: SimpleNamespace(Pool=ThreadPool))
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(patch.object(module, "multiprocessing", threads))
        yield
