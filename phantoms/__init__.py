"""Phantoms: inputs whose truth is known analytically. Imports `containers.contract` and nothing else of this project.

`make` fills a folder with an input set and its `phantom.json`; `truth_labels` samples the truth on any grid;
`truth_volume` gives the images of a right fusion; `mutate_labels` seeds a fault into a label map; `bad_inputs` makes
zips that a stage has to refuse.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from containers.contract.errors import ItemFault
from containers.contract.request import first_error
from containers.contract.volume import Geometry
from phantoms.back import participant as haste_participant
from phantoms.cohorts import (
    masks as cohort_masks,
)
from phantoms.cohorts import (
    meta as cohort_meta,
)
from phantoms.cohorts import (
    nako as cohort_nako,
)
from phantoms.cohorts import (
    ukb as cohort_ukb,
)
from phantoms.corrupt.labels import MUTANTS, mutate_labels
from phantoms.thigh import participant, ramp
from phantoms.thigh.anatomy import fit

__all__ = ["MUTANTS", "PHANTOMS", "make", "mutate_labels", "truth_labels", "truth_volume"]

PHANTOMS: dict[str, Callable[[dict[str, Any], Path], None]] = {
    "ukb_participant": participant.make,
    "dixon_ramp": ramp.make,
    "nako_participant": haste_participant.make,
    "ukb_cohort": cohort_ukb.make,
    "nako_cohort": cohort_nako.make,
    "meta_studies": cohort_meta.make,
    "graded_masks": cohort_masks.make,
}


def make(name: str, parameters: dict[str, Any], folder: Path) -> None:
    """Fill the existing, empty `folder` with the phantom's files and `phantom.json`.

    Equal parameters give equal bytes. Raises ItemFault for an unknown name or wrong parameters.
    """
    if name not in PHANTOMS:
        raise ItemFault(f"no phantom is called {name!r}", where="phantom", mend=f"use one of: {', '.join(PHANTOMS)}")
    try:
        PHANTOMS[name](parameters, folder)
    except ValidationError as error:
        raise ItemFault(first_error(error), where=f"phantom {name}", mend="mend this parameter") from error


def truth_labels(phantom_json: Path, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """True labels (k, j, i) at the voxel centres of any grid in LPS mm, for a person made by `make`.

    Their names are those of `labels` in `phantom.json`: 27 of the thigh, or 4 of the back for a `nako_participant`.
    """
    facts = json.loads(phantom_json.read_text(encoding="utf-8"))
    if facts["name"] == "nako_participant":
        haste = haste_participant.Parameters.model_validate(facts["parameters"])
        return haste_participant.anatomy_of(haste).labels(geometry)
    parameters = participant.Parameters.model_validate(facts["parameters"])
    return fit(participant.subject_of(parameters), parameters.seed, parameters.anatomy).labels(geometry)


def truth_volume(
    phantom_json: Path, geometry: Geometry, contrast: str, fault: ramp.Fault = "none"
) -> npt.NDArray[np.float32]:
    """The image (k, j, i) that a right fusion gives on any grid, for a `dixon_ramp`; with `fault`, that of a wrong one.

    Raises ItemFault for another phantom: only of this one is every voxel known without noise.
    """
    facts = json.loads(phantom_json.read_text(encoding="utf-8"))
    if facts["name"] != "dixon_ramp":
        raise ItemFault("has no image truth", where=f"phantom {facts['name']}", mend="use phantom dixon_ramp")
    if fault not in ramp.FAULTS:
        raise ItemFault(f"no fault is called {fault!r}", where="fault", mend=f"use one of: {', '.join(ramp.FAULTS)}")
    return ramp.volume(facts["parameters"], geometry, contrast, fault)
