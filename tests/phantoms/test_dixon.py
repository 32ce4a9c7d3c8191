"""Signal physics against values worked out by hand, noise against the Rice distribution, fat fraction against truth."""

import numpy as np
import pytest

from containers.toolkit.images.labels import label_of
from containers.toolkit.images.volume import Geometry
from phantoms.shared import dixon
from phantoms.shared.protocol import FULL, SMALL
from phantoms.shared.subjects import Subject
from phantoms.shared.tissues import Tissue, fat_dephasing, spoiled_gradient_echo
from phantoms.thigh.anatomy import Anatomy, fit

FAT_PERCENT = {"gluteus_maximus": 12.0, "vastus_lateralis": 5.0}
SUBJECT = Subject(sex="male", height_m=1.70, weight_kg=75, tmv_cm3=10500, pa_ratio=0.45, pdff_percent=FAT_PERCENT)
STATION = Geometry((112, 75, 12), (4.0, 4.0, 4.0), (-222.0, -148.0, -172.0))


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return fit(SUBJECT, 0)


def acquire(anatomy: Anatomy, **settings: object) -> dixon.Images:
    return dixon.acquire(anatomy, STATION, FULL, np.random.default_rng(7), **settings)  # type: ignore[arg-type]


def inside(anatomy: Anatomy, name: str) -> np.ndarray:
    """Voxels of STATION that lie wholly inside a muscle: all labels on a three times finer grid agree."""
    fine = Geometry((336, 225, 36), (4 / 3,) * 3, tuple(o - 4 / 3 for o in STATION.origin_mm))  # type: ignore[arg-type]
    same = anatomy.labels(fine) == label_of(name)
    whole = same.reshape(12, 3, 75, 3, 112, 3).all(axis=(1, 3, 5))
    # One voxel further in, for a thin sheet of fascia can pass between the finer grid's points.
    core = whole.copy()
    for axis in range(3):
        core &= np.roll(whole, 1, axis) & np.roll(whole, -1, axis)
    return core


def test_fat_dephasing_by_hand() -> None:
    """Main peak alone: -3.4 ppm of 63.866 MHz is -217.15 Hz, so 2.39 ms is -0.5190 turns and 4.77 ms -1.0358 turns.

    Each term below is share times cosine, in the order of the peaks; the turns of the six at 2.39 ms are -0.5801,
    -0.5190, -0.3969, -0.2961, -0.0595 and 0.0916.
    """
    opposed, in_phase = fat_dephasing([2.39, 4.77], 1.5)
    assert opposed.real == pytest.approx(-0.0762 - 0.6880 - 0.1020 - 0.0011 + 0.0363 + 0.0411, abs=0.003)
    assert in_phase.real == pytest.approx(0.0476 + 0.6755 + 0.0335 - 0.0034 + 0.0286 + 0.0201, abs=0.003)
    assert opposed.real == pytest.approx(-0.790, abs=0.002)


def test_ernst_formula_by_hand() -> None:
    """T1 1000 ms, TR 6.53 ms, 10 degrees: E1 = 0.993491, sin = 0.173648, cos = 0.984808."""
    expected = 0.173648 * (1 - 0.993491) / (1 - 0.993491 * 0.984808)
    assert spoiled_gradient_echo(1000.0, 6.53, 10.0) == pytest.approx(expected, rel=1e-3)
    ernst = np.rad2deg(np.arccos(np.exp(-6.53 / 1000)))
    angles = np.linspace(1, 30, 291)
    best = angles[np.argmax([spoiled_gradient_echo(1000, 6.53, a) for a in angles])]
    assert best == pytest.approx(ernst, abs=0.06)


def test_muscle_signal_by_hand(anatomy: Anatomy) -> None:
    """Gluteus maximus, 12 % fat: water 176 x decay; fat 24 x (A_fat / A_muscle, about 1.95) x decay x dephasing.

    Decay of water (T2* 35 ms): 0.9340, 0.8726; of fat (40 ms): 0.9420, 0.8876.
    """
    images = acquire(anatomy, noise=0.0)
    where = inside(anatomy, "gluteus_maximus")
    assert where.sum() > 50
    ratio = spoiled_gradient_echo(300, 6.53, 10) / spoiled_gradient_echo(1000, 6.53, 10)
    assert ratio == pytest.approx(1.95, abs=0.05)
    c_opposed, c_in = fat_dephasing([2.39, 4.77], 1.5)
    s_opposed = 176 * 0.9340 + 24 * ratio * 0.9420 * c_opposed
    s_in = 176 * 0.8726 + 24 * ratio * 0.8876 * c_in
    assert images["opposed_phase"][where] == pytest.approx(abs(s_opposed), rel=1e-3)
    assert images["in_phase"][where] == pytest.approx(abs(s_in), rel=1e-3)
    assert images["water"][where] == pytest.approx(abs(s_in + s_opposed) / 2, rel=1e-3)
    assert images["fat"][where] == pytest.approx(abs(s_in - s_opposed) / 2, rel=1e-3)
    assert 80 < images["in_phase"][where].mean() < 450


@pytest.mark.parametrize("muscle", sorted(FAT_PERCENT))
def test_fat_fraction_of_noiseless_images_is_the_truth(anatomy: Anatomy, muscle: str) -> None:
    where = inside(anatomy, muscle)
    tissue = Tissue(1000.0, 35.0, 0.80, FAT_PERCENT[muscle] / 100)
    for reconstruction in ("ideal", "two_point"):
        images = acquire(anatomy, noise=0.0, shading=0.3, reconstruction=reconstruction)
        fraction = 100 * images["fat"][where] / (images["fat"][where] + images["water"][where])
        expected = FAT_PERCENT[muscle] if reconstruction == "ideal" else None
        if expected is not None:
            assert fraction == pytest.approx(expected, abs=1e-3)
        reported = dixon.signal_fat_fraction(tissue, FULL, reconstruction)  # type: ignore[arg-type]
        assert fraction == pytest.approx(reported, abs=1e-3)


def test_texture_keeps_its_reported_mean(anatomy: Anatomy) -> None:
    """Mean fat fraction over a muscle's inner voxels against the factor that `volumes` reports, at 4 mm to 3 %."""
    images = acquire(anatomy, noise=0.0, reconstruction="ideal", texture=0.8)
    where = inside(anatomy, "gluteus_maximus")
    fraction = 100 * images["fat"][where] / (images["fat"][where] + images["water"][where])
    assert fraction.std() > 1.0
    factor = anatomy.volumes(4.0, texture=0.8)[1][label_of("gluteus_maximus")]
    assert fraction.mean() == pytest.approx(12.0 * factor, rel=0.05)


def test_partial_volume_is_the_mean_of_finer_voxels(anatomy: Anatomy) -> None:
    """Water of a voxel of 8 mm equals the mean of the eight voxels of 4 mm in it, when both sample the same points."""
    fine_protocol = FULL.__class__(**{**FULL.__dict__, "sub_samples": (1, 1, 1)})
    coarse = Geometry((56, 37, 6), (8.0, 8.0, 8.0), (-220.0, -146.0, -170.0))
    fine = Geometry((112, 74, 12), (4.0, 4.0, 4.0), (-222.0, -148.0, -172.0))
    rng = np.random.default_rng(0)
    small = dixon.acquire(anatomy, fine, fine_protocol, rng, noise=0, reconstruction="ideal")["water"]
    large = dixon.acquire(anatomy, coarse, FULL, rng, noise=0, reconstruction="ideal")["water"]
    assert large == pytest.approx(small.reshape(6, 2, 37, 2, 56, 2).mean(axis=(1, 3, 5)), abs=1e-3)


def test_noise_is_rician(anatomy: Anatomy) -> None:
    """Air: mean sigma sqrt(pi / 2), and sigma sqrt(pi) / 2 in water and fat. Tissue: E[M^2] = A^2 + 2 sigma^2."""
    noisy, clean = acquire(anatomy), acquire(anatomy, noise=0.0)
    sigma = FULL.noise_sigma
    air = clean["in_phase"] == 0
    n = air.sum()
    for contrast, s in (
        ("in_phase", sigma),
        ("opposed_phase", sigma),
        ("water", sigma / 2**0.5),
        ("fat", sigma / 2**0.5),
    ):
        error = 5 * s * np.sqrt((2 - np.pi / 2) / n)
        assert noisy[contrast][air].mean() == pytest.approx(s * np.sqrt(np.pi / 2), abs=error)
    where = clean["in_phase"] > 100
    amplitude = clean["in_phase"][where].astype(float)
    excess = noisy["in_phase"][where].astype(float) ** 2 - amplitude**2
    error = 5 * np.sqrt(np.mean(4 * amplitude**2 * sigma**2 + 4 * sigma**4) / where.sum())
    assert excess.mean() == pytest.approx(2 * sigma**2, abs=error)


def test_motion_leaves_ghosts_in_air(anatomy: Anatomy) -> None:
    still, moved = (acquire(anatomy, noise=0.0, motion=m)["in_phase"] for m in (0.0, 0.6))
    air = still == 0
    assert moved[air].mean() > 5


def test_presets_cover_the_paper_s_protocol() -> None:
    lowest, highest = (FULL.geometry(s) for s in (5, 0))
    top = highest.origin_mm[2] + 59 * 3.0
    assert round((top - lowest.origin_mm[2]) / 3.0) + 1 == 320
    assert FULL.matrix == 224 and FULL.matrix * FULL.pixel_mm == 448
    assert SMALL.matrix * SMALL.pixel_mm == 448
    for scan in (FULL, SMALL):
        upper, lower = scan.geometry(2), scan.geometry(3)
        shared = (lower.origin_mm[2] + scan.slices * scan.slice_mm - upper.origin_mm[2]) / scan.slice_mm
        assert shared == pytest.approx(scan.overlap)
