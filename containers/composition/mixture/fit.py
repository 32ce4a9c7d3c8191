"""Gaussian mixture of image intensities in one dimension, three ways.

    histogram          EM on the distinct intensities, from exact k-means: deterministic, no seed
    sklearn            scikit-learn at its default tolerance, as the paper most likely ran it (nako_cbp, Procedures:
                       three components, full covariance, k-means start, at most 1,000 iterations; no tolerance given)
    sklearn_converged  scikit-learn at the tolerance of `histogram`

In one dimension a full covariance is one variance per component. The likelihood can have several maxima; each method
climbs to the one that its start leads to. At 1e-8 the weights can still be some 1e-4 from that maximum: `convergence`
says how far, and a smaller tolerance brings them there.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from containers.composition.mixture import em, peer
from containers.composition.mixture.em import Convergence
from containers.composition.mixture.histogram import Array, Histogram, read_histogram
from containers.composition.mixture.start import Initialisation, Parameters, start

Method = Literal["histogram", "sklearn", "sklearn_converged"]

TOLERANCE: dict[Method, float] = {"histogram": 1e-8, "sklearn": 1e-3, "sklearn_converged": 1e-8}
"""Change of the mean log-likelihood per voxel under which a method stops; 1e-3 is scikit-learn's default."""
LITTLE_WEIGHT = 0.01
"""Weight under which a component is said to be almost empty."""
WRONG_END = 0.001
"""Share of voxels that the component of the other end of the range claims, over which it is said."""
FAR = 1e-3
"""Movement of the weights still to come, over which it is said: a tenth of a percentage point."""


@dataclass(frozen=True)
class MixtureFit:
    """A fitted mixture; components sorted by mean, ascending."""

    method: Method
    """How it was fitted."""
    weights: Array
    """Share of each component, (K,)."""
    means: Array
    """Mean of each component, (K,), in image units."""
    variances: Array
    """Variance of each component, (K,), in squared image units."""
    iterations: int
    """EM steps that were taken."""
    converged: bool
    """Whether the change of the mean log-likelihood fell below the tolerance."""
    log_likelihood: float
    """Mean log-likelihood per voxel, of these parameters."""
    tolerance: float
    """Change of that mean below which the fit ends."""
    history: tuple[float, ...]
    """Mean log-likelihood before each step."""
    convergence: Convergence
    """How far the fit is from a maximum."""
    bin_width: float
    """Width of the histogram's bins in image units; 0 where levels are exact."""
    notes: tuple[str, ...]
    """What to mistrust, one line each."""

    @property
    def parameters(self) -> Parameters:
        return self.weights, self.means, self.variances


def fit_mixture(
    values: npt.NDArray[np.generic],
    components: int = 3,
    method: Method = "histogram",
    max_iterations: int = 1000,
    tolerance: float | None = None,
    seed: int = 0,
    initialisation: Initialisation = "kmeans",
    *,
    signed: bool = False,
) -> MixtureFit:
    """Fit `components` Gaussians to `values` (n,), image units.

    tolerance: None for the method's own (TOLERANCE). seed: of scikit-learn's k-means and of random starts. signed:
    negative values are data, not a fault. Raises ItemFault for values that cannot be fitted, EnvironmentFault where
    scikit-learn is asked for and missing.
    """
    histogram = read_histogram(values, components, signed)
    limit = TOLERANCE[method] if tolerance is None else tolerance
    if method == "histogram":
        first = start(histogram, components, initialisation, seed)
        parameters, history, converged = em.fit(histogram, first, limit, max_iterations)
    else:
        given = None if initialisation == "kmeans" else start(histogram, components, initialisation, seed)
        parameters, history, converged = peer.fit(
            values, components, limit, max_iterations, seed, given, histogram.regularisation
        )
    order = np.argsort(parameters[1], kind="stable")
    weights, means, variances = (p[order] for p in parameters)
    distance = em.convergence(histogram, (weights, means, variances))
    notes = _notes(histogram, (weights, means, variances), limit, len(history), converged, distance)
    log = em.posteriors(histogram.levels, (weights, means, variances))[1]
    return MixtureFit(
        method=method,
        weights=weights,
        means=means,
        variances=variances,
        iterations=len(history),
        converged=converged,
        log_likelihood=float((log * histogram.counts).sum() / histogram.counts.sum()),
        tolerance=limit,
        history=history,
        convergence=distance,
        bin_width=histogram.width,
        notes=notes,
    )


def _notes(
    histogram: Histogram, parameters: Parameters, limit: float, iterations: int, converged: bool, distance: Convergence
) -> tuple[str, ...]:
    """What a reader should mistrust, one line each."""
    weights, means, variances = parameters
    sd = np.sqrt(variances)
    notes = []
    if not converged:
        notes.append(f"the mixture did not converge to {limit:g} in {iterations} iterations")
    to_go = distance.weights_to_go
    if to_go is None or to_go > FAR:
        far = "move more from step to step" if to_go is None else f"have at least about {to_go:.1g} to go"
        notes.append(f"the fit stopped short of a maximum: its weights {far}")
    if histogram.width:
        notes.append(f"intensities are binned by {histogram.width:.3g}: more distinct values than an exact fit takes")
    for k, weight in enumerate(weights):
        if weight < LITTLE_WEIGHT:
            notes.append(f"component {k + 1} (mean {means[k]:.4g}) holds {100 * weight:.2g} % of the voxels only")
    grain = histogram.width or float(np.diff(histogram.levels).min())
    for k in np.flatnonzero(sd < grain / 2).tolist():
        notes.append(f"component {k + 1} (mean {means[k]:.4g}) has collapsed on one intensity")
    for k in np.flatnonzero(np.diff(means) < np.minimum(sd[1:], sd[:-1])).tolist():
        notes.append(f"components {k + 1} and {k + 2} overlap: their means are closer than the narrower one is wide")
    claimed = em.log_densities(histogram.levels, parameters).argmax(axis=0)
    wrong = (histogram.levels < means[0]) & (claimed == len(means) - 1)
    wrong |= (histogram.levels > means[-1]) & (claimed == 0)
    share = float(histogram.counts[wrong].sum() / histogram.counts.sum())
    if share > WRONG_END and len(means) > 1:
        notes.append(f"{100 * share:.2g} % of the voxels lie beyond one outer mean and yet fit the other end best")
    return tuple(notes)
