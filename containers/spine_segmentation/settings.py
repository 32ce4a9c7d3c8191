"""What a training run may be told, in one TOML file. `compact.toml` is what the shipped weights were trained with."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from containers.contract.errors import RequestFault
from containers.contract.request import Strict, first_error

COMPACT = Path(__file__).with_name("compact.toml")


class Settings(Strict):
    """name: of the plans. spacing_mm: working grid along (z, y, x); without it nnU-Net's planner takes the median.

    base_features, max_features: channels of the first stage, and the most of any (nnU-Net: 32, 320). memory_gb: what
    the planner sizes the patch for (nnU-Net: 8). batch: patches a step (nnU-Net: at least 2). epochs of
    steps_per_epoch steps, each followed by validation_steps. learning_rate, weight_decay: AdamW, with nnU-Net's
    polynomial decay. foreground: share of patches around a labelled voxel. rotation_deg: largest turn in the axial
    plane. flip: whether patches are mirrored left to right, with the sides of their labels exchanged.
    """

    name: str = Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-]*$")
    spacing_mm: tuple[float, float, float] | None = None
    base_features: int = Field(ge=2, le=64)
    max_features: int = Field(ge=2, le=512)
    memory_gb: float = Field(gt=0)
    batch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    steps_per_epoch: int = Field(ge=1)
    validation_steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    foreground: float = Field(ge=0, le=1)
    rotation_deg: float = Field(ge=0, le=45)
    flip: bool


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises RequestFault when it is wrong."""
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RequestFault(f"cannot be read ({error.strerror})", where=path.name, mend="give a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise RequestFault(f"is not TOML ({error})", where=path.name, mend="mend the syntax") from error
    except ValidationError as error:
        raise RequestFault(first_error(error), where=path.name, mend="see settings.py") from error
