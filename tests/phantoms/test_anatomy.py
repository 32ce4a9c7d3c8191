"""The anatomy against what is known without its code: areas by integration, knots of the template, symmetry."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import HAMSTRINGS, MUSCLES, QUADRICEPS, THIGH_LABELS, label_of
from containers.toolkit.images.volume import Geometry
from phantoms.shared.subjects import TABLE_1, Subject, draw_subject
from phantoms.thigh.anatomy import FASCIA_MM, Anatomy, Scales, build, fit, truth

PLAIN = Subject(sex="male", height_m=1.70, weight_kg=70, tmv_cm3=9000, pa_ratio=0.45)


def slice_at(z: float, step: float = 1.0, half: float = 200.0) -> Geometry:
    """One axial slice, symmetric about x = 0."""
    n = int(2 * half / step)
    corner = -(n - 1) / 2 * step
    return Geometry((n, n, 1), (step, step, 1.0), (corner, corner, z))


@pytest.fixture(scope="module")
def unscaled() -> Anatomy:
    return build(PLAIN, 0, "standard", Scales())


@pytest.fixture(scope="module")
def fitted() -> Anatomy:
    return fit(PLAIN, 0)


def test_area_and_place_of_the_femoral_shaft(unscaled: Anatomy) -> None:
    """At the knot z = -200 the shaft is centred on (103, -8) with semi-axes 13.5 and 14 and squareness 0.1."""
    geometry = slice_at(-200.0, 0.5)
    _, j, i = np.nonzero(unscaled.labels(geometry) == label_of("femur"))
    points = geometry.position_mm(np.stack([i, j, np.zeros_like(i)], -1))
    left = points[points[:, 0] > 0]
    assert left.mean(0)[:2] == pytest.approx([103.0, -8.0], abs=0.05)
    angle = np.linspace(0, 2 * np.pi, 4001)[:-1]
    c2, s2 = np.cos(angle) ** 2, np.sin(angle) ** 2
    level_squared = 0.9 + 0.1 * np.sqrt(c2**2 + s2**2)
    area = 13.5 * 14.0 * np.mean(np.pi / level_squared)
    assert len(left) * 0.25 == pytest.approx(area, rel=0.01)


def test_muscles_in_contact_are_parted_by_fascia(unscaled: Anatomy) -> None:
    """Along the line from vastus lateralis to biceps femoris, the fat between them is about FASCIA_MM wide."""
    row = Geometry((1, 4000, 1), (1.0, 0.05, 1.0), (126.0, -60.0, -250.0))
    line = unscaled.labels(row)[0, :, 0]
    where = {n: np.flatnonzero(line == label_of(n)) for n in ("vastus_lateralis", "biceps_femoris")}
    gap = 0.05 * (where["biceps_femoris"].min() - where["vastus_lateralis"].max())
    assert 0.5 * FASCIA_MM < gap < 4 * FASCIA_MM


def test_both_sides_mirror_each_other_without_asymmetry_and_pose(fitted: Anatomy) -> None:
    for z in (90.0, 40.0, 0.0, -60.0, -200.0, -380.0):
        labels = fitted.labels(slice_at(z))
        assert np.array_equal(labels, labels[..., ::-1])


def test_all_structures_are_there_and_lie_where_anatomy_has_them(fitted: Anatomy) -> None:
    geometry = Geometry((110, 80, 160), (4.0, 4.0, 4.0), (-218.0, -140.0, -510.0))
    labels = fitted.labels(geometry)
    centre = {}
    for value, name in THIGH_LABELS.items():
        k, j, i = np.nonzero(labels == value)
        assert len(k) * geometry.voxel_cm3 > 15, name
        points = geometry.position_mm(np.stack([i, j, k], -1))
        points[:, 0] = np.abs(points[:, 0])
        centre[name] = points.mean(0)
    anterior, posterior = (np.mean([centre[n][1] for n in names]) for names in (QUADRICEPS, HAMSTRINGS))
    assert posterior - anterior > 50
    assert centre["gracilis"][0] < centre["adductor_magnus"][0] < centre["vastus_lateralis"][0]
    assert centre["gluteus_maximus"][1] > centre["iliac_bone"][1] + 20
    assert centre["gluteus_medius"][0] > centre["gluteus_minimus"][0] > centre["obturator_internus"][0]
    assert centre["multifidus"][2] > centre["piriformis"][2] > centre["quadratus_femoris"][2] > centre["femur"][2]


def test_pose_moves_the_body_and_nothing_else() -> None:
    posed = PLAIN.model_copy(update={"rotation_deg": 3.0, "shift_mm": (5.0, -4.0, 7.0)})
    still, moved = (build(s, 0, "standard", Scales()) for s in (PLAIN, posed))
    grid = Geometry((60, 50, 5), (5.0, 5.0, 20.0), (-150.0, -120.0, -120.0))
    turn = np.deg2rad(3.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    origin = rotation @ np.array(grid.origin_mm) + [5.0, -4.0, 7.0]
    turned = Geometry(grid.size, grid.spacing_mm, tuple(origin), tuple(map(tuple, rotation.T)))
    assert np.mean(still.labels(grid) == moved.labels(turned)) > 0.9999


def test_abduction_keeps_volumes(unscaled: Anatomy) -> None:
    spread = build(PLAIN.model_copy(update={"abduction_deg": 4.0}), 0, "standard", Scales())
    thigh = [label_of(n) for n in (*HAMSTRINGS, "vastus_lateralis", "adductor_longus")]
    before, after = (a.volumes(3.0)[0].sum(0)[thigh] for a in (unscaled, spread))
    assert after == pytest.approx(before, rel=0.01)


def test_truth_converges_and_states_its_precision(fitted: Anatomy) -> None:
    coarse, coarse_precision = truth(fitted, 4.0)
    fine, fine_precision = truth(fitted, 2.0)
    for name, value in fine.items():
        # Each half-width is estimated from six lattices: twice their sum is a margin that 90 quantities keep.
        assert abs(coarse[name] - value) <= 2 * (coarse_precision[name] + fine_precision[name]), name
    assert sum(fine_precision.values()) < 0.7 * sum(coarse_precision.values())
    assert fine_precision["tmv_cm3"] < 0.001 * fine["tmv_cm3"]


@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    tmv=st.floats(6000, 14000),
    ratio=st.floats(0.36, 0.56),
    asymmetry=st.floats(-8, 8),
    height=st.floats(1.52, 1.92),
    seed=st.integers(0, 50),
)
def test_requested_sizes_are_hit(tmv: float, ratio: float, asymmetry: float, height: float, seed: int) -> None:
    subject = Subject(
        sex="female",
        height_m=height,
        weight_kg=24 * height**2,
        tmv_cm3=tmv,
        pa_ratio=ratio,
        asymmetry_percent=asymmetry,
    )
    anatomy = fit(subject, seed)
    values, _ = truth(anatomy, 4.0)
    assert values["tmv_cm3"] == pytest.approx(tmv, rel=0.015)
    assert values["pa_ratio_hamstrings_quadriceps"] == pytest.approx(ratio, rel=0.03)
    assert values["asymmetry_percent"] == pytest.approx(abs(asymmetry), abs=0.6)
    sides = {side: sum(values[f"volume_cm3_{side}.{n}"] for n in MUSCLES) for side in ("left", "right")}
    assert abs(asymmetry) < 1 or (sides["left"] > sides["right"]) == (asymmetry > 0)


def test_every_labelled_voxel_lies_in_the_four_lower_stations() -> None:
    """The tallest person drawn still fits, so that the truth is the whole structure's."""
    tall = PLAIN.model_copy(update={"height_m": 1.93})
    anatomy = build(tall, 0, "standard", Scales(plane=1.15))
    for z in (125.0, 160.0, -515.0):
        assert not anatomy.labels(slice_at(z, 2.0)).any()
    edge = Geometry((1, 200, 300), (1.0, 2.0, 2.0), (222.0, -200.0, -500.0))
    assert not anatomy.labels(edge).any()


def test_held_out_anatomy_has_other_shapes() -> None:
    labels = [fit(PLAIN, 0, variant).labels(slice_at(-150.0)) for variant in ("standard", "held_out")]
    both = (labels[0] > 0) & (labels[1] > 0)
    assert 0.3 < np.mean(labels[0][both] == labels[1][both]) < 0.95


def test_population_follows_table_1() -> None:
    people = [draw_subject(seed, "female") for seed in range(400)]
    for name, (mean, sd) in TABLE_1["female"].items():
        values = np.array([getattr(p, name) for p in people])
        assert values.mean() == pytest.approx(mean, abs=4 * sd / 20), name
        assert 0.8 * sd < values.std() < 1.05 * sd, name
    share = np.mean([draw_subject(seed).sex == "female" for seed in range(600)])
    assert share == pytest.approx(19084 / 37004, abs=0.08)


def test_a_body_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ItemFault, match="field of view"):
        fit(PLAIN.model_copy(update={"tmv_cm3": 17900.0, "height_m": 1.45}), 0)


def test_results_do_not_depend_on_the_number_of_threads(fitted: Anatomy) -> None:
    before, grid = numba.get_num_threads(), slice_at(-60.0, 2.0)
    try:
        numba.set_num_threads(1)
        one = fitted.labels(grid), fitted.volumes(6.0, texture=0.5)
    finally:
        numba.set_num_threads(before)
    many = fitted.labels(grid), fitted.volumes(6.0, texture=0.5)
    assert np.array_equal(one[0], many[0])
    assert all(np.array_equal(a, b) for a, b in zip(one[1], many[1], strict=True))


def test_indices_follow_their_definitions_from_the_structures_volumes() -> None:
    subject = PLAIN.model_copy(update={"asymmetry_percent": 12.0})
    values, _ = truth(fit(subject, 3), 5.0)

    def volume(*names: str) -> float:
        return sum(values[f"volume_cm3.{name}"] for name in names)

    posterior = volume("semimembranosus", "semitendinosus", "biceps_femoris")
    quadriceps = volume("rectus_femoris", "vastus_lateralis", "vastus_medialis", "vastus_intermedius")
    assert values["pa_ratio_hamstrings_quadriceps"] == pytest.approx(posterior / quadriceps, rel=1e-3)
    anterior = quadriceps + volume("sartorius")
    assert values["pa_ratio_posterior_anterior"] == pytest.approx(posterior / anterior, rel=1e-3)
    left, right = (sum(values[f"volume_cm3_{side}.{n}"] for n in MUSCLES) for side in ("left", "right"))
    assert left > right
    assert values["asymmetry_percent"] == pytest.approx(100 * (left - right) / left, abs=0.01)
    assert values["tvi_cm3_per_m2"] == pytest.approx(values["tmv_cm3"] / subject.height_m**2)
    assert values["tmv_cm3"] == pytest.approx(sum(values[f"volume_cm3.{n}"] for n in MUSCLES))
