"""Model folders: what is stored comes back, and what is damaged is refused in one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file
from containers.spine_segmentation.model import (
    DATASET,
    FILE,
    FILES,
    PLANS,
    SUMS,
    build_network,
    load_model,
    named_once,
    save_model,
)
from containers.toolkit.images.labels import SPINE_LABELS


@pytest.fixture
def folder(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    for name in (*FILES, SUMS):
        shutil.copy(tiny_run / name, tmp_path / name)
    return tmp_path


def sign(folder: Path) -> None:
    """Write the checksums of a folder again, as somebody who trusts it."""
    (folder / SUMS).write_text("".join(f"{sha256_file(folder / name)}  {name}\n" for name in FILES))


def test_a_model_comes_back_with_the_parameters_rounded_to_float16(folder: Path, tmp_path: Path) -> None:
    model = load_model(folder)
    torch.manual_seed(5)
    network = build_network(model.configuration, 4)
    save_model(tmp_path / "new", network, model.plans.plans, model.dataset)
    again = load_model(tmp_path / "new").network
    for (name, one), two in zip(network.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(one.half().float(), two), name


def test_each_parameter_is_stored_once_and_nothing_else(folder: Path) -> None:
    network = load_model(folder).network
    parameters = sum(p.numel() for p in network.parameters())
    stored = load_file(folder / FILE)
    assert sum(t.numel() for t in stored.values()) == parameters and {t.dtype for t in stored.values()} == {
        torch.float16
    }
    assert len(named_once(network)) < len(network.state_dict())
    assert (folder / FILE).stat().st_size < 2 * parameters + 20_000


def test_labels_and_working_grid(folder: Path) -> None:
    model = load_model(folder)
    assert model.labels == SPINE_LABELS
    assert list(model.configuration.spacing) == [15.0, 8.0, 8.0]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_noticed(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(EnvironmentFault, match=f"^{name}: is corrupted: its checksum differs; copy the folder again$"):
        load_model(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(EnvironmentFault, match=f"^{name}: is missing"):
        load_model(folder)


def test_weights_without_checksums_are_refused(folder: Path) -> None:
    (folder / SUMS).unlink()
    with pytest.raises(EnvironmentFault, match="has no checksums next to it"):
        load_model(folder)


def test_a_checksum_that_is_not_listed_is_refused(folder: Path) -> None:
    (folder / SUMS).write_text(f"{sha256_file(folder / FILE)}  {FILE}\n")
    with pytest.raises(EnvironmentFault, match=f"lists no checksum of {PLANS}"):
        load_model(folder)


def damage(folder: Path, kind: str) -> None:
    """Damage a folder and sign it."""
    tensors = load_file(folder / FILE)
    first = sorted(tensors)[0]
    if kind == "no safetensors":
        (folder / FILE).write_bytes(b"\x80\x04not safetensors" * 50)
    elif kind == "truncated":
        (folder / FILE).write_bytes((folder / FILE).read_bytes()[:-100])
    elif kind == "not finite":
        tensors[first] = torch.full_like(tensors[first], np.nan)
        save_file(tensors, folder / FILE)
    elif kind == "lacks a tensor":
        save_file({name: t for name, t in tensors.items() if name != first}, folder / FILE)
    elif kind == "has one more":
        save_file({**tensors, "extra": torch.zeros(3)}, folder / FILE)
    elif kind == "other plans":
        plans = json.loads((folder / PLANS).read_text())
        plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["features_per_stage"][0] *= 2
        (folder / PLANS).write_text(json.dumps(plans))
    elif kind == "no plans":
        (folder / PLANS).write_text('{"configurations": {}}')
    elif kind == "no JSON":
        (folder / PLANS).write_text("{")
    elif kind == "gap in labels":
        (folder / DATASET).write_text('{"channel_names": {"0": "MR"}, "labels": {"background": 0, "a": 2}}')
    else:
        raise ValueError(kind)
    sign(folder)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no safetensors", "is not readable as safetensors"),
        ("truncated", "is not readable as safetensors"),
        ("not finite", "has weights that are not numbers"),
        ("lacks a tensor", "is of another architecture"),
        ("has one more", "is of another architecture"),
        ("other plans", "is of another architecture"),
        ("no plans", "describes no network of nnU-Net 3d_fullres"),
        ("no JSON", "is not JSON"),
        ("gap in labels", "describes no network of nnU-Net 3d_fullres"),
    ],
)
def test_a_signed_folder_that_does_not_fit_is_refused_in_one_line(folder: Path, kind: str, words: str) -> None:
    damage(folder, kind)
    with pytest.raises(EnvironmentFault) as caught:
        load_model(folder)
    assert words in str(caught.value) and "\n" not in str(caught.value)
