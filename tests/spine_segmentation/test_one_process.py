"""One worker is a thread: nothing is started for it, and nnU-Net has its processes back afterwards."""

import multiprocessing
from pathlib import Path
from typing import NoReturn

import pytest
from nnunetv2.experiment_planning.dataset_fingerprint import fingerprint_extractor
from nnunetv2.preprocessing.preprocessors import default_preprocessor

from containers.spine_segmentation.plan import NAME, prepare
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.networks.training_set import read_dataset
from containers.toolkit.runtime.process_state import environment_restored
from tests.spine_segmentation.people import tiny_settings


class _StartedError(Exception):
    """A pool of processes was asked for."""


def test_a_data_set_is_prepared_by_one_worker_without_a_process(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(method: str) -> NoReturn:
        raise _StartedError(method)

    monkeypatch.setattr(multiprocessing, "get_context", refuse)
    dataset = read_dataset(tiny_data, SPINE_LABELS)
    with environment_restored("nnUNet_"):
        prepare(dataset, tiny_settings(), tmp_path / "one", 1)
        assert len(list((tmp_path / "one" / "preprocessed" / NAME).rglob("*.pkl"))) == 5
        with pytest.raises(_StartedError):
            prepare(dataset, tiny_settings(), tmp_path / "two", 2)
    for module in (fingerprint_extractor, default_preprocessor):
        assert module.multiprocessing is multiprocessing
