"""Two-point Dixon of an anatomy: spoiled gradient echo at two echo times, then water and fat.

What the images hold, before noise and coil shading, at a point with water protons w, fat protons f (their share of the
proton density), steady-state factors A_w, A_f (T1, repetition time, flip angle), T2* decays and the fat spectrum c(TE):

    S(TE) = w A_w exp(-TE / T2*_w) + f A_f exp(-TE / T2*_f) c(TE)         averaged over each voxel's tissues
    in phase = |S(4.77 ms)|, opposed phase = |S(2.39 ms)|
    `two_point`: water = |S(4.77) + S(2.39)| / 2, fat = |S(4.77) - S(2.39)| / 2   (phase of the field known)
    `ideal`:     water = w A, fat = f A with A the muscle's factor: proton densities, so 100 F / (F + W) is the PDFF

At 1.5 T the first echo is the opposed one (ukb_thigh prints them the other way round). In `two_point` the T1 of fat
makes it about twice as bright, T2* between the echoes takes some 3 % of water out of fat, and the minor fat peaks
leave part of fat in water: `signal_fat_fraction` says what the noiseless images give for a tissue. Noise is complex
Gaussian of equal sigma in both echoes (Rician in magnitude); water and fat, as half sums, have sigma / sqrt(2).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from containers.toolkit.images.volume import Geometry
from phantoms.shared.anatomy_kernel import CODES, sample_voxels
from phantoms.shared.protocol import Protocol
from phantoms.shared.tissues import (
    BY_CODE,
    FAT_T1_MS,
    FAT_T2STAR_MS,
    MUSCLE,
    Tissue,
    fat_dephasing,
    spoiled_gradient_echo,
    tissue_of,
)
from phantoms.thigh.anatomy import Anatomy

Reconstruction = Literal["two_point", "ideal"]
Images = dict[str, npt.NDArray[np.float32]]
MAX_STORED = 4095


def gain(protocol: Protocol) -> float:
    """Factor from relative signal to stored values: water-only muscle without T2* decay gets `muscle_level`."""
    return protocol.muscle_level / (MUSCLE.proton_density * _steady(MUSCLE.t1_ms, protocol))


def _steady(t1_ms: float, protocol: Protocol) -> float:
    return spoiled_gradient_echo(t1_ms, protocol.tr_ms, protocol.flip_deg)


def water_signals(tissue: Tissue, protocol: Protocol) -> tuple[float, float]:
    """Signal of water-only tissue at the opposed and the in-phase echo, per gain."""
    amplitude = tissue.proton_density * _steady(tissue.t1_ms, protocol)
    times = (protocol.te_opposed_ms, protocol.te_in_ms)
    opposed, in_phase = (amplitude * float(np.exp(-te / tissue.t2star_ms)) for te in times)
    return opposed, in_phase


def fat_signals(protocol: Protocol) -> tuple[complex, complex]:
    """Complex signal of unit fat proton density at the opposed and the in-phase echo, per gain."""
    times = np.array([protocol.te_opposed_ms, protocol.te_in_ms])
    signal = _steady(FAT_T1_MS, protocol) * np.exp(-times / FAT_T2STAR_MS) * fat_dephasing(times, protocol.field_tesla)
    return complex(signal[0]), complex(signal[1])


def signal_fat_fraction(tissue: Tissue, protocol: Protocol, reconstruction: Reconstruction) -> float:
    """100 F / (F + W) in % of the noiseless images inside a homogeneous tissue."""
    if reconstruction == "ideal":
        return 100 * tissue.fat
    water, fat = water_signals(tissue, protocol), fat_signals(protocol)
    opposed, in_phase = (
        (1 - tissue.fat) * w + tissue.fat * tissue.proton_density * f for w, f in zip(water, fat, strict=True)
    )
    f, w = abs(in_phase - opposed), abs(in_phase + opposed)
    return 100 * f / (f + w)


def tissue_table(anatomy: Anatomy, protocol: Protocol) -> npt.NDArray[np.float64]:
    """Per code (64, 4): proton density, water signal at the opposed and at the in-phase echo, fat fraction."""
    table = np.zeros((CODES, 4))
    for code in [*range(1, 28), *BY_CODE]:
        tissue = tissue_of(code, anatomy.subject)
        table[code] = (tissue.proton_density, *water_signals(tissue, protocol), tissue.fat)
    return table


def acquire(
    anatomy: Anatomy,
    geometry: Geometry,
    protocol: Protocol,
    rng: np.random.Generator,
    *,
    reconstruction: Reconstruction = "two_point",
    texture: float = 0.0,
    shading: float = 0.0,
    noise: float = 1.0,
    motion: float = 0.0,
) -> Images:
    """The four magnitude images (k, j, i) of one station, float32, not rounded.

    texture: relative amplitude of the fat fraction's smooth variation inside muscles. shading: relative amplitude of
    the coil's smooth gain. noise: factor on the protocol's sigma, 0 for none. motion: relative strength of ghosts along
    the phase-encoding axis j.
    """
    sums = np.zeros((4, *geometry.shape), dtype=np.float32)
    textured = np.zeros(CODES, dtype=np.bool_)
    textured[1:26] = True
    sample_voxels(
        *anatomy.tables, np.asarray(geometry.origin_mm, dtype=float), geometry.matrix(), protocol.sub_samples,
        tissue_table(anatomy, protocol), textured, texture, sums,
    )  # fmt: skip
    field = np.float32(gain(protocol)) * coil(geometry, shading)
    fat_opposed, fat_in = (np.complex64(f) for f in fat_signals(protocol))
    opposed = (sums[1] + sums[3] * fat_opposed) * field
    in_phase = (sums[2] + sums[3] * fat_in) * field
    if motion > 0:
        opposed, in_phase = _ghosted(opposed, motion), _ghosted(in_phase, motion)
    sigma = noise * protocol.noise_sigma
    if sigma > 0:
        for image in (opposed, in_phase):
            image.real += sigma * rng.standard_normal(image.shape, dtype=np.float32)
            image.imag += sigma * rng.standard_normal(image.shape, dtype=np.float32)
    if reconstruction == "ideal":
        flat = field * np.float32(_steady(MUSCLE.t1_ms, protocol))
        water, fat = (_noisy(channel * flat, sigma / np.sqrt(2), rng) for channel in (sums[0], sums[3]))
    else:
        water, fat = np.abs(in_phase + opposed) / 2, np.abs(in_phase - opposed) / 2
    return {"in_phase": np.abs(in_phase), "opposed_phase": np.abs(opposed), "fat": fat, "water": water}


def _noisy(image: npt.NDArray[np.float32], sigma: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Magnitude of `image` plus complex Gaussian noise."""
    if sigma <= 0:
        return image
    real, imaginary = (np.float32(sigma) * rng.standard_normal(image.shape, dtype=np.float32) for _ in range(2))
    return np.asarray(np.hypot(image + real, imaginary), dtype=np.float32)


def _ghosted(image: npt.NDArray[np.complex64], strength: float) -> npt.NDArray[np.complex64]:
    """Image with two ghosts, a third of the field of view away on either side along j, as of periodic motion."""
    third = image.shape[1] // 3
    ghosts = np.roll(image, third, axis=1) + np.roll(image, -third, axis=1)
    return np.asarray((1 - strength) * image + 0.5 * strength * ghosts, dtype=np.complex64)


def coil(geometry: Geometry, amplitude: float) -> npt.NDArray[np.float32]:
    """Receive gain (k, j, i) around 1: brighter towards Anterior and Posterior, and in the middle of the station.

    It is a function of the place in the field of view, so that neighbouring stations differ in their overlap.
    """
    i, j, k = (np.linspace(-1, 1, n, dtype=np.float32) for n in geometry.size)
    plane = 0.6 * j**2 - 0.3
    along = 0.4 * np.cos(np.pi / 2 * k)
    side = 0.15 * i
    return np.asarray(
        1 + amplitude * (plane[None, :, None] + along[:, None, None] + side[None, None, :]), dtype=np.float32
    )


def stored(image: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Stored pixel values: rounded to integers, cut to 12 bits."""
    return np.clip(np.rint(image), 0, MAX_STORED).astype(np.uint16)
