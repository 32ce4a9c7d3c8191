"""What must not change a measure: scale, offset and type of an image, the order of its axes, finer voxels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.composition.mixture.fit import fit_mixture
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.images.segmentation import write_segmentation
from containers.toolkit.images.volume import Geometry, Volume, write_nrrd
from tests.composition.back_boxes import GRID, Back, back_image, back_labels, streaks
from tests.composition.boxes import GRID as THIGH_GRID
from tests.composition.boxes import box_labels, even_widths
from tests.composition.conftest import RunStage

LABELS = back_labels()
IMAGE = np.rint(back_image(LABELS, streaks(LABELS))).astype(np.int16)
PERCENT = ("intermat_percent", "lmm_cm3_per_bmi", "volume_cm3", "autochthon_asymmetry_percent")


def measured(folder: Path, run: RunStage, backs: dict[str, dict[str, Any]], **parameters: Any) -> dict[str, Any]:
    """Values of the metrics of each back, by its name."""
    items = [
        Back(folder / name, **{"image": IMAGE, "labels": LABELS, **back}).item(name) for name, back in backs.items()
    ]
    records = run(items, **parameters)
    assert all(record["status"] == "ok" for record in records.values()), records
    return {n: {m: v["value"] for m, v in record["metrics"].items()} for n, record in records.items()}


@pytest.mark.parametrize("factor", [1e-6, 1e-4, 0.01, 3.7, 1e4])
@pytest.mark.parametrize("method", ["histogram", "sklearn"])
def test_the_scale_of_an_image_changes_no_share(
    factor: float, method: str, tmp_path: Path, run_stage: RunStage
) -> None:
    scaled = (IMAGE * factor).astype(np.float32)
    found = measured(tmp_path, run_stage, {"one": {}, "two": {"image": scaled}}, mixture_method=method)
    one, two = found["one"], found["two"]
    assert one.keys() == two.keys()
    for name in one:
        if name.startswith(("mixture_mean", "mixture_sd", "adipose_signal")):
            assert two[name] == pytest.approx(factor * one[name], rel=2e-5), name
        elif name.startswith("mixture_iterations"):
            assert abs(two[name] - one[name]) <= 1
        else:
            # Single precision keeps 6e-8 of an intensity; EM stops at 1e-8 of its likelihood.
            assert two[name] == pytest.approx(one[name], rel=2e-5, abs=2e-5), name


@pytest.mark.parametrize("offset", [0.5, 300.0])
def test_an_offset_changes_no_share_where_signal_is_linear(offset: float, tmp_path: Path, run_stage: RunStage) -> None:
    found = measured(tmp_path, run_stage, {"one": {}, "two": {"image": (IMAGE + offset).astype(np.float32)}})
    for name in PERCENT:
        assert found["two"][name] == pytest.approx(found["one"][name], rel=2e-5), name
    for name in ("mixture_mean.component_1", "adipose_signal"):
        assert found["two"][name] == pytest.approx(found["one"][name] + offset, rel=2e-5), name


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32", "float64"])
def test_the_type_of_an_image_changes_nothing(kind: str, tmp_path: Path, run_stage: RunStage) -> None:
    found = measured(tmp_path, run_stage, {"one": {}, "two": {"image": IMAGE.astype(kind)}})
    assert found["two"] == pytest.approx(found["one"], rel=1e-12)


def flipped(data: Any, grid: Geometry, axis: int) -> tuple[Any, Geometry]:
    """The same voxels at the same places, stored the other way round along an axis (0: i)."""
    directions = [list(row) for row in grid.directions]
    directions[axis] = [-v for v in directions[axis]]
    index = [0, 0, 0]
    index[axis] = grid.size[axis] - 1
    x, y, z = (float(v) for v in grid.position_mm(index))
    moved = replace(grid, origin_mm=(x, y, z), directions=tuple((r[0], r[1], r[2]) for r in directions))
    return np.ascontiguousarray(np.flip(data, 2 - axis)), moved


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_order_of_voxels_along_an_axis_changes_nothing(axis: int, tmp_path: Path, run_stage: RunStage) -> None:
    image, grid = flipped(IMAGE, GRID, axis)
    labels, _ = flipped(LABELS, GRID, axis)
    other = {"image": image, "labels": labels, "grid": grid, "image_grid": grid}
    found = measured(tmp_path, run_stage, {"one": {}, "two": other})
    assert found["two"] == pytest.approx(found["one"], rel=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_finer_voxels_of_the_same_values_change_no_share(axis: int, tmp_path: Path, run_stage: RunStage) -> None:
    size, spacing, origin = (list(v) for v in (GRID.size, GRID.spacing_mm, GRID.origin_mm))
    size[axis], spacing[axis], origin[axis] = size[axis] * 2, spacing[axis] / 2, origin[axis] - spacing[axis] / 4
    grid = Geometry(
        (size[0], size[1], size[2]), (spacing[0], spacing[1], spacing[2]), (origin[0], origin[1], origin[2])
    )
    image, labels = (np.repeat(data, 2, axis=2 - axis) for data in (IMAGE, LABELS))
    other = {"image": image, "labels": labels, "grid": grid, "image_grid": grid}
    found = measured(tmp_path, run_stage, {"one": {}, "two": other})
    for name in PERCENT:
        # The mode of the adipose tissue ends at a fixed number of voxels, of which there are twice as many.
        assert found["two"][name] == pytest.approx(found["one"][name], rel=2e-3), name
    assert found["two"]["intermat_percent_by_rule.hard_fat"] == pytest.approx(
        found["one"]["intermat_percent_by_rule.hard_fat"], rel=1e-6
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_volumes_and_sides_of_a_thigh_do_not_know_the_order_of_voxels(
    axis: int, tmp_path: Path, run_stage: RunStage
) -> None:
    plain = box_labels(even_widths(10), even_widths(8))
    turned, grid = flipped(plain, THIGH_GRID, axis)
    water, fat = (np.where(plain > 0, value, 0).astype(np.float32) for value in (300.0, 100.0))
    items = []
    for name, labels, where in (("one", plain, THIGH_GRID), ("two", turned, grid)):
        inputs = {}
        for kind, data in (("water", water), ("fat", fat)):
            inputs[kind] = tmp_path / f"{name}_{kind}.nrrd"
            stored = data if name == "one" else flipped(data, THIGH_GRID, axis)[0]
            write_nrrd(inputs[kind], Volume(stored, where))
        inputs["labels"] = tmp_path / f"{name}.seg.nrrd"
        write_segmentation(inputs["labels"], labels, where, THIGH_LABELS)
        items.append({"id": name, "inputs": inputs, "facts": {"height_m": 1.7}})
    records = run_stage(items)
    one, two = ({m: v["value"] for m, v in records[n]["metrics"].items()} for n in ("one", "two"))
    assert {name for name in one if one[name] is None} == {name for name in two if two[name] is None}
    assert {n: v for n, v in two.items() if v is not None} == pytest.approx(
        {n: v for n, v in one.items() if v is not None}, rel=1e-9
    )


@pytest.mark.parametrize("unit", [1e-5, 1e-3, 1.0, 1e3])
def test_a_component_on_one_intensity_ends_in_no_zero_variance(unit: float) -> None:
    values = np.concatenate([np.full(500, 3.0), np.arange(1000) % 40 + 100.0]) * unit
    fit = fit_mixture(values, 2)
    assert (fit.variances > 0).all()
    assert fit.weights == pytest.approx([1 / 3, 2 / 3], rel=1e-6)


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_axial_slices_are_measured_with_any_axis_last(
    order: tuple[int, int, int], tmp_path: Path, run_stage: RunStage
) -> None:
    """order: axes of the grid (0: i) that the stored i, j, k are."""
    grid = Geometry(
        (GRID.size[order[0]], GRID.size[order[1]], GRID.size[order[2]]),
        (GRID.spacing_mm[order[0]], GRID.spacing_mm[order[1]], GRID.spacing_mm[order[2]]),
        GRID.origin_mm,
        tuple(GRID.directions[axis] for axis in order),
    )
    array_axes = [2 - axis for axis in reversed(order)]
    image, labels = (np.ascontiguousarray(np.transpose(data, array_axes)) for data in (IMAGE, LABELS))
    other = {"image": image, "labels": labels, "grid": grid, "image_grid": grid}
    found = measured(tmp_path, run_stage, {"one": {}, "two": other})
    assert found["two"] == pytest.approx(found["one"], rel=1e-9)
