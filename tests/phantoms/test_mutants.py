"""Each label mutant changes what it says and keeps what it says."""

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import label_of
from containers.toolkit.images.volume import Geometry
from phantoms.corrupt.labels import MUTANTS, mutate_labels
from phantoms.shared.subjects import Subject
from phantoms.thigh.anatomy import Scales, build

GRID = Geometry((110, 80, 60), (4.0, 4.0, 10.0), (-218.0, -140.0, -490.0))
LABELS = build(
    Subject(sex="female", height_m=1.70, weight_kg=70, tmv_cm3=9000, pa_ratio=0.45), 0, "standard", Scales(left=0.04)
).labels(GRID)


def counts(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels.ravel(), minlength=28)


@pytest.mark.parametrize("fault", sorted(MUTANTS))
def test_a_mutant_differs_and_leaves_its_input_alone(fault: str) -> None:
    before = LABELS.copy()
    mutant = mutate_labels(LABELS, GRID, fault)
    assert np.array_equal(LABELS, before)
    assert mutant.dtype == np.uint8 and mutant.shape == LABELS.shape
    assert (mutant != LABELS).mean() > 1e-3


def test_sizes() -> None:
    now = {fault: counts(mutate_labels(LABELS, GRID, fault)) for fault in MUTANTS}
    usual = counts(LABELS)
    assert (now["eroded"][1:] < usual[1:]).all()
    assert now["dilated"][1:].sum() > 1.02 * usual[1:].sum() and (now["dilated"][1:] >= usual[1:]).all()
    for fault in ("left_right", "upside_down", "shifted"):
        assert np.array_equal(now[fault], usual)
    one, other = label_of("rectus_femoris"), label_of("semitendinosus")
    assert (now["mislabelled"][one], now["mislabelled"][other]) == (usual[other], usual[one])
    assert now["structure_lost"][label_of("gracilis")] == 0
    assert now["side_lost"][1:].sum() == pytest.approx(usual[1:].sum() / 2, rel=0.06)


def test_the_lost_side_is_the_left() -> None:
    mutant = mutate_labels(LABELS, GRID, "side_lost")
    i = np.nonzero(mutant)[2]
    assert GRID.position_mm([i.max(), 0, 0])[0] < 5


def test_unknown_mutant() -> None:
    with pytest.raises(ItemFault):
        mutate_labels(LABELS, GRID, "blurred")
