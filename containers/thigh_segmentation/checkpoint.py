"""Checkpoints: weights as safetensors with the whole configuration and the label map in their metadata.

`weights.safetensors` holds the UNETR under `unetr.` and, where there is one, the second pass under `refiner.`;
`weights.safetensors.sha256` next to it holds its checksum in the form of sha256sum. The optimiser's state, which only
resuming needs, goes to `resume.pt` and is read with `weights_only`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from containers.contract.errors import EnvironmentFault
from containers.contract.files import replacing, sha256_file
from containers.contract.request import first_error
from containers.thigh_segmentation.config import Config
from containers.thigh_segmentation.model import Unetr
from containers.thigh_segmentation.refine import Refiner

FILE = "weights.safetensors"
ENTRY = "thigh_segmentation"
"""The entry of the file's metadata that holds configuration and label map."""
SHIPPED = Path(__file__).parent / "weights" / FILE


@dataclass
class Checkpoint:
    """A network ready for use, with what its file says of it."""

    config: Config
    """The configuration that it was trained with."""
    labels: dict[int, str]
    """Name of each label, by value."""
    unetr: Unetr
    """The network with its weights."""
    refiner: Refiner | None
    """The network of the second pass; None where there is none."""
    sha256: str
    """SHA-256 of the file."""

    def on(self, device: str) -> "Checkpoint":
        """This checkpoint with its networks on a device (`cpu`, `cuda`)."""
        self.unetr.to(device)
        if self.refiner is not None:
            self.refiner.to(device)
        return self


def save_checkpoint(
    path: Path, config: Config, labels: dict[int, str], unetr: Unetr, refiner: Refiner | None, *, half: bool
) -> str:
    """Write weights and checksum; returns the checksum. half: as float16, which halves the file."""
    parts: dict[str, nn.Module] = {"unetr": unetr} if refiner is None else {"unetr": unetr, "refiner": refiner}
    tensors = {
        f"{part}.{name}": (value.half() if half else value).contiguous().clone()
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }
    # One entry only: safetensors writes several in an order that differs from run to run.
    facts = {"config": config.model_dump(mode="json"), "labels": {str(v): n for v, n in labels.items()}}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={ENTRY: json.dumps(facts, sort_keys=True)})
    digest = sha256_file(path)
    with replacing(path.with_name(path.name + ".sha256")) as temporary:
        temporary.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return digest


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint: a file, or a folder that holds `weights.safetensors`. The checksum is checked.

    Raises EnvironmentFault when it is missing, corrupted, or does not fit the network that it names.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise EnvironmentFault("is missing", where=file.name, fix="mount a folder with it, or train one")
    listed = file.with_name(file.name + ".sha256")
    if not listed.is_file():
        raise EnvironmentFault(
            "has no checksum next to it", where=file.name, fix=f"sha256sum {file.name} > {listed.name}, if you trust it"
        )
    digest = sha256_file(file)
    words = listed.read_text(encoding="utf-8").split()
    if not words or words[0].lower() != digest:
        raise EnvironmentFault("is corrupted: its checksum differs", where=file.name, fix="copy it again")
    try:
        with safe_open(file, framework="pt") as stream:
            facts = json.loads((stream.metadata() or {})[ENTRY])
            tensors = {name: stream.get_tensor(name).float() for name in stream.keys()}  # noqa: SIM118
        config = Config.model_validate(facts["config"])
        labels = {int(value): str(name) for value, name in facts["labels"].items()}
    except KeyError as error:
        raise EnvironmentFault(
            f"has no {error.args[0]} in its metadata",
            where=file.name,
            fix="use weights that this stage's training wrote",
        ) from error
    except ValidationError as error:
        raise EnvironmentFault(
            f"has a wrong configuration ({first_error(error)})", where=file.name, fix="use a fitting stage version"
        ) from error
    except (SafetensorError, OSError, ValueError) as error:
        raise EnvironmentFault("is not readable as safetensors", where=file.name, fix="copy it again") from error
    if config.network.out_channels <= len(labels):
        raise EnvironmentFault(
            f"has {config.network.out_channels} channels for background and {len(labels)} labels",
            where=file.name,
            fix="train it again with enough channels",
        )
    unetr = Unetr(config.network)
    refiner = Refiner(config, labels) if config.refinement else None
    _fill(unetr, "unetr", tensors, file.name)
    if refiner is not None:
        if not any(name.startswith("refiner.") for name in tensors):
            refiner = None
        else:
            _fill(refiner, "refiner", tensors, file.name)
    return Checkpoint(config, labels, unetr.eval(), refiner.eval() if refiner else None, digest)


def _fill(module: nn.Module, part: str, tensors: dict[str, Tensor], where: str) -> None:
    """Put weights into a network; refuse any that are missing, left over, of another shape, or not finite."""
    given = {name.removeprefix(f"{part}."): t for name, t in tensors.items() if name.startswith(f"{part}.")}
    wanted = module.state_dict()
    wrong = [n for n in wanted if n not in given or given[n].shape != wanted[n].shape] + [
        n for n in given if n not in wanted
    ]
    if wrong:
        raise EnvironmentFault(
            f"is of another architecture than its configuration says ({part}.{wrong[0]})",
            where=where,
            fix="use weights that this stage's training wrote",
        )
    if any(not bool(torch.isfinite(t).all()) for t in given.values()):
        raise EnvironmentFault(f"has weights in {part} that are not numbers", where=where, fix="train it again")
    module.load_state_dict(given)
