"""T2-weighted HASTE of a spine anatomy: half-Fourier single-shot turbo spin echo, one train of echoes per slice.

What the images hold, before noise and coil shading: for each group g of tissues with equal T2 the proton density d_g,
averaged over the voxel, is filtered along the phase-encode axis (anterior-posterior) and summed:

    S = gain sum_g exp(-TE / T2_g) F^-1[ H_g(n) F[d_g] ],   a_g = line_ms / T2_g,  n = line of k-space from its centre
    H_g(n) = exp(-|n| a_g)                                       |n| > early
    H_g(n) = cosh(n a_g) - (|n| / early) sinh(|n| a_g)             |n| <= early

The lines are taken one after the other, `early` of them before the echo at TE; those on the far side are never taken.
The second line of H is the homodyne reconstruction (Noll 1991, IEEE TMI 10:154) of a real image with a linear ramp
across the lines that are there on both sides: half of (1 + n/early) exp(-n a) + (1 - n/early) exp(n a). H(0) = 1, so
that wide homogeneous tissue keeps its contrast at TE, while tissue of short T2 is blurred. Noise is complex Gaussian,
the images are magnitudes (Rician), stored as integers of 12 bits.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import fft

from containers.toolkit.images.volume import Geometry
from phantoms.back.anatomy import SpineAnatomy
from phantoms.back.kernel import sample_voxels
from phantoms.back.tissues import FAT, groups
from phantoms.shared.dixon import coil

Preset = Literal["small", "full"]
SLICES_AT_ONCE = 8
"""Slices that are sampled and filtered together: bounds memory to some 40 MB."""


@dataclass(frozen=True)
class HasteProtocol:
    """The acquisition of the back.

    TE, in-plane voxel and slice thickness of the full protocol are nako_cbp's (Methods). The spacing of echoes, the
    twofold parallel imaging and with them `line_ms` and `early` are assumptions: 4.5 ms echo spacing, every second line
    taken, so 2.25 ms a line and 36 lines before TE = 81 ms.
    """

    matrix: tuple[int, int]
    """Voxels along x and y."""
    pixel_mm: float
    """Edge of a voxel in the plane, in mm."""
    slices: int
    """Number of slices in all."""
    slice_mm: float
    """Thickness of a slice, in mm; slices have no gaps."""
    bottom_mm: float
    """Height z of the lower face of the lowest slice, in mm."""
    sub_samples: tuple[int, int, int]
    """Points along x, y and z that a voxel is sampled at."""
    te_ms: float = 81.0
    """Effective echo time in ms."""
    echo_spacing_ms: float = 4.5
    """Time from one echo to the next, in ms."""
    acceleration: int = 2
    """Factor of parallel imaging: one of so many lines is measured."""
    field_tesla: float = 3.0
    """Field strength in T."""
    noise_sigma: float = 5.0
    """Standard deviation of the noise, in stored values."""
    fat_level: float = 430.0
    """Stored value of fat."""

    @property
    def line_ms(self) -> float:
        return self.echo_spacing_ms / self.acceleration

    @property
    def early(self) -> int:
        return round(self.te_ms / self.line_ms)

    def geometry(self, first: int = 0, count: int | None = None) -> Geometry:
        """Grid of `count` slices (all) from slice `first`, from inferior to superior, centred on x = y = 0."""
        columns, rows = self.matrix
        return Geometry(
            size=(columns, rows, self.slices - first if count is None else count),
            spacing_mm=(self.pixel_mm, self.pixel_mm, self.slice_mm),
            origin_mm=(
                -(columns - 1) / 2 * self.pixel_mm,
                -(rows - 1) / 2 * self.pixel_mm,
                self.bottom_mm + (first + 0.5) * self.slice_mm,
            ),
        )


FULL = HasteProtocol((320, 260), 1.4, 116, 5.0, 45.0, (2, 2, 3))
"""nako_cbp's voxels; 448 x 364 x 580 mm hold T1 to S1 of every subject drawn."""
SMALL = HasteProtocol((160, 130), 2.8, 58, 10.0, 45.0, (3, 3, 4))
"""The same field of view in an eighth of the voxels."""


def protocol(preset: Preset, anatomy: str) -> HasteProtocol:
    """The preset's protocol; the held-out anatomy is seen with another field of view, slice thickness and noise."""
    chosen = FULL if preset == "full" else SMALL
    if anatomy != "held_out":
        return chosen
    slice_mm = 1.1 * chosen.slice_mm
    return replace(
        chosen, pixel_mm=1.08 * chosen.pixel_mm, slice_mm=slice_mm, slices=round(580 / slice_mm) + 1,
        noise_sigma=1.7 * chosen.noise_sigma, fat_level=360.0,
    )  # fmt: skip


def with_voxels(scan: HasteProtocol, pixel_mm: float, slice_mm: float) -> HasteProtocol:
    """The same field of view in other voxels: square in the plane, `slice_mm` thick. Noise per voxel stays."""
    wider, thicker = pixel_mm / scan.pixel_mm, slice_mm / scan.slice_mm
    columns, rows = (round(n / wider) for n in scan.matrix)
    x, y, z = scan.sub_samples
    samples = (max(x, ceil(x * wider)), max(y, ceil(y * wider)), max(z, ceil(z * thicker)))
    return replace(
        scan, matrix=(columns, rows), pixel_mm=pixel_mm, slices=round(scan.slices / thicker), slice_mm=slice_mm,
        sub_samples=samples,
    )  # fmt: skip


def echo_filter(lines: int, early: int, line_ms: float, t2_ms: float) -> npt.NDArray[np.float64]:
    """H of the module's docstring for the lines of a real-input transform of `lines` samples: n = 0 .. lines // 2."""
    n = np.arange(lines // 2 + 1)
    a = line_ms / t2_ms
    near = np.minimum(n, early)
    inner = 0.5 * ((1 + near / early) * np.exp(-near * a) + (1 - near / early) * np.exp(near * a))
    return np.asarray(np.where(n <= early, inner, np.exp(-n * a)))


def signal(tissue_t2_ms: float, proton_density: float, scan: HasteProtocol) -> float:
    """Stored value, before rounding, of wide homogeneous tissue without noise and shading."""
    fat = FAT.proton_density * float(np.exp(-scan.te_ms / FAT.t2_ms))
    return scan.fat_level / fat * proton_density * float(np.exp(-scan.te_ms / tissue_t2_ms))


def acquire(
    anatomy: SpineAnatomy,
    geometry: Geometry,
    scan: HasteProtocol,
    rng: np.random.Generator,
    *,
    texture: float = 0.0,
    shading: float = 0.0,
    noise: float = 1.0,
) -> npt.NDArray[np.float32]:
    """The magnitude image (k, j, i) of one station, float32, not rounded.

    texture: SD of the labelled muscles' smooth relative variation of signal. shading: relative amplitude of the coil's
    smooth gain. noise: factor on the protocol's sigma, 0 for none.
    """
    density, group, times = groups(anatomy.subject)
    lines = geometry.size[1]
    factors = np.stack(
        [signal(t2, 1.0, scan) * echo_filter(lines, scan.early, scan.line_ms, t2) for t2 in times]
    ).astype(np.float32)
    image = np.empty(geometry.shape, dtype=np.float32)
    below = geometry.position_mm([0, 0, -1])
    wider = replace(
        geometry,
        size=(*geometry.size[:2], geometry.size[2] + 2),
        origin_mm=(float(below[0]), float(below[1]), float(below[2])),
    )
    codes = anatomy.codes(wider)
    for first in range(0, geometry.size[2], SLICES_AT_ONCE):
        there = slice(first, min(first + SLICES_AT_ONCE, geometry.size[2]))
        sums = np.zeros((len(times), there.stop - first, *geometry.shape[1:]), dtype=np.float32)
        origin = geometry.position_mm([0, 0, first])
        sample_voxels(
            *anatomy.tables, origin, geometry.matrix(), scan.sub_samples, density, group, texture,
            codes[first : there.stop + 2], sums,
        )  # fmt: skip
        spectrum = fft.rfft(sums, axis=2) * factors[:, None, :, None]
        image[there] = fft.irfft(spectrum.sum(axis=0), n=lines, axis=1)
    image *= coil(geometry, shading)
    sigma = np.float32(noise * scan.noise_sigma)
    real = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
    return np.asarray(np.hypot(real, sigma * rng.standard_normal(image.shape, dtype=np.float32)), dtype=np.float32)
