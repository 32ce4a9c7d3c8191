"""The output `mixture`: what a histogram with its components is drawn from."""

from pathlib import Path
from typing import Any

import numpy as np

from containers.composition.adipose import Adipose
from containers.composition.mixture.rules import component_weights
from containers.composition.tissue import Scope, Voxels
from containers.contract.files import write_json

SCHEMA_VERSION = "1.0"
BINS = 400


def write_mixture(path: Path, voxels: Voxels, scopes: list[Scope], adipose: Adipose, rule: str) -> None:
    """Write per scope the histogram of the intensities (equal bins), the components, and the bounds of the classes.

    `hard_fat_from`: lowest intensity that hard assignment gives to the brightest component; null where none is.
    """
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "class_rule": rule,
            "adipose_signal": adipose.signal,
            "scopes": {scope.name: _scope(scope, voxels.values[scope.chosen]) for scope in scopes},
        },
    )


def _scope(scope: Scope, values: Any) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    # Whole numbers get bins of whole width, which no value lies on the edge of.
    whole = bool(np.all(values == np.rint(values)))
    width = max(1.0, np.ceil((high - low + 1) / BINS)) if whole else (high - low) / BINS
    first = low - 0.5 if whole else low
    count = max(1, int(np.ceil((high - first) / width)))
    counts, _ = np.histogram(values, count, (first, first + count * width))
    levels = np.unique(values)
    bright = levels[component_weights(scope.fit, levels, "hard")[2] > 0]
    weights, means, variances = scope.fit.parameters
    return {
        "method": scope.fit.method,
        "converged": scope.fit.converged,
        "iterations": scope.fit.iterations,
        "bins": {"first": first, "width": float(width), "counts": counts.tolist()},
        "weights": weights.tolist(),
        "means": means.tolist(),
        "sds": np.sqrt(variances).tolist(),
        "hard_fat_from": float(bright[0]) if len(bright) else None,
    }
