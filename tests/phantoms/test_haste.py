"""HASTE images against a k-space calculation of their own, and against signal equations at places of known tissue."""

from itertools import pairwise

import numpy as np
import pytest

from containers.toolkit.images.volume import Geometry
from phantoms.back import haste, kernel
from phantoms.back.anatomy import Scales, SpineAnatomy, build
from phantoms.back.subjects import SpineSubject
from phantoms.back.tissues import BY_CODE, groups

SUBJECT = SpineSubject(sex="female", height_m=1.70, weight_kg=80, lmm_cm3_per_bmi=25, intermat_percent=7.0)
GRID = Geometry((320, 260, 3), (1.4, 1.4, 5.0), (-223.3, -181.3, 150.0))


@pytest.fixture(scope="module")
def anatomy() -> SpineAnatomy:
    return build(SUBJECT, 0, "standard", Scales(-0.15, -0.15), np.full(4, 0.25))


@pytest.mark.parametrize("t2_ms", [35.0, 130.0, 1500.0])
def test_filter_is_a_homodyne_reconstruction_of_a_decaying_train(t2_ms: float) -> None:
    """Lines -36..N/2 of a real object, each by exp(-t / T2) since TE, ramp over the central ones, real part."""
    lines, early, line_ms = 261, 36, 2.25
    rng = np.random.default_rng(3)
    thing = rng.random(lines)
    n = np.fft.fftfreq(lines, 1 / lines)
    taken = n >= -early
    ramp = np.where(n > early, 2.0, 1 + n / early) * taken
    train = np.fft.fft(thing) * np.exp(-n * line_ms / t2_ms) * taken
    expected = np.fft.ifft(train * ramp).real
    factor = haste.echo_filter(lines, early, line_ms, t2_ms)
    assert np.fft.irfft(np.fft.rfft(thing) * factor, lines) == pytest.approx(expected, abs=1e-9)
    assert factor[0] == 1.0


def test_longer_t2_blurs_less() -> None:
    widths = []
    for t2_ms in (35.0, 60.0, 130.0, 1500.0):
        point = np.fft.irfft(haste.echo_filter(260, 36, 2.25, t2_ms), 260)
        widths.append((point > point[0] / 2).sum() + 1 / point[0])
    assert all(a > b for a, b in pairwise(widths))


def test_wide_tissue_has_the_signal_of_its_t2(anatomy: SpineAnatomy) -> None:
    """Signal equation: proton density times exp(-81 / T2), in units of fat's stored level; far from every edge."""
    image = haste.acquire(anatomy, GRID, haste.FULL, np.random.default_rng(0), noise=0.0)[1]
    codes = anatomy.codes(GRID)[1]
    for code, t2, density in ((kernel.OTHER_MUSCLE, 35.0, 0.80), (kernel.CSF, 1500.0, 1.0)):
        assert (BY_CODE[code].t2_ms, BY_CODE[code].proton_density) == (t2, density)
        mask = codes == code
        inner = mask.copy()
        for axis in (0, 1):
            for step in range(1, 5 if code == kernel.CSF else 9):
                inner &= np.roll(mask, step, axis) & np.roll(mask, -step, axis)
        assert inner.sum() > 5
        expected = 430.0 * density * np.exp(-81 / t2) / (0.9 * np.exp(-81 / 130))
        assert np.median(image[inner]) == pytest.approx(expected, rel=0.06)
    fat = image[codes == kernel.SUBCUTANEOUS]
    assert np.median(fat) == pytest.approx(430, rel=0.03)
    assert np.median(image[np.isin(codes, (1, 2, 3, 4))]) < 0.25 * np.median(image[np.isin(codes, (5, 6, 7, 8))])


def test_mean_signal_of_a_column_is_kept(anatomy: SpineAnatomy) -> None:
    """H(0) = 1: blur moves signal along the phase-encode axis and takes none away, column by column."""
    image = haste.acquire(anatomy, GRID, haste.FULL, np.random.default_rng(0), noise=0.0)[1]
    density, group, times = groups(SUBJECT)
    fine = Geometry((320 * 4, 260 * 4, 5), (0.35, 0.35, 1.0), (-223.825, -181.825, 153.0))
    codes = anatomy.codes(fine)
    weight = np.where(group >= 0, density * np.exp(-81 / times[group]), 0.0) * 430 / (0.9 * np.exp(-81 / 130))
    columns = weight[codes].mean(axis=(0, 1)).reshape(320, 4).mean(1)
    # The image is a magnitude: negative lobes count positively, which adds a little.
    assert image.mean(axis=0)[60:260] == pytest.approx(columns[60:260], rel=0.05)


def test_homogeneous_voxels_are_sampled_once_without_changing_the_image(anatomy: SpineAnatomy) -> None:
    density, group, times = groups(SUBJECT)
    grid = Geometry((160, 80, 2), (1.4, 1.4, 5.0), (-112.0, 10.0, 150.0))
    wider = Geometry((160, 80, 4), (1.4, 1.4, 5.0), (-112.0, 10.0, 145.0))
    images = []
    for centre in (anatomy.codes(wider), np.ones(wider.shape, dtype=np.uint8)):
        out = np.zeros((len(times), *grid.shape), dtype=np.float32)
        kernel.sample_voxels(
            *anatomy.tables, np.asarray(grid.origin_mm), grid.matrix(), (2, 2, 3), density, group, 0.0, centre, out
        )
        images.append(out)
    difference = np.abs(images[0] - images[1])
    assert difference.mean() < 1e-3
    assert (difference > 0.05).mean() < 2e-3


def test_noise_is_rician(anatomy: SpineAnatomy) -> None:
    air = Geometry((64, 64, 2), (1.4, 1.4, 5.0), (-223.0, -500.0, 150.0))
    image = haste.acquire(anatomy, air, haste.FULL, np.random.default_rng(5), noise=2.0)
    sigma = 2.0 * haste.FULL.noise_sigma
    assert image.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.02)
    assert (image**2).mean() == pytest.approx(2 * sigma**2, rel=0.04)


def test_full_protocol_is_the_papers() -> None:
    """nako_cbp, Methods: 1.4 x 1.4 x 5.0 mm, echo time 81 ms, 3 T."""
    scan = haste.FULL
    assert (scan.pixel_mm, scan.slice_mm, scan.te_ms, scan.field_tesla) == (1.4, 5.0, 81.0, 3.0)
    assert scan.geometry().size[0] >= 320 and scan.geometry().size[1] >= 260 and scan.geometry().size[2] >= 100
    assert scan.early * scan.line_ms == pytest.approx(81.0)
