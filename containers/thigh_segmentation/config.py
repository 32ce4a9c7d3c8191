"""One configuration file (TOML) for network, preprocessing, training and inference.

`paper.toml` holds what ukb_thigh states; `phantom-small.toml` names everything that it does otherwise. Unknown
settings are refused. A trained checkpoint carries its whole configuration, so that inference needs no second file.
"""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from containers.contract.errors import RequestFault
from containers.contract.request import Strict, first_error

FOLDER = Path(__file__).parent / "configs"
TOKEN = 16
"""Edge of a transformer token in voxels, fixed in MONAI's UNETR."""


class Network(Strict):
    """UNETR. patch: voxels (z, y, x). out_channels: background, the structures, and any that are never a target."""

    patch: tuple[int, int, int]
    in_channels: Literal[1] = 1
    hidden: int = Field(ge=8)
    layers: int = Field(ge=4, le=12)
    heads: int = Field(ge=1)
    mlp: int = Field(ge=8)
    features: int = Field(ge=4)
    out_channels: int = Field(ge=2, le=256)
    deep_supervision: bool = False
    class_prior_bias: bool = False

    @model_validator(mode="after")
    def _divisible(self) -> "Network":
        if any(edge % TOKEN for edge in self.patch):
            raise ValueError(f"patch edges must be multiples of {TOKEN}")
        if self.hidden % self.heads:
            raise ValueError("hidden must be a multiple of heads")
        return self


class Preprocessing(Strict):
    """spacing_mm: working grid along (x, y, z). window: intensities that become 0 and 1."""

    spacing_mm: tuple[float, float, float]
    window: tuple[float, float]

    @model_validator(mode="after")
    def _sensible(self) -> "Preprocessing":
        if min(self.spacing_mm) <= 0:
            raise ValueError("spacing_mm must be positive")
        if self.window[0] >= self.window[1]:
            raise ValueError("window must rise")
        return self


class Augmentation(Strict):
    """Random changes of a training patch; zero switches one off.

    mirror: probability of a left-right flip (both sides share a label). scale: relative SD of the size along each axis.
    rotation_deg: SD about each axis. shift_voxels: SD of the place along each axis. warp_voxels: SD of a smooth
    displacement. gain, bias: log SD of the whole patch's brightness and of its smooth variation. noise: largest SD of
    added noise, in units of the window.
    """

    mirror: float = Field(default=0.0, ge=0, le=1)
    scale: float = Field(default=0.0, ge=0, le=0.5)
    rotation_deg: float = Field(default=0.0, ge=0, le=45)
    shift_voxels: float = Field(default=0.0, ge=0, le=20)
    warp_voxels: float = Field(default=0.0, ge=0, le=5)
    gain: float = Field(default=0.0, ge=0, le=1)
    bias: float = Field(default=0.0, ge=0, le=1)
    noise: float = Field(default=0.0, ge=0, le=0.5)


class Training(Strict):
    """batch_volumes volumes a step, patches_per_volume patches of each, micro_batch patches at once (the gradients of
    a step are added up). patience: validations without progress before training stops.

    centres: where the middle of a patch is drawn from. `labelled`: any labelled voxel against any other voxel, in the
    proportion positive to negative. `structures`: a structure first, each as likely as the others, then one of its
    voxels; background in the same proportion.
    """

    epochs: int = Field(ge=1)
    batch_volumes: int = Field(ge=1)
    patches_per_volume: int = Field(ge=1)
    micro_batch: int = Field(ge=1)
    centres: Literal["labelled", "structures"] = "labelled"
    positive: float = Field(default=1.0, gt=0)
    negative: float = Field(default=1.0, ge=0)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    clip_norm: float | None = Field(default=None, gt=0)
    mixed_precision: bool
    validate_every: int = Field(ge=1)
    patience: int = Field(ge=1)
    cached_volumes: int = Field(ge=1)


class Refinement(Strict):
    """The second pass at the volume's own resolution; see `refine`. patch: voxels (z, y, x).

    tissues: groups of structures that look alike, by name; those that no group names are one more.
    """

    tissues: tuple[tuple[str, ...], ...] = ()
    channels: int = Field(ge=4, le=64)
    spacing_mm: tuple[float, float, float]
    patch: tuple[int, int, int]
    epochs: int = Field(ge=1)
    patches_per_volume: int = Field(ge=1)
    learning_rate: float = Field(gt=0)


class Config(Strict):
    """A whole configuration."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    network: Network
    preprocessing: Preprocessing
    training: Training
    augmentation: Augmentation = Augmentation()
    refinement: Refinement | None = None


def load_config(path: Path) -> Config:
    """Read a configuration, by path or by the name of one that is shipped. Raises RequestFault when it is wrong."""
    shipped = FOLDER / f"{path}.toml"
    chosen = shipped if path.parent == Path() and not path.suffix and shipped.exists() else path
    try:
        return Config.model_validate(tomllib.loads(chosen.read_text(encoding="utf-8")))
    except OSError as error:
        names = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise RequestFault(
            f"cannot be read ({error.strerror})", where=path.name, mend=f"give a TOML file or one of: {names}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise RequestFault(f"is not TOML ({error})", where=path.name, mend="mend the syntax") from error
    except ValidationError as error:
        raise RequestFault(first_error(error), where=path.name, mend="see containers/thigh_segmentation") from error
