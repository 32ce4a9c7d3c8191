"""The spine anatomy against what is known without its code: areas of ellipses, voxel sums, symmetry, printed means."""

import numpy as np
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.images.labels import SPINE_LABELS
from containers.toolkit.images.volume import Geometry
from phantoms.back import kernel
from phantoms.back.anatomy import BOX_HIGH, BOX_LOW, Scales, SpineAnatomy, build, fit
from phantoms.back.subjects import SpineSubject, draw_spine_subject
from phantoms.back.template import LEVEL_TOPS, LEVELS, canal_y
from phantoms.back.truth import truth

PLAIN = SpineSubject(sex="male", height_m=1.70, weight_kg=26 * 1.7**2, lmm_cm3_per_bmi=27, intermat_percent=6.4)
PLANE = 1.02
"""In-plane scale of PLAIN: a man with a BMI of 26."""


def slice_at(z: float, step: float = 1.0) -> Geometry:
    """One axial slice, symmetric about x = 0."""
    n = int(300 / step)
    corner = -(n - 1) / 2 * step
    return Geometry((n, n, 1), (step, step, 1.0), (corner, corner, z))


def boxed(step: float, plane: float) -> Geometry:
    """A grid over the box that holds every labelled point, out of step with the lattices of the truth."""
    low, high = BOX_LOW + np.array([0.31, 0.47, 1.3]), BOX_HIGH
    nx, ny, nz = (int((h - v) / s) for h, v, s in zip(high, low, (step, step, plane), strict=True))
    return Geometry((nx, ny, nz), (step, step, plane), (float(low[0]), float(low[1]), float(low[2])))


@pytest.fixture(scope="module")
def fitted() -> SpineAnatomy:
    return fit(PLAIN, 0)


@pytest.fixture(scope="module")
def values(fitted: SpineAnatomy) -> tuple[dict[str, float], dict[str, float]]:
    return truth(fitted, 2.0)


def test_area_of_the_spinal_canal(fitted: SpineAnatomy) -> None:
    """At the top of L4 the canal is an ellipse with semi-axes 11.75 and 8.5 mm, scaled in the plane: one sixth of the
    way from mid-L4 (12) to mid-L1 (10.5)."""
    z = float(LEVEL_TOPS[LEVELS.index("L4")])
    grid = slice_at(z, 0.25)
    codes = fitted.codes(grid)
    k, j, i = np.nonzero(codes == kernel.CSF)
    assert len(k) * 0.25**2 == pytest.approx(np.pi * 11.75 * 8.5 * (0.86 * PLANE) ** 2, rel=0.01)
    k, j, i = np.indices(grid.shape)
    place = grid.position_mm(np.stack([i, j, k], -1)) - [0.0, canal_y(z) * PLANE, z]
    level = np.hypot(place[..., 0] / (11.75 * PLANE), place[..., 1] / (8.5 * PLANE))
    assert np.isin(codes[level < 0.99], (kernel.CSF, kernel.INTERMUSCULAR)).all()


def test_labels_mirror_each_other_without_asymmetry_and_pose(fitted: SpineAnatomy) -> None:
    mirror = np.array([0, 2, 1, 4, 3], dtype=np.uint8)
    for z in (75.0, 110.0, 150.0, 215.0, 320.0, 470.0, 540.0):
        labels = fitted.labels(slice_at(z))
        assert labels.any()
        assert np.array_equal(labels, mirror[labels[..., ::-1]])


def test_structures_lie_where_anatomy_has_them(fitted: SpineAnatomy) -> None:
    """Left is +x; the multifidus is medial of the erector; both behind the canal; the liver is on the Right."""
    geometry = Geometry((110, 80, 115), (4.0, 4.0, 5.0), (-218.0, -158.0, 50.0))
    codes, labels = fitted.codes(geometry), fitted.labels(geometry)

    def centre(mask: np.ndarray) -> np.ndarray:
        k, j, i = np.nonzero(mask)
        assert len(k) > 20
        return geometry.position_mm(np.stack([i, j, k], -1)).mean(0)

    place = {name: centre(labels == value) for value, name in SPINE_LABELS.items()}
    assert place["erector_spinae_left"][0] > place["multifidus_left"][0] + 10 > 15
    assert place["erector_spinae_right"][0] < place["multifidus_right"][0] - 10 < -15
    assert place["multifidus_left"][1] > centre(codes == kernel.CSF)[1] + 10 > centre(codes == kernel.DISC)[1] + 25
    assert centre(codes == kernel.LIVER)[0] < -30 < 30 < centre(codes == kernel.SPLEEN)[0]
    assert centre(codes == kernel.LUNG)[2] > centre(codes == kernel.KIDNEY)[2] + 60


def test_multifidus_grows_and_erector_thins_towards_the_sacrum(fitted: SpineAnatomy) -> None:
    volume = fitted.counts(1.5, 6.0)
    whole = volume[:, 1:5] + volume[:, 5:9]
    share = (whole[:, 2] + whole[:, 3]) / whole.sum(1)
    lumbar, thoracic = (share[[LEVELS.index(n) for n in names]] for names in (("L4", "L5", "S1"), ("T6", "T8", "T10")))
    assert lumbar.min() > 1.3 * thoracic.max()
    assert whole[LEVELS.index("L3")].sum() > 2 * whole[LEVELS.index("T6")].sum()


def test_truth_agrees_with_voxel_sums(fitted: SpineAnatomy, values: tuple[dict[str, float], dict[str, float]]) -> None:
    """Voxel counting on a grid of its own, without levels: whole muscle, and InterMAT from the codes."""
    grid = boxed(1.3, 4.1)
    codes = fitted.codes(grid)
    for value, name in SPINE_LABELS.items():
        lean, fat = ((codes == c).sum() * grid.voxel_cm3 for c in (value, value + 4))
        assert lean + fat == pytest.approx(values[0][f"volume_cm3.{name}"], rel=0.01)
        assert 100 * fat / (lean + fat) == pytest.approx(values[0][f"intermat_percent.{name}"], abs=0.4)
    fat = np.isin(codes, range(5, 9)).sum() / np.isin(codes, range(1, 9)).sum()
    assert 100 * fat == pytest.approx(values[0]["intermat_percent"], abs=0.15)
    whole = np.isin(codes, range(1, 5)).sum() * grid.voxel_cm3
    assert whole == pytest.approx(values[0]["lean_volume_cm3"], rel=0.005)


def test_truth_holds_together(values: tuple[dict[str, float], dict[str, float]]) -> None:
    found, precision = values
    assert set(found) == set(precision)
    for family in ("volume_cm3", "lean_volume_cm3"):
        parts = sum(found[f"{family}.{name}"] for name in SPINE_LABELS.values())
        levels = sum(found[f"{family}.level_{level}"] for level in LEVELS)
        sides = sum(found[f"{family}.autochthon_{side}"] for side in ("left", "right"))
        assert [parts, levels, sides] == pytest.approx([found[family]] * 3, rel=1e-12)
    assert found["lmm_cm3_per_bmi"] == pytest.approx(found["lean_volume_cm3"] / 26, rel=1e-9)


def test_what_is_asked_comes_out(values: tuple[dict[str, float], dict[str, float]]) -> None:
    found, precision = values
    assert found["lean_volume_cm3"] == pytest.approx(27 * 26, rel=0.01)
    assert found["intermat_percent"] == pytest.approx(6.4, abs=0.1)
    assert found["volume_cm3.multifidus"] / found["volume_cm3"] == pytest.approx(0.26, abs=0.005)
    ratio = found["intermat_percent.multifidus"] / found["intermat_percent.erector_spinae"]
    assert ratio == pytest.approx(1.6, abs=0.06)
    assert precision["intermat_percent"] < 0.1 and precision["lean_volume_cm3"] < 0.005 * found["lean_volume_cm3"]


def test_truth_converges_and_states_its_precision(
    fitted: SpineAnatomy, values: tuple[dict[str, float], dict[str, float]]
) -> None:
    fine, fine_precision = truth(fitted, 1.3)
    coarse, coarse_precision = values
    for name in ("lean_volume_cm3", "volume_cm3", "intermat_percent", "intermat_percent.multifidus_left"):
        assert abs(coarse[name] - fine[name]) <= 2 * (coarse_precision[name] + fine_precision[name]), name
    assert sum(fine_precision.values()) < sum(coarse_precision.values())


@pytest.mark.parametrize(
    ("lmm", "fat", "asymmetry", "height", "variant"),
    [(14.0, 14.0, -6.0, 1.58, "standard"), (43.0, 3.0, 5.0, 1.86, "standard"), (27.0, 6.4, 4.0, 1.70, "held_out")],
)
def test_unusual_sizes_are_hit(lmm: float, fat: float, asymmetry: float, height: float, variant: str) -> None:
    subject = PLAIN.model_copy(
        update={
            "lmm_cm3_per_bmi": lmm, "intermat_percent": fat, "asymmetry_percent": asymmetry, "height_m": height,
            "weight_kg": 26 * height**2, "rotation_deg": 2.0, "shift_mm": (5.0, -4.0, 3.0),
        }
    )  # fmt: skip
    found, _ = truth(fit(subject, 3, variant), 2.0)  # type: ignore[arg-type]
    assert found["lmm_cm3_per_bmi"] == pytest.approx(lmm, rel=0.02)
    assert found["intermat_percent"] == pytest.approx(fat, abs=0.15)
    assert found["asymmetry_percent"] == pytest.approx(abs(asymmetry), abs=0.7)
    larger = found["volume_cm3.autochthon_left"] > found["volume_cm3.autochthon_right"]
    assert larger == (asymmetry > 0)


def test_too_much_muscle_is_refused() -> None:
    with pytest.raises(ItemFault, match="do not fit"):
        fit(PLAIN.model_copy(update={"lmm_cm3_per_bmi": 50.0, "weight_kg": 150.0, "height_m": 1.5}), 0)


def test_pose_moves_the_back_and_nothing_else() -> None:
    posed = PLAIN.model_copy(update={"rotation_deg": 3.0, "shift_mm": (5.0, -4.0, 7.0)})
    still, moved = (build(s, 0, "standard", Scales()) for s in (PLAIN, posed))
    grid = Geometry((60, 50, 5), (4.0, 3.0, 60.0), (-118.0, -40.0, 100.0))
    turn = np.deg2rad(3.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    origin = rotation @ np.array(grid.origin_mm) + [5.0, -4.0, 7.0]
    turned = Geometry(grid.size, grid.spacing_mm, tuple(origin), tuple(map(tuple, rotation.T)))
    assert np.mean(still.labels(grid) == moved.labels(turned)) > 0.999


def test_no_labelled_point_lies_outside_the_box_or_the_levels() -> None:
    large = PLAIN.model_copy(
        update={"height_m": 1.92, "weight_kg": 130.0, "rotation_deg": 2.5, "shift_mm": (8.0, 8.0, 0.0)}
    )
    anatomy = build(large, 4, "standard", Scales(0.35, 0.35))
    grid = Geometry((112, 91, 150), (4.0, 4.0, 5.0), (-222.0, -180.0, -50.0))
    k, j, i = np.nonzero(anatomy.labels(grid))
    points = grid.position_mm(np.stack([i, j, k], -1))
    assert (points.min(0) > BOX_LOW).all() and (points.max(0) < BOX_HIGH).all()
    level = anatomy.levels(points[:, 2])
    assert level.min() == 0 and level.max() == len(LEVELS) - 1


def test_intermat_lies_between_and_inside_the_two_muscles(fitted: SpineAnatomy) -> None:
    """Fat inside the masks: more of it in the multifidus, at L5 and S1, and along the border of the two muscles."""
    volume = fitted.counts(1.5, 6.0)
    share = volume[:, 5:9].sum(1) / volume[:, 1:9].sum(1)
    assert share[-2:].mean() > 1.5 * share[4:10].mean()
    codes = fitted.codes(slice_at(150.0, 0.5))[0]
    labels = np.where(codes > 4, codes - 4, codes) * (codes < 9)
    border = ((labels[:, :-1] + labels[:, 1:]) == 4) & (labels[:, :-1] != labels[:, 1:]) & (labels[:, :-1] % 2 == 1)
    assert border.sum() > 10
    fat = (codes[:, :-1] > 4) & (codes[:, :-1] < 9)
    assert fat[border].mean() > 0.9


def test_held_out_anatomy_has_other_shapes() -> None:
    labels = [fit(PLAIN, 0, variant).labels(slice_at(150.0)) > 0 for variant in ("standard", "held_out")]  # type: ignore[arg-type]
    dice = 2 * (labels[0] & labels[1]).sum() / (labels[0].sum() + labels[1].sum())
    assert 0.5 < dice < 0.93


def test_population_follows_table_1() -> None:
    """nako_cbp Table 1: BMI, LMM and InterMAT, mean and SD, with and without chronic back pain; share of men."""
    printed = {
        True: {"bmi": (27.1, 4.9), "lmm_cm3_per_bmi": (25.32, 6.6), "intermat_percent": (7.3, 2.8)},
        False: {"bmi": (26.3, 4.6), "lmm_cm3_per_bmi": (26.98, 6.62), "intermat_percent": (6.44, 2.32)},
    }
    for pain, table in printed.items():
        people = [draw_spine_subject(seed, chronic_back_pain=pain) for seed in range(1000)]
        for name, (mean, sd) in table.items():
            drawn = np.array([getattr(p, name) for p in people])
            # Four standard errors, and what drawing again beyond LIMITS can shift.
            assert drawn.mean() == pytest.approx(mean, abs=4 * sd / 1000**0.5 + 0.05 * sd), name
            assert 0.88 * sd < drawn.std() < 1.08 * sd, name
        share = np.mean([p.sex == "male" for p in people])
        assert share == pytest.approx(3004 / 6003 if pain else 12321 / 21515, abs=0.065)
    everybody = [draw_spine_subject(seed).chronic_back_pain for seed in range(1000)]
    assert np.mean(everybody) == pytest.approx(6003 / 27518, abs=0.055)
