"""N4 bias-field correction (Tustison 2010, IEEE Trans Med Imaging 29:1310) by SimpleITK, imported only when asked for.

The field is fitted to an image shrunken in its slices, on Otsu's foreground, and evaluated on the full grid. It is
divided out with its mean over the labels set to 1, so that intensities keep their scale.
"""

import numpy as np
import numpy.typing as npt

from containers.contract.errors import EnvironmentFault
from containers.toolkit.images.volume import Volume

SHRUNKEN_MM = 5.6
"""Voxel size within a slice that the field is fitted at: a coil's field is smooth over far more."""
ITERATIONS = (50, 50, 30)
"""Iterations at each of three resolutions of the spline; N4 stops earlier where it converges."""


def bias_field(image: Volume, labelled: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """The field (k, j, i), mean 1 over `labelled`. Raises EnvironmentFault where SimpleITK is not installed."""
    try:
        import SimpleITK
    except ImportError as error:
        fix = "set parameter bias_correction to 'none', or install SimpleITK"
        raise EnvironmentFault("SimpleITK is not installed", where="N4 bias-field correction", fix=fix) from error
    # One thread: sums in another order would change the last bits from machine to machine.
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    full = SimpleITK.GetImageFromArray(np.asarray(image.data, np.float32))
    full.SetSpacing(image.geometry.spacing_mm)
    factors = [max(1, round(SHRUNKEN_MM / step)) for step in image.geometry.spacing_mm[:2]] + [1]
    small = SimpleITK.Shrink(full, factors)
    corrector = SimpleITK.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations(ITERATIONS)
    corrector.Execute(small, SimpleITK.OtsuThreshold(small, 0, 1, 200))
    log_field = SimpleITK.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(full)).astype(np.float32)
    field = np.exp(log_field)
    return np.asarray(field / field[labelled].mean(dtype=np.float64), np.float32)
