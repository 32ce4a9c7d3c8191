"""Fat fraction through the stage and its parts: known fractions, other grids, erosion, real data."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from containers.composition.fat_fraction import fraction_map, inner_labels
from containers.composition.resample import fraction_inside, labels_on_grid
from containers.toolkit.images.labels import THIGH_LABELS, label_of
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, read_nrrd, write_nrrd
from containers.toolkit.tables.table import read_table
from tests.composition.boxes import GRID, box_labels, cut_warning, even_widths
from tests.composition.conftest import RunStage
from tests.optional import DATA

GE = DATA / "ge_thigh_dixon"


def write_case(folder: Path, labels: npt.NDArray[np.uint8], fraction: npt.NDArray[np.float64]) -> dict[str, Path]:
    """Noise-free water and fat of signal 500 with the given fat fraction (0..1, on GRID), and their labels."""
    write_segmentation(folder / "labels.seg.nrrd", labels, GRID, THIGH_LABELS)
    signal = np.where(labels > 0, 500.0, 0.0)
    write_nrrd(folder / "water.nrrd", Volume((signal * (1 - fraction)).astype(np.float32), GRID))
    write_nrrd(folder / "fat.nrrd", Volume((signal * fraction).astype(np.float32), GRID))
    return {name: folder / f"{name}{'.seg' * (name == 'labels')}.nrrd" for name in ("labels", "water", "fat")}


def test_each_structure_and_side_has_its_own_fraction(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    left = np.arange(GRID.size[0]) >= GRID.size[0] // 2
    fraction = (labels + 10.0 * left) / 100  # label n: n % on the right, n + 10 % on the left
    inputs = write_case(tmp_path, labels, fraction)
    record = run_stage([{"id": "one", "inputs": inputs}], noise_correction="none", erosion_voxels=0)["one"]
    table = read_table(tmp_path / "out" / "one" / "measures.parquet")
    for label, side, *found in zip(
        table["label"],
        table["side"],
        table["pdff_percent"],
        table["pdff_percent_mean"],
        table["pdff_percent_median"],
        strict=True,
    ):
        true = label + {"left": 10, "right": 0, "both": 5}[side]
        assert found[:2] == pytest.approx([true, true], abs=1e-4)
        assert side == "both" or found[2] == pytest.approx(true, abs=1e-4)
    assert record["metrics"]["pdff_percent.femur"]["value"] == pytest.approx(32, abs=1e-4)
    percent = read_nrrd(tmp_path / "out" / "one" / "fat_fraction.nrrd")
    assert percent.data.dtype == np.float32
    np.testing.assert_allclose(percent.data, np.where(labels > 0, 100 * fraction, 0), atol=1e-4)
    assert "pdff_percent.femur" in record["metrics"]
    assert record["details"]["noise"]["applied"] == "none"


def test_the_statistic_is_the_one_asked_for(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    rng = np.random.default_rng(5)
    inputs = write_case(tmp_path, labels, rng.beta(1, 6, labels.shape))
    signal = np.where(labels > 0, rng.uniform(100, 900, labels.shape), 0)
    for name, part in (("water", 1.0), ("fat", 0.2)):
        write_nrrd(inputs[name], Volume((signal * part * rng.uniform(0, 1, labels.shape)).astype(np.float32), GRID))
    water, fat = (read_nrrd(inputs[name]).data[labels == 9].astype(float) for name in ("water", "fat"))
    ratios = 100 * fat / (fat + water)
    expected = {
        "ratio_of_sums": 100 * fat.sum() / (fat.sum() + water.sum()),
        "mean": ratios.mean(),
        "median": np.median(ratios),
    }
    assert max(expected.values()) - min(expected.values()) > 1
    for statistic, value in expected.items():
        parameters = {"pdff_statistic": statistic, "noise_correction": "none", "erosion_voxels": 0}
        record = run_stage([{"id": statistic, "inputs": inputs}], **parameters)[statistic]
        assert record["metrics"]["pdff_percent.piriformis"]["value"] == pytest.approx(value, rel=1e-5)


def test_a_fraction_of_few_voxels_carries_a_warning(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    gracilis = np.argwhere(labels == label_of("gracilis"))
    labels[labels == label_of("gracilis")] = 0
    labels[tuple(gracilis[:9].T)] = label_of("gracilis")
    inputs = write_case(tmp_path, labels, np.full(labels.shape, 0.3))
    record = run_stage([{"id": "one", "inputs": inputs}], noise_correction="none", erosion_voxels=0)["one"]
    assert record["warnings"] == [cut_warning(), "fat fraction rests on fewer than 10 voxels: gracilis"]


def test_voxels_without_signal_have_no_ratio(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    inputs = write_case(tmp_path, labels, np.full(labels.shape, 0.3))
    hole = (np.indices(labels.shape).sum(axis=0) % 2 == 0) & (labels == label_of("gracilis"))
    everywhere = labels == label_of("sartorius")
    for name in ("water", "fat"):
        data = np.where(hole | everywhere, 0, read_nrrd(inputs[name]).data)
        write_nrrd(inputs[name], Volume(data.astype(np.float32), GRID))
    record = run_stage([{"id": "one", "inputs": inputs}], noise_correction="none", erosion_voxels=0)["one"]
    table = read_table(tmp_path / "out" / "one" / "measures.parquet")
    row = list(zip(table["name"], table["side"], strict=True)).index(("gracilis", "both"))
    assert table["pdff_voxels"][row] == 800
    assert table["pdff_percent_mean"][row] == pytest.approx(30, abs=1e-4)
    assert table["pdff_percent_median"][row] == pytest.approx(30, abs=1e-4)
    assert record["metrics"]["pdff_percent.sartorius"] == {"value": None, "unit": "%", "note": "no signal"}


def test_noise_free_images_are_not_corrected_and_say_so(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    inputs = write_case(tmp_path, labels, np.full(labels.shape, 0.1))
    record = run_stage([{"id": "one", "inputs": inputs}])["one"]
    assert record["metrics"]["pdff_percent.gracilis"]["value"] == pytest.approx(10, abs=1e-4)
    assert record["metrics"]["noise_sigma.fat"]["value"] is None
    assert any("not corrected for noise" in line for line in record["warnings"])


def test_noise_is_corrected_by_default(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    inputs = write_case(tmp_path, labels, np.full(labels.shape, 0.04))
    rng = np.random.default_rng(11)
    # Unlike sigmas: each image must be corrected with its own.
    for name, sigma in (("water", 5.0), ("fat", 20.0)):
        image = read_nrrd(inputs[name])
        noisy = np.hypot(image.data + rng.normal(0, sigma, labels.shape), rng.normal(0, sigma, labels.shape))
        write_nrrd(inputs[name], Volume(noisy.astype(np.float32), GRID))
    plain = run_stage([{"id": "plain", "inputs": inputs}], noise_correction="none", erosion_voxels=0)["plain"]
    record = run_stage([{"id": "one", "inputs": inputs}], erosion_voxels=0)["one"]
    assert record["metrics"]["noise_sigma.water"]["value"] == pytest.approx(5, rel=0.06)
    assert record["metrics"]["noise_sigma.fat"]["value"] == pytest.approx(20, rel=0.06)
    assert record["details"]["noise"]["applied"] == "rician"
    names = [f"pdff_percent.{name}" for name in THIGH_LABELS.values()]
    # SNR 1 in fat: the plain fraction is 100 * 30.97 / (30.97 + 480.03) = 6.06 % by the Rician mean.
    assert np.mean([plain["metrics"][name]["value"] for name in names]) == pytest.approx(6.06, abs=0.05)
    assert np.mean([record["metrics"][name]["value"] for name in names]) == pytest.approx(4.0, abs=0.2)


def test_erosion_keeps_the_rim_out(tmp_path: Path, run_stage: RunStage) -> None:
    labels = box_labels(even_widths(), even_widths())
    core = ndimage.minimum_filter(labels, footprint=ndimage.generate_binary_structure(3, 1), mode="nearest")
    core[ndimage.maximum_filter(labels, footprint=ndimage.generate_binary_structure(3, 1), mode="nearest") != core] = 0
    inputs = write_case(tmp_path, labels, np.where(core > 0, 0.05, 0.9))
    with_rim = run_stage([{"id": "all", "inputs": inputs}], noise_correction="none", erosion_voxels=0)["all"]
    assert with_rim["metrics"]["pdff_percent.semitendinosus"]["value"] > 20
    for name, parameters in (("voxels", {}), ("mm", {"erosion_voxels": 0, "erosion_mm": 6.0})):
        record = run_stage([{"id": name, "inputs": inputs}], noise_correction="none", **parameters)[name]
        assert record["metrics"]["pdff_percent.semitendinosus"]["value"] == pytest.approx(5, abs=1e-4)
        assert record["metrics"]["volume_cm3.semitendinosus"]["value"] == pytest.approx(800 * 0.12)
        assert record["metrics"]["pdff_voxels.semitendinosus"]["value"] == 2 * 8 * 6 * 3
        assert not any("fewer than" in line for line in record["warnings"])
    thin = box_labels({**even_widths(), 17: 2}, {**even_widths(), 17: 2})
    write_segmentation(inputs["labels"], thin, GRID, THIGH_LABELS)
    gone = run_stage([{"id": "gone", "inputs": inputs}], noise_correction="none")["gone"]["metrics"]
    assert gone["pdff_percent.gracilis"]["value"] is None
    assert "left after erosion" in gone["pdff_percent.gracilis"]["note"]
    assert gone["pdff_voxels.gracilis"]["value"] == 0
    assert gone["volume_cm3.gracilis"]["value"] == pytest.approx(160 * 0.12)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2]), st.sampled_from([0.0, 1.0, 1.2, 2.0, 2.4, 3.7, 5.0, 30.0])
)
@settings(max_examples=30, deadline=None)
def test_erosion_is_the_distance_to_other_labels(seed: int, voxels: int, erosion_mm: float) -> None:
    rng = np.random.default_rng(seed)
    labels = ndimage.zoom(rng.integers(0, 4, (4, 4, 4)), 4, order=0).astype(np.uint8)
    grid = Geometry((16, 16, 16), (1.2, 2.0, 2.4), (0.0, 0.0, 0.0))
    expected = np.zeros_like(labels)
    for label in set(np.unique(labels)) - {0}:
        inside = labels == label
        if inside.all():
            expected[:] = label
            continue
        steps = ndimage.distance_transform_edt(inside)
        mm = ndimage.distance_transform_edt(inside, sampling=(2.4, 2.0, 1.2))
        expected[(steps > voxels + 1e-9) & (mm > erosion_mm + 1e-9)] = label
    np.testing.assert_array_equal(inner_labels(labels, grid, voxels, erosion_mm), expected)


def test_labels_and_images_meet_in_world_coordinates(tmp_path: Path, run_stage: RunStage) -> None:
    """The images cover half of the field, at other spacing and axis directions, as in the GE data."""
    labels = box_labels(even_widths(), even_widths())
    inputs = write_case(tmp_path, labels, np.zeros(labels.shape))
    grid = Geometry((160, 48, 22), (2.0, 2.5, 12.0), (159.0, 58.75, -897.0), ((-1, 0, 0), (0, -1, 0), (0, 0, 1)))
    k, j, i = np.indices(grid.shape)
    x = grid.position_mm(np.stack([i, j, k], -1))[..., 0]
    percent = 20 + 0.05 * x  # a ramp in world coordinates
    write_nrrd(inputs["water"], Volume(((100 - percent) * 10).astype(np.float32), grid))
    write_nrrd(inputs["fat"], Volume((percent * 10).astype(np.float32), grid))
    record = run_stage([{"id": "one", "inputs": inputs}], noise_correction="none", erosion_voxels=0)["one"]
    table = read_table(tmp_path / "out" / "one" / "measures.parquet")
    found = {(n, s): v for n, s, v in zip(table["name"], table["side"], table["pdff_percent"], strict=True)}
    # Boxes reach from 40 to 80 mm on either side: 20 +/- 0.05 * 60.
    assert found["gracilis", "left"] == pytest.approx(23, abs=0.02)
    assert found["gracilis", "right"] == pytest.approx(17, abs=0.02)
    assert record["details"]["labels_on_image_grid"]["method"] == "nearest in LPS"


@given(st.integers(0, 2**32 - 1), st.floats(-0.4, 0.4), st.floats(0.6, 2.5))
@settings(max_examples=20, deadline=None)
def test_resampling_is_nearest_by_position(seed: int, angle: float, spacing: float) -> None:
    rng = np.random.default_rng(seed)
    source = Geometry((7, 6, 5), (1.0, 1.5, 2.0), (3.0, -2.0, 1.0))
    labels = rng.integers(1, 200, source.shape).astype(np.uint8)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    axes = ((cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0))
    grid = Geometry((9, 8, 6), (spacing, 1.1, 1.7), (2.37, -2.41, -0.33), axes)
    k, j, i = np.indices(grid.shape)
    index = source.index(grid.position_mm(np.stack([i, j, k], -1)))
    nearest = np.rint(index).astype(int)
    inside = ((nearest >= 0) & (nearest < source.size)).all(-1)
    clear = (np.abs(index - np.floor(index) - 0.5) > 1e-6).all(-1)  # ties may go either way
    clipped = np.clip(nearest, 0, np.array(source.size) - 1)
    expected = np.where(inside, labels[clipped[..., 2], clipped[..., 1], clipped[..., 0]], 0)
    np.testing.assert_array_equal(labels_on_grid(labels, source, grid)[clear], expected[clear])


def test_fraction_inside_counts_voxel_centres() -> None:
    labels = np.ones((4, 4, 4), np.uint8)
    source = Geometry((4, 4, 4), (2.0, 2.0, 2.0), (1.0, 1.0, 1.0))  # centres at 1, 3, 5, 7
    half = Geometry((10, 10, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))  # voxels reach from -0.5 to 9.5 and 3.5 mm
    assert fraction_inside(labels, source, half) == 0.5


def geometry_from_ras(affine: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Geometry:
    """Grid in LPS of a NIfTI affine (RAS): x and y change sign."""
    steps = (np.diag([-1.0, -1.0, 1.0]) @ affine[:3, :3]).T
    spacing = np.linalg.norm(steps, axis=1)
    x, y, z = (float(v) for v in np.array([-1.0, -1.0, 1.0]) * affine[:3, 3])
    return Geometry(
        (shape[0], shape[1], shape[2]),
        (float(spacing[0]), float(spacing[1]), float(spacing[2])),
        (x, y, z),
        tuple((float(s[0]), float(s[1]), float(s[2])) for s in steps / spacing[:, None]),
    )


@pytest.mark.needs("data/ge_thigh_dixon")
def test_real_dixon_maps_give_their_reference_fat_fraction(tmp_path: Path, run_stage: RunStage) -> None:
    import nibabel

    inputs: dict[str, Any] = {}
    arrays = {}
    for name in ("water", "fat", "fatfraction"):
        image = nibabel.load(GE / "output" / f"{name}.nii.gz")
        arrays[name] = np.ascontiguousarray(np.asarray(image.dataobj).transpose(2, 1, 0))
        inputs[name] = tmp_path / f"{name}.nrrd"
        write_nrrd(inputs[name], Volume(arrays[name], geometry_from_ras(image.affine, image.shape)))
    mask = nibabel.load(GE / "input" / "mask.nii.gz")
    mask_labels = np.ascontiguousarray(np.asarray(mask.dataobj).transpose(2, 1, 0)).astype(np.uint8)
    mask_grid = geometry_from_ras(mask.affine, mask.shape)
    inputs["labels"] = tmp_path / "mask.seg.nrrd"
    write_segmentation(inputs["labels"], mask_labels, mask_grid, {1: "thigh"})
    reference = arrays["fatfraction"]
    np.testing.assert_array_equal(reference[(arrays["water"] + arrays["fat"]) == 0], 0)
    found = fraction_map(arrays["water"], arrays["fat"], (0.0, 0.0))
    # The reference is float64, the map float32: half a unit in the last place of a float32.
    assert np.all(np.abs(found - reference) <= np.spacing(np.abs(reference).astype(np.float32)))
    parameters = {"fat_fraction_domain": "signed", "pdff_statistic": "median", "erosion_voxels": 0}
    del inputs["fatfraction"]
    record = run_stage([{"id": "ge", "inputs": inputs}], **parameters)["ge"]
    assert record["status"] == "ok", record["error"]
    written = read_nrrd(tmp_path / "out" / "ge" / "fat_fraction.nrrd")
    np.testing.assert_array_equal(written.data, found)
    # The maps are rows 128 to 383 of the mask's 512, at the same spacing: the mask can be cropped by hand.
    expected = np.median(reference[(mask_labels[:, 128:384] == 1) & ((arrays["water"] + arrays["fat"]) != 0)])
    assert record["metrics"]["pdff_percent.thigh"]["value"] == pytest.approx(expected, abs=1e-3)
