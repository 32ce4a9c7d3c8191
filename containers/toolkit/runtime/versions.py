"""Which versions made a result, for cards and records."""

import platform
from importlib.metadata import version


def versions_of(*packages: str) -> dict[str, str]:
    """The version of Python, and of each installed package by its name.

    That of torch is its own word and names the build (2.13.0+cpu, 2.13.0+cu130): the package index serves builds that
    compute differently under one version.
    """
    found = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    if "torch" in packages:
        import torch

        found["torch"] = torch.__version__
    return found
