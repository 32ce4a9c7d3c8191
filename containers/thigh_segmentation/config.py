"""One configuration file (TOML) for network, preprocessing, training and inference.

`paper.toml` holds what ukb_thigh states; `phantom-small.toml` names everything that it does otherwise. Unknown
settings are refused. A trained checkpoint carries its whole configuration, so that inference needs no second file.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from containers.contract.checked import load_toml
from containers.contract.request import Strict

FOLDER = Path(__file__).parent / "configs"
TOKEN = 16
"""Edge of a transformer token in voxels, fixed in MONAI's UNETR."""


class Network(Strict):
    """UNETR."""

    patch: tuple[int, int, int]
    """Edges of the input in voxels (z, y, x), multiples of 16."""
    in_channels: Literal[1] = 1
    """Input channels: one contrast."""
    hidden: int = Field(ge=8)
    """Width of the transformer, a multiple of `heads`."""
    layers: int = Field(ge=4, le=12)
    """Number of the transformer's layers."""
    heads: int = Field(ge=1)
    """Attention heads of each layer."""
    mlp: int = Field(ge=8)
    """Width of the layers between attentions."""
    features: int = Field(ge=4)
    """Channels of the decoder's finest stage."""
    out_channels: int = Field(ge=2, le=256)
    """Background, the structures, and any that are never a target."""
    deep_supervision: bool = False
    """Whether coarser stages of the decoder are trained too."""
    class_prior_bias: bool = False
    """Whether the output's biases start at the log frequencies of the classes."""

    @model_validator(mode="after")
    def _divisible(self) -> "Network":
        if any(edge % TOKEN for edge in self.patch):
            raise ValueError(f"patch edges must be multiples of {TOKEN}")
        if self.hidden % self.heads:
            raise ValueError("hidden must be a multiple of heads")
        return self


class Preprocessing(Strict):
    """How a volume becomes the network's input."""

    spacing_mm: tuple[float, float, float]
    """Working grid along (x, y, z) in mm."""
    window: tuple[float, float]
    """Stored intensities that become 0 and 1; those beyond are cut off."""

    @model_validator(mode="after")
    def _sensible(self) -> "Preprocessing":
        if min(self.spacing_mm) <= 0:
            raise ValueError("spacing_mm must be positive")
        if self.window[0] >= self.window[1]:
            raise ValueError("window must rise")
        return self


class Augmentation(Strict):
    """Random changes of a training patch; zero switches one off."""

    mirror: float = Field(default=0.0, ge=0, le=1)
    """Probability of a left-right flip (both sides share a label)."""
    scale: float = Field(default=0.0, ge=0, le=0.5)
    """Relative SD of the size along each axis."""
    rotation_deg: float = Field(default=0.0, ge=0, le=45)
    """SD of the turn about each axis, in degrees."""
    shift_voxels: float = Field(default=0.0, ge=0, le=20)
    """SD of the shift along each axis, in voxels."""
    warp_voxels: float = Field(default=0.0, ge=0, le=5)
    """SD of a smooth displacement, in voxels."""
    gain: float = Field(default=0.0, ge=0, le=1)
    """SD of the logarithm of the whole patch's brightness."""
    bias: float = Field(default=0.0, ge=0, le=1)
    """SD of the logarithm of a smooth variation of the brightness."""
    noise: float = Field(default=0.0, ge=0, le=0.5)
    """Largest SD of added noise, in units of the window."""


class Training(Strict):
    """How the network is trained."""

    epochs: int = Field(ge=1)
    """Largest number of passes over the training volumes."""
    batch_volumes: int = Field(ge=1)
    """Volumes a step."""
    patches_per_volume: int = Field(ge=1)
    """Patches that a step takes of each volume."""
    micro_batch: int = Field(ge=1)
    """Patches that are computed at once; the gradients of a step are added up."""
    centres: Literal["labelled", "structures"] = "labelled"
    """What the middle of a patch is drawn from: `labelled`, any labelled voxel; `structures`, first a structure, each
    as likely as the others, then one of its voxels; or background, in the proportion `positive` to `negative`."""
    positive: float = Field(default=1.0, gt=0)
    """Weight of patches around labelled voxels against `negative`, that of patches around background."""
    negative: float = Field(default=1.0, ge=0)
    """Weight of patches around background against `positive`; 0 for none."""
    learning_rate: float = Field(gt=0)
    """Largest learning rate of the optimiser."""
    weight_decay: float = Field(ge=0)
    """Weight decay of the optimiser."""
    schedule: Literal["constant", "cosine"] = "constant"
    """How the learning rate goes on after the warm-up."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises from 0."""
    clip_norm: float | None = Field(default=None, gt=0)
    """Largest norm of a step's gradient; None for no limit."""
    mixed_precision: bool
    """Whether layers compute in bfloat16 where torch's autocast allows it."""
    validate_every: int = Field(ge=1)
    """Epochs from one validation to the next."""
    patience: int = Field(ge=1)
    """Validations without progress before training stops."""
    cached_volumes: int = Field(ge=1)
    """Volumes that are kept in memory."""


class Refinement(Strict):
    """The second pass at the volume's own resolution; see `refine`."""

    tissues: tuple[tuple[str, ...], ...] = ()
    """Groups of structures that look alike, by name; those that no group names are one more."""
    channels: int = Field(ge=4, le=64)
    """Channels of the second network."""
    spacing_mm: tuple[float, float, float]
    """Grid that the second network is trained on, along (x, y, z) in mm."""
    patch: tuple[int, int, int]
    """Edges of a training patch in voxels (z, y, x)."""
    epochs: int = Field(ge=1)
    """Number of passes over the training volumes."""
    patches_per_volume: int = Field(ge=1)
    """Patches of each volume in a pass."""
    learning_rate: float = Field(gt=0)
    """Learning rate of the optimiser."""


class Config(Strict):
    """A whole configuration."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    """Name of the configuration, equal to that of its file."""
    network: Network
    """The network."""
    preprocessing: Preprocessing
    """How a volume becomes its input."""
    training: Training
    """How it is trained."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training patches; none where nothing is said."""
    refinement: Refinement | None = None
    """The second pass; None where there is none."""


def load_config(path: Path) -> Config:
    """Read a configuration, by path or by the name of one that is shipped. Raises RequestFault when it is wrong."""
    shipped = FOLDER / f"{path}.toml"
    chosen = shipped if path.parent == Path() and not path.suffix and shipped.exists() else path
    names = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
    absent = f"give a TOML file or one of: {names}"
    return load_toml(Config, chosen, "see containers/thigh_segmentation", where=path.name, absent=absent)
