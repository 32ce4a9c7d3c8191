"""Rician mean and its inverse against scipy's distribution, and the bias of fat fraction on simulated noise."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage, stats

from containers.composition.fat_fraction import RegionReader, fraction_map
from containers.composition.noise import amplitude, background_sigma, rician_mean

Image = npt.NDArray[np.float64]


def magnitude(signal: float | Image, sigma: float, shape: tuple[int, ...], seed: int) -> Image:
    """|signal + complex Gaussian noise|."""
    real, imaginary = np.random.default_rng(seed).normal(0.0, sigma, (2, *shape))
    return np.hypot(signal + real, imaginary)


@pytest.mark.parametrize("snr", [0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 19.9, 20.1, 30.0])
def test_rician_mean_is_that_of_the_distribution(snr: float) -> None:
    assert float(rician_mean(snr**2)) == pytest.approx(float(stats.rice.mean(snr)), rel=1e-10)


@pytest.mark.parametrize("snr", [0.05, 0.3, 1.0, 2.0, 5.0, 19.9, 20.1, 30.0])
@pytest.mark.parametrize("sigma", [0.5, 8.0])
def test_amplitude_inverts_the_mean(snr: float, sigma: float) -> None:
    mean = sigma * float(stats.rice.mean(snr))
    assert float(amplitude(mean, sigma)) == pytest.approx(snr * sigma, abs=1e-4 * sigma)


def test_under_the_noise_floor_there_is_no_signal() -> None:
    np.testing.assert_array_equal(amplitude([0.0, 1.0, 1.25], 1.0), 0.0)


def test_without_noise_amplitude_is_the_value_sign_included() -> None:
    np.testing.assert_array_equal(amplitude([-3.0, 0.0, 4.0], 0.0), [-3.0, 0.0, 4.0])


def thigh(sigma: float, percent: float, smooth: Callable[[Image], Image]) -> tuple[Image, Image, npt.NDArray[np.uint8]]:
    """Water and fat magnitudes of a block of uniform fat fraction (signal 200) in air, and its labels."""
    labels = np.zeros((24, 48, 48), np.uint8)
    labels[:, 12:36, 12:36] = 1
    images = []
    for seed, part in ((1, 1 - percent / 100), (2, percent / 100)):
        images.append(smooth(magnitude(200 * part * labels, sigma, labels.shape, seed)))
    labels[:, 12:16] = labels[:, 32:36] = 0
    labels[:, :, 12:16] = labels[:, :, 32:36] = 0
    return images[0], images[1], labels


SMOOTH: dict[str, Callable[[Image], Image]] = {
    "as measured": lambda image: image,
    "after linear interpolation": lambda image: ndimage.uniform_filter(image, 2),
}


@pytest.mark.parametrize("smooth", SMOOTH)
@pytest.mark.parametrize(("sigma", "percent"), [(5.0, 3.0), (10.0, 5.0), (10.0, 20.0), (20.0, 10.0)])
def test_corrected_fat_fraction_finds_the_truth_where_the_plain_one_is_biased(
    sigma: float, percent: float, smooth: str
) -> None:
    water, fat, labels = thigh(sigma, percent, SMOOTH[smooth])
    sigmas = (background_sigma(water)[0], background_sigma(fat)[0])
    assert sigmas[0] is not None
    assert sigmas[1] is not None
    assert sigmas == pytest.approx((sigma, sigma), rel=0.05)
    plain = RegionReader(labels, water, fat, fraction_map(water, fat, (0, 0)), (0, 0)).read(1)
    noise = (sigmas[0], sigmas[1])
    corrected = RegionReader(labels, water, fat, fraction_map(water, fat, noise), noise).read(1)
    assert corrected.ratio_of_sums == pytest.approx(percent, abs=0.6)
    assert plain.ratio_of_sums is not None
    assert abs(plain.ratio_of_sums - percent) > 2 * abs(corrected.ratio_of_sums - percent)


def test_the_plain_bias_at_low_signal_is_the_one_that_theory_gives() -> None:
    water, fat, labels = thigh(10.0, 5.0, SMOOTH["as measured"])
    plain = RegionReader(labels, water, fat, fraction_map(water, fat, (0, 0)), (0, 0)).read(1)
    f, w = 10 * stats.rice.mean(1.0), 10 * stats.rice.mean(19.0)
    assert plain.ratio_of_sums == pytest.approx(100 * f / (f + w), abs=0.15)


@pytest.mark.parametrize("sigma", [1.5, 12.0])
def test_sigma_is_read_from_air(sigma: float) -> None:
    image = magnitude(0.0, sigma, (40, 64, 64), 3)
    image[:, 16:48, 16:48] += 300
    image[:, :6, :6] += 40  # a ghost in one corner
    assert background_sigma(image)[0] == pytest.approx(sigma, rel=0.05)


def test_padding_is_no_air() -> None:
    image = magnitude(0.0, 4.0, (40, 64, 64), 3)
    image[20:] = 0
    assert background_sigma(image)[0] == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("case", ["masked", "edge of the body"])
def test_corners_without_air_give_no_sigma(case: str) -> None:
    image = np.zeros((20, 32, 32))
    if case == "edge of the body":
        image += magnitude(0.0, 1.0, image.shape, 4)
        image[::4] += 400
    sigma, reason = background_sigma(image)
    assert sigma is None
    assert "air" in reason


@pytest.mark.parametrize("sigma", [0.6, 1.0, 3.0])
def test_sigma_of_an_integer_image_counts_its_zeros(sigma: float) -> None:
    generator = np.random.default_rng(3)
    air = np.hypot(*generator.normal(0.0, sigma, (2, 24, 96, 96)))
    stored = np.rint(air).astype(np.int16)
    stored[:, :, -1] = 0
    stored[:4] = 0
    found, reason = background_sigma(stored)
    assert reason == ""
    # Rounding shifts the mean of a Rayleigh by less than 3 % from sigma = 0.6 up.
    assert found == pytest.approx(sigma, rel=0.03)
