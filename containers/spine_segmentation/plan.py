"""nnU-Net's way from a data set to what a trainer reads: raw folder, fingerprint, plans, preprocessed cases, split.

All of it lies in one work folder, in nnU-Net's own layout, and each step is done once: what is there is kept, as long
as the data and the settings are the same. Orientation is settled here, for nnU-Net knows none
(see `toolkit.images.turn`).
"""

import json
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from nnunetv2.experiment_planning.dataset_fingerprint import fingerprint_extractor
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.plan_and_preprocess_api import preprocess_dataset
from nnunetv2.preprocessing.preprocessors import default_preprocessor

from containers.contract.errors import EnvironmentFault
from containers.contract.files import sha256_file, write_json
from containers.spine_segmentation.case import read_case
from containers.spine_segmentation.model import CONFIGURATION
from containers.spine_segmentation.one_process import one_process
from containers.spine_segmentation.settings import Settings
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from containers.toolkit.networks.training_set import Dataset, Pair

NUMBER, NAME = 1, "Dataset001_Spine"
DONE = "prepared.json"
LISTED = "dataset"
"""Key of nnU-Net's dataset.json that lists the files of each case. It holds identifiers, so no model folder has it."""


class CompactPlanner(ExperimentPlanner):  # type: ignore[misc]
    """nnU-Net's planner with the settings' channels, memory target, batch and spacing."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            NUMBER, settings.memory_gb, plans_name=settings.name,
            overwrite_target_spacing=settings.spacing_mm and [float(edge) for edge in settings.spacing_mm],
        )  # fmt: skip
        self.UNet_base_num_features = settings.base_features
        self.UNet_max_features_3d = settings.max_features
        self.UNet_min_batch_size = settings.batch
        self.lowres_creation_threshold = 0.0  # no coarser configuration next to the one that is trained


def set_folders(work: Path) -> None:
    """Tell nnU-Net where its folders are, and to stay off processes of its own and the compiler."""
    for name in ("raw", "preprocessed", "results"):
        (work / name).mkdir(parents=True, exist_ok=True)
        set_option(name, str(work / name))
    set_option("compile", "f")


def set_option(name: str, value: str) -> None:
    """Set one of nnU-Net's options, which it reads from variables whose names are not in capitals."""
    os.environ[f"nnUNet_{name}"] = value


def prepare(dataset: Dataset, settings: Settings, work: Path, processes: int) -> dict[str, Any]:
    """Make all that training reads; returns the plans. Raises EnvironmentFault if the folder is of another run."""
    set_folders(work)
    pairs = [*dataset.sets["train"], *dataset.sets["validation"]]
    sets = {name: [pair.identifier for pair in dataset.sets[name]] for name in ("train", "validation")}
    mark = {
        "schema_version": "1.0",
        "settings": json.loads(settings.model_dump_json(include=_PLANNED)),
        "labels": {str(value): name for value, name in dataset.labels.items()},
        "cases": {pair.identifier: [sha256_file(pair.image), sha256_file(pair.mask)] for pair in pairs},
        "sets": sets,
    }
    plans = work / "preprocessed" / NAME / f"{settings.name}.json"
    if (work / DONE).exists():
        if json.loads((work / DONE).read_text(encoding="utf-8")) != mark:
            raise EnvironmentFault(
                "was made from other data or settings", where=work.name, fix="use another output folder"
            )
        return dict(json.loads(plans.read_text(encoding="utf-8")))
    shutil.rmtree(work / "raw")
    shutil.rmtree(work / "preprocessed")
    set_folders(work)
    _write_raw(dataset, pairs, work / "raw" / NAME)
    set_option("n_proc_DA", "1")  # the planner asks torch for so many threads
    alone = one_process(fingerprint_extractor, default_preprocessor) if processes == 1 else nullcontext()
    with alone:
        fingerprint_extractor.DatasetFingerprintExtractor(NUMBER, processes).run(overwrite_existing=True)
        planner = CompactPlanner(settings)
        planner.plan_experiment()
        _set_batch(plans, settings.batch)
        preprocess_dataset(NUMBER, settings.name, (CONFIGURATION,), [processes])
    split = [{"train": sets["train"], "val": sets["validation"]}]
    write_json(work / "preprocessed" / NAME / "splits_final.json", split)
    write_json(work / DONE, mark)
    return dict(json.loads(plans.read_text(encoding="utf-8")))


_PLANNED = {"name", "spacing_mm", "base_features", "max_features", "memory_gb", "batch"}
"""The settings that plans and preprocessed cases depend on."""


def _set_batch(plans: Path, batch: int) -> None:
    """nnU-Net's planner spends spare memory on a larger batch; here steps are to be short."""
    text = json.loads(plans.read_text(encoding="utf-8"))
    text["configurations"][CONFIGURATION]["batch_size"] = batch
    write_json(plans, text)


def _write_raw(dataset: Dataset, pairs: list[Pair], folder: Path) -> None:
    """The cases as nnU-Net's raw data set, turned."""
    for pair in pairs:
        case = read_case(pair, dataset.labels)
        z, y, x = case.image.shape
        grid = Geometry((x, y, z), (case.spacing_mm[2], case.spacing_mm[1], case.spacing_mm[0]), (0.0, 0.0, 0.0))
        image = np.ascontiguousarray(case.image, dtype=np.float32)
        write_nrrd(folder / "imagesTr" / f"{pair.identifier}_0000.nrrd", Volume(image, grid))
        mask = np.ascontiguousarray(case.mask)
        write_nrrd(folder / "labelsTr" / f"{pair.identifier}.nrrd", Volume(mask, grid), compress=True)
    labels = {"background": 0, **{name: value for value, name in sorted(dataset.labels.items())}}
    # With the files listed here nnU-Net does not look for them, for which it would fork twelve processes.
    files = {
        pair.identifier: {
            "images": [f"imagesTr/{pair.identifier}_0000.nrrd"],
            "label": f"labelsTr/{pair.identifier}.nrrd",
        }
        for pair in pairs
    }
    described = {"channel_names": {"0": "MR"}, "labels": labels, "numTraining": len(pairs), "file_ending": ".nrrd"}
    write_json(folder / "dataset.json", {**described, LISTED: files})
