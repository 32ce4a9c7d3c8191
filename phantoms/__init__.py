"""Phantoms: inputs whose truth is known analytically. Imports `containers.contract` and nothing else of this project.

`make` fills a folder with an input set and its `phantom.json`; `truth_labels` samples the truth on any grid;
`mutate_labels` seeds a fault into a label map; `bad_inputs` makes zips that a stage has to refuse.
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
from phantoms import participant
from phantoms.anatomy import fit
from phantoms.mutants import MUTANTS, mutate_labels

__all__ = ["MUTANTS", "PHANTOMS", "make", "mutate_labels", "truth_labels"]

PHANTOMS: dict[str, Callable[[dict[str, Any], Path], None]] = {"ukb_participant": participant.make}


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
    """True labels 0..27 (k, j, i) at the voxel centres of any grid in LPS mm, for a phantom made by `make`."""
    facts = json.loads(phantom_json.read_text(encoding="utf-8"))
    parameters = participant.Parameters.model_validate(facts["parameters"])
    return fit(participant.subject_of(parameters), parameters.seed, parameters.anatomy).labels(geometry)
