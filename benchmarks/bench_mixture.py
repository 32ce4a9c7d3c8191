"""Three-component mixture of the intensities of a million voxels: EM on the histogram against scikit-learn.

The same integers for each: muscle, voxels of muscle and fat in every proportion, and fat, with Rician noise. Both stop
at the same change of the mean log-likelihood (1e-8); scikit-learn starts from its own k-means. At its default tolerance
it takes few steps because it stops far from the maximum: shown, and not judged. One thread. Bytes that must move: the
voxels read once.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.results import Check
from harness.bench.suite import Asked, Method, Prepared, Values, Work, absent, difference, main

MEMORY = 10_000_000
LIMIT = 1e-4
"""Of a class fraction."""


def make_voxels(number: int) -> npt.NDArray[np.uint16]:
    """Intensities (n,): 80 % muscle (mean 80), 14 % mixed in any proportion, 6 % fat (mean 400), noise sigma 5."""
    rng = np.random.default_rng(0)
    kind = rng.choice(3, number, p=[0.80, 0.14, 0.06])
    fat = np.where(kind == 1, rng.uniform(0, 1, number), kind == 2)
    signal = (80 + 320 * fat) * (1 + 0.05 * rng.standard_normal(number))
    real, imaginary = 5 * rng.standard_normal((2, number))
    return np.rint(np.hypot(signal + real, imaginary)).astype(np.uint16)


def prepare(number: int, method: Any) -> Prepared:
    """The stage's fit by one of its methods; two of them are scikit-learn's."""
    from containers.composition.mixture.fit import fit_mixture
    from containers.composition.mixture.rules import component_weights

    voxels = make_voxels(number)
    fit_mixture(voxels[:2000], method=method)
    levels, counts = np.unique(voxels, return_counts=True)

    def values(fit: Any) -> Values:
        """Class fractions as weights, and as most probable components."""
        hard = (component_weights(fit, levels, "hard") * counts).sum(axis=1) / number
        return {"shares": np.concatenate([fit.weights, hard])}

    return Prepared(lambda: fit_mixture(voxels, method=method), values)


def check(outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Class fractions."""
    own = outputs["ours"]["shares"]
    for peer in list(outputs)[1:]:
        limit = None if "default" in peer else LIMIT
        yield difference(peer, "class fractions", outputs[peer]["shares"], own, limit)


def rows(asked: Asked) -> list[Work]:
    """One row."""
    if asked.device == "cuda":
        return []
    number = 100_000 if asked.quick else 1_000_000
    missing = absent("sklearn")
    peers = [("scikit-learn", "sklearn_converged", 100.0), ("scikit-learn, default tolerance", "sklearn", None)]
    methods = [Method("ours", partial(prepare, number, "histogram"))] + [
        Method(name, partial(prepare, number, how), missing, "scikit-learn", target) for name, how, target in peers
    ]
    facts = {"voxels": number, "components": 3}
    title = "mixture of three Gaussians"
    return [
        Work("mixture.fit", title, "fit", methods, check, facts, bytes_moved=2 * number, threads=1, memory_limit=MEMORY)
    ]


if __name__ == "__main__":
    sys.exit(main(rows))
