"""Where the project's files are, and its version."""

import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""


def project_version() -> str:
    """The version as installed, or as pyproject.toml says."""
    try:
        return metadata.version("myorepro")
    except metadata.PackageNotFoundError:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
