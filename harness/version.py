"""The version of this project."""

import tomllib
from importlib import metadata

from harness.stages import ROOT


def project_version() -> str:
    """The version as installed, or as pyproject.toml says."""
    try:
        return metadata.version("myorepro")
    except metadata.PackageNotFoundError:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
