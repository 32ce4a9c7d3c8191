"""Where the stages of this project lie: folders of containers/ with a stage.toml, and variants one level below them.

Invariant: a stage's name is that of its folder, and no two folders have the same name.
"""

from pathlib import Path

from harness.project import ROOT

CONTAINERS = ROOT / "containers"


def stage_folders(containers: Path = CONTAINERS) -> dict[str, Path]:
    """The stages by name, each variant after the stage that it stands on."""
    found = {}
    for stage in sorted(path.parent for path in containers.glob("*/stage.toml")):
        found[stage.name] = stage
        found |= {path.parent.name: path.parent for path in sorted(stage.glob("*/stage.toml"))}
    return found


def below_of(folder: Path, containers: Path = CONTAINERS) -> str | None:
    """The stage that a variant stands on; None for a stage that is not a variant."""
    return None if folder.parent == containers else folder.parent.name


def module_of(folder: Path, containers: Path = CONTAINERS) -> str:
    """The Python module that runs a stage."""
    return ".".join(("containers", *folder.relative_to(containers).parts))
