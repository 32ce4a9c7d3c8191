"""Phantoms: inputs whose truth is known analytically. Imports `containers.contract` and nothing else of this project.

`make` fills a folder with an input set and its `phantom.json`; `truth_labels` samples the truth on any grid;
`truth_volume` gives the images of a right fusion. Each phantom is a module of its own, imported when it is used: what a
phantom makes is decided by this file, its module and what that imports (`containers.toolkit.runtime.sources`), and by
no other phantom. The module has `make`, and `truth_labels` or `truth_volume` where such a truth is known.

`phantoms.corrupt` seeds faults into label maps and makes inputs that a stage has to refuse.
"""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from containers.contract.errors import ItemFault
from containers.contract.request import first_error
from containers.toolkit.images.volume import Geometry

__all__ = ["PHANTOMS", "make", "module_of", "truth_labels", "truth_volume"]

PHANTOMS: dict[str, str] = {
    "ukb_participant": "phantoms.thigh.participant",
    "dixon_ramp": "phantoms.thigh.ramp",
    "nako_participant": "phantoms.back.participant",
    "ukb_cohort": "phantoms.cohorts.ukb",
    "nako_cohort": "phantoms.cohorts.nako",
    "meta_studies": "phantoms.cohorts.meta",
    "graded_masks": "phantoms.cohorts.masks",
}
"""The module that makes a phantom, by the phantom's name."""


def module_of(name: str) -> str:
    """The module that makes a phantom. Raises ItemFault for an unknown name."""
    if name not in PHANTOMS:
        raise ItemFault(f"no phantom is called {name!r}", where="phantom", fix=f"use one of: {', '.join(PHANTOMS)}")
    return PHANTOMS[name]


def make(name: str, parameters: dict[str, Any], folder: Path) -> None:
    """Fill the existing, empty `folder` with the phantom's files and `phantom.json`.

    Equal parameters give equal bytes. Raises ItemFault for an unknown name or wrong parameters.
    """
    maker = importlib.import_module(module_of(name))
    try:
        maker.make(parameters, folder)
    except ValidationError as error:
        raise ItemFault(first_error(error), where=f"phantom {name}", fix="correct this parameter") from error


def truth_labels(phantom_json: Path, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """True labels (k, j, i) at the voxel centres of any grid in LPS mm, for a person made by `make`.

    Their names are those of `labels` in `phantom.json`: 27 of the thigh, or 4 of the back for a `nako_participant`.
    Raises ItemFault for a phantom that has no labels.
    """
    facts = json.loads(phantom_json.read_text(encoding="utf-8"))
    known = "ukb_participant or nako_participant"
    labels: npt.NDArray[np.uint8] = _with(facts["name"], "truth_labels", "label truth", known).truth_labels(
        facts["parameters"], geometry
    )
    return labels


def truth_volume(phantom_json: Path, geometry: Geometry, contrast: str, fault: str = "none") -> npt.NDArray[np.float32]:
    """The image (k, j, i) that a right fusion gives on any grid, for a `dixon_ramp`; with `fault`, that of a wrong one.

    Raises ItemFault for another phantom: only of this one is every voxel known without noise.
    """
    facts = json.loads(phantom_json.read_text(encoding="utf-8"))
    module = _with(facts["name"], "truth_volume", "image truth", "dixon_ramp")
    volume: npt.NDArray[np.float32] = module.truth_volume(facts["parameters"], geometry, contrast, fault)
    return volume


def _with(name: str, function: str, what: str, known: str) -> ModuleType:
    """The module of a phantom that knows such a truth. Raises ItemFault for another phantom."""
    module = importlib.import_module(module_of(name))
    if not hasattr(module, function):
        raise ItemFault(f"has no {what}", where=f"phantom {name}", fix=f"use phantom {known}")
    return module
