"""The same mixture by scikit-learn, voxel by voxel; imported only when asked for.

Published tool of the method's authors (MuscleMap toolbox, mm_util.py): GaussianMixture with covariance_type full,
init_params kmeans, tol 0.001, max_iter 1000 and 20 starts. nako_cbp names the first two and the last number.
"""

import warnings

import numpy as np
import numpy.typing as npt

from containers.composition.mixture.histogram import Array
from containers.composition.mixture.start import Parameters
from containers.contract.errors import EnvironmentFault


def fit(
    values: npt.NDArray[np.generic],
    components: int,
    tolerance: float,
    max_iterations: int,
    seed: int,
    given: Parameters | None,
    regularisation: float,
) -> tuple[Parameters, tuple[float, ...], bool]:
    """As `em.fit`, by sklearn.mixture.GaussianMixture on `values` (n,), from k-means by `seed` or from `given`.

    regularisation: added to each variance, as `Histogram.regularisation` says.
    Raises EnvironmentFault where scikit-learn is not installed.
    """
    try:
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise EnvironmentFault(
            "scikit-learn is not installed",
            where="the method of the mixture",
            fix="take the method histogram, or install scikit-learn",
        ) from error
    begin = {}
    if given is not None:
        weights, means, variances = given
        begin = {"weights_init": weights, "means_init": means[:, None], "precisions_init": 1 / variances[:, None, None]}
    model = GaussianMixture(
        components, covariance_type="full", tol=tolerance, reg_covar=regularisation, max_iter=max_iterations,
        init_params="kmeans" if given is None else "random_from_data", random_state=seed, **begin,
    )  # fmt: skip
    with warnings.catch_warnings(), threadpool_limits(1):
        # An end without convergence is in the answer; a warning next to it would go to nobody.
        warnings.simplefilter("ignore")
        model.fit(np.asarray(values, dtype=np.float64)[:, None])
    weights, means, variances = (_rounded(p) for p in (model.weights_, model.means_, model.covariances_))
    return (weights, means, variances), tuple(_rounded(model.lower_bounds_).tolist()), bool(model.converged_)


def _rounded(numbers: npt.ArrayLike) -> Array:
    """Twelve significant digits, flat: the last ones hang on where the memory lies, and differ from run to run."""
    return np.array([float(f"{v:.12g}") for v in np.ravel(numbers)])
