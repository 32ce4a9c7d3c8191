"""Where the project's files are, and its version."""

from importlib import metadata
from pathlib import Path

from containers.contract.checked import read_toml

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""


def project_version() -> str:
    """The version as installed, or as pyproject.toml says."""
    try:
        return metadata.version("myorepro")
    except metadata.PackageNotFoundError:
        return source_version()


def source_version() -> str:
    """The version as pyproject.toml says, which an installed one may lag behind."""
    return str(read_toml(ROOT / "pyproject.toml")["project"]["version"])
