"""What a training run may be told, in one TOML file. `compact.toml` is what the shipped weights were trained with."""

from pathlib import Path

from pydantic import Field

from containers.contract.checked import load_toml
from containers.contract.request import Strict

COMPACT = Path(__file__).with_name("compact.toml")


class Settings(Strict):
    """Everything that a training run takes from its file."""

    name: str = Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-]*$")
    """Name of nnU-Net's plans."""
    spacing_mm: tuple[float, float, float] | None = None
    """Working grid along (z, y, x) in mm; None for the median that nnU-Net's planner takes."""
    base_features: int = Field(ge=2, le=64)
    """Channels of the network's first stage (nnU-Net: 32)."""
    max_features: int = Field(ge=2, le=512)
    """Most channels of any stage (nnU-Net: 320)."""
    memory_gb: float = Field(gt=0)
    """Memory of a GPU in GB that the planner sizes the patch for (nnU-Net: 8)."""
    batch: int = Field(ge=1)
    """Patches a step (nnU-Net: at least 2)."""
    epochs: int = Field(ge=1)
    """Number of epochs, each followed by a validation."""
    steps_per_epoch: int = Field(ge=1)
    """Training steps in an epoch."""
    validation_steps: int = Field(ge=1)
    """Validation steps after each epoch."""
    learning_rate: float = Field(gt=0)
    """Learning rate of AdamW at the start, which falls as nnU-Net's polynomial does."""
    weight_decay: float = Field(ge=0)
    """Weight decay of AdamW."""
    foreground: float = Field(ge=0, le=1)
    """Share of patches that lie around a labelled voxel."""
    rotation_deg: float = Field(ge=0, le=45)
    """Largest turn of a patch in the axial plane, in degrees."""
    flip: bool
    """Whether patches are mirrored left to right at random, with the sides of their labels exchanged."""


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises RequestFault when it is wrong."""
    return load_toml(Settings, path, "see settings.py", absent="give a TOML file")
