"""Settings of the whole process that a call changes and puts back: torch's own, and variables of the environment.

A program that ends after its work may leave them; a function that others call, or a command that a test runs in its
own process, may not.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_settings_restored() -> Iterator[None]:
    """Within the block, threads and determinism of torch may be set; afterwards they are as before."""
    # Imported here: stages without torch import this package too.
    import torch

    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = fill


@contextmanager
def environment_restored(prefix: str = "") -> Iterator[None]:
    """Within the block, variables whose names begin with `prefix` may be set; afterwards they are as before."""
    before = {name: value for name, value in os.environ.items() if name.startswith(prefix)}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(prefix) and name not in before]:
            del os.environ[name]
        os.environ.update(before)
