"""Functions compiled by numba, whose machine code is kept only as long as all the sources that it came from.

numba's own cache looks at the file of a function alone: an edit of a function or a constant that it takes from another
file would leave the old machine code in use. Here the sources of all modules of this project that a kernel's module
imports, directly or not, decide. Kernels therefore stand in modules that import little.

Where the code lies is numba's choice: in NUMBA_CACHE_DIR, else next to the source, else in the user's cache folder; if
none can be written, code is compiled again in each process. The digest of the sources is in the files' names, so that
processes of two versions never take each other's code; new code removes that of older sources.
"""

import functools
import glob
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching

from containers.toolkit.runtime.sources import source_digest

_PACKAGES = ("containers", "phantoms")
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Kernel], Kernel]:
    """Decorator: `numba.njit(**options)` with kept machine code."""

    def decorate(function: Kernel) -> Kernel:
        kernel = numba.njit(**options)(function)
        if numba.config.DISABLE_JIT:
            return function
        # A later numba that keeps its cache elsewhere must not go unnoticed.
        if not isinstance(kernel._cache, caching.NullCache):
            raise TypeError("numba keeps the cache of a kernel in another place than this module knows")
        with suppress(RuntimeError):  # numba found no folder to write to (read-only root)
            kernel._cache = _Cache(function)
        made: Kernel = kernel
        return made

    return decorate


@functools.cache
def _digest(module: str) -> str:
    return source_digest([module], _PACKAGES)


class _OfAllSources:
    """Of a place where numba keeps code: what decides whether it is fresh, which its name says too."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)  # type: ignore[call-arg]
        self._module = function.__module__

    def get_source_stamp(self) -> str:
        return _digest(self._module)

    def get_disambiguator(self) -> str:
        return _digest(self._module)[:16]


class _Chosen(_OfAllSources, caching.UserProvidedCacheLocator):  # type: ignore[misc]
    """In NUMBA_CACHE_DIR."""


class _NextTo(_OfAllSources, caching.InTreeCacheLocator):  # type: ignore[misc]
    """In the source's `__pycache__`."""


class _OfUser(_OfAllSources, caching.UserWideCacheLocator):  # type: ignore[misc]
    """In the user's cache folder."""


class _Code(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Chosen, _NextTo, _OfUser)


class _Cache(caching.FunctionCache):  # type: ignore[misc]
    _impl_class = _Code

    def _save_overload(self, sig: Any, data: Any) -> None:
        super()._save_overload(sig, data)
        # Names are `module.function-digest.pyVERSION`, then the number of the code and the ending.
        own = self._impl.filename_base
        stem, version = own.partition("-")[0], own.rpartition(".")[2]
        for path in Path(self.cache_path).glob(f"{glob.escape(stem)}-*.{version}.*"):
            if not path.name.startswith(f"{own}."):
                path.unlink(missing_ok=True)
