"""A trained nnU-Net as this stage keeps it: a folder with everything that inference needs and no optimiser.

    weights.safetensors         the network's parameters, float16, each once (nnU-Net's state names many of them twice)
    plans.json, dataset.json    nnU-Net's own: preprocessing, architecture, labels
    postprocessing.json         {"keep_largest": [[1, 2], [1]]}, see `postprocessing`
    weights.safetensors.sha256  checksums of the four files in the form of sha256sum

safetensors holds numbers and no code, so a foreign file cannot run anything; nnU-Net's own checkpoints are pickles that
it reads with `weights_only=False`. Invariant: a model that `load_model` returns has finite weights that fit its plans.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager, PlansManager
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from containers.contract.errors import EnvironmentFault
from containers.contract.files import replacing, sha256_file, write_json, write_text
from containers.spine_segmentation.postprocessing import Groups

FILE, PLANS, DATASET = "weights.safetensors", "plans.json", "dataset.json"
POSTPROCESSING = "postprocessing.json"
FILES = (FILE, PLANS, DATASET, POSTPROCESSING)
SUMS = f"{FILE}.sha256"
CONFIGURATION = "3d_fullres"
SHIPPED = Path(__file__).parent / "weights"


@dataclass
class Model:
    """A network ready for use, with nnU-Net's plans."""

    network: nn.Module
    """The network with its weights."""
    plans: PlansManager
    """nnU-Net's plans."""
    configuration: ConfigurationManager
    """The configuration of the plans that was trained."""
    dataset: dict[str, Any]
    """nnU-Net's description of the data set."""
    labels: dict[int, str]
    """Name of each label, by value, without background."""
    keep_largest: Groups
    """Labels whose largest part alone is kept."""
    sha256: str
    """SHA-256 of the checkpoint."""


def build_network(configuration: ConfigurationManager, labels: int, *, deep_supervision: bool = False) -> nn.Module:
    """The network that plans describe, for one input channel and `labels` structures in addition to background."""
    network: nn.Module = get_network_from_plans(
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
        1,
        labels + 1,
        allow_init=True,
        deep_supervision=deep_supervision,
    )
    return network


def named_once(network: nn.Module) -> dict[str, list[str]]:
    """Names in a network's state by the first name of the same storage."""
    first: dict[int, str] = {}
    names: dict[str, list[str]] = {}
    for name, tensor in network.state_dict().items():
        names.setdefault(first.setdefault(tensor.data_ptr(), name), []).append(name)
    return names


def save_model(folder: Path, network: nn.Module, plans: dict[str, Any], dataset: dict[str, Any]) -> None:
    """Write a model folder, without post-processing. The parameters go to float16."""
    folder.mkdir(parents=True, exist_ok=True)
    state = network.state_dict()
    tensors = {name: state[name].detach().to("cpu", torch.float16).contiguous().clone() for name in named_once(network)}
    with replacing(folder / FILE) as temporary:
        save_file(tensors, temporary)
    write_json(folder / PLANS, plans)
    write_json(folder / DATASET, dataset)
    save_postprocessing(folder, [])


def save_postprocessing(folder: Path, keep_largest: Groups) -> None:
    """Write a model folder's post-processing, and the checksums again."""
    write_json(folder / POSTPROCESSING, {"schema_version": "1.0", "keep_largest": keep_largest})
    write_text(folder / SUMS, "".join(f"{sha256_file(folder / name)}  {name}\n" for name in FILES))


def load_model(folder: Path) -> Model:
    """Read a model folder. Raises EnvironmentFault when a file is missing, corrupted, or does not fit the others."""
    _check_sums(folder)
    plans, dataset = _json(folder / PLANS), _json(folder / DATASET)
    try:
        labels = {int(value): str(name) for name, value in dataset["labels"].items() if int(value)}
        manager = PlansManager(plans)
        configuration = manager.get_configuration(CONFIGURATION)
        if sorted(labels) != list(range(1, len(labels) + 1)):
            raise ValueError("its labels are not 1, 2, 3 ...")
        if len(dataset["channel_names"]) != 1:
            raise ValueError("it wants several input channels")
        network = build_network(configuration, len(labels))
    except (KeyError, TypeError, ValueError, AttributeError, ImportError, RuntimeError, AssertionError) as error:
        raise EnvironmentFault(
            f"describes no network of nnU-Net {CONFIGURATION} ({type(error).__name__}: {error})", where=PLANS,
            fix="use a folder that this stage's training wrote",
        ) from error  # fmt: skip
    keep_largest = _keep_largest(_json(folder / POSTPROCESSING), set(labels))
    _fill(network, folder / FILE)
    return Model(network.eval(), manager, configuration, dataset, labels, keep_largest, sha256_file(folder / FILE))


def _keep_largest(given: dict[str, Any], labels: set[int]) -> Groups:
    groups = given.get("keep_largest")
    if not isinstance(groups, list) or not all(isinstance(group, list) and set(group) <= labels for group in groups):
        raise EnvironmentFault(
            "has no lists of the model's labels in keep_largest", where=POSTPROCESSING, fix="copy the folder again"
        )
    return groups


def check_present(folder: Path) -> None:
    """Raise EnvironmentFault for a folder without weights."""
    if not (folder / FILE).is_file():
        raise EnvironmentFault("is missing", where=FILE, fix="name a model folder as input weights, or train one")


def _check_sums(folder: Path) -> None:
    check_present(folder)
    if not (folder / SUMS).is_file():
        raise EnvironmentFault(
            "has no checksums next to it",
            where=FILE,
            fix=f"if you trust it: sha256sum {' '.join(FILES)} > {SUMS}",
        )
    lines = [line.split() for line in (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()]
    listed = {line[1].removeprefix("*"): line[0].lower() for line in lines if len(line) == 2}
    for name in FILES:
        if name not in listed:
            raise EnvironmentFault(f"lists no checksum of {name}", where=SUMS, fix="copy the folder again")
        if not (folder / name).is_file():
            raise EnvironmentFault("is missing", where=name, fix="copy the folder again")
        if sha256_file(folder / name) != listed[name]:
            raise EnvironmentFault("is corrupted: its checksum differs", where=name, fix="copy the folder again")


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EnvironmentFault("is not JSON", where=path.name, fix="copy the folder again") from error
    if not isinstance(value, dict):
        raise EnvironmentFault("is no JSON object", where=path.name, fix="copy the folder again")
    return value


def _fill(network: nn.Module, path: Path) -> None:
    """Put weights into a network; refuse any that are missing, left over, of another shape, or not finite."""
    try:
        with safe_open(path, framework="pt") as stream:
            given: dict[str, Tensor] = {name: stream.get_tensor(name).float() for name in stream.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise EnvironmentFault("is not readable as safetensors", where=path.name, fix="copy it again") from error
    wanted, names = network.state_dict(), named_once(network)
    wrong = [n for n in names if n not in given or given[n].shape != wanted[n].shape]
    wrong += [n for n in given if n not in names]
    if wrong:
        raise EnvironmentFault(
            f"is of another architecture than {PLANS} says ({wrong[0]})", where=path.name, fix="copy the folder again"
        )
    if any(not bool(torch.isfinite(tensor).all()) for tensor in given.values()):
        raise EnvironmentFault("has weights that are not numbers", where=path.name, fix="train it again")
    network.load_state_dict({name: given[first] for first, group in names.items() for name in group})
