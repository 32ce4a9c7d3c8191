"""Interpolation and averaging, judged by linear fields (exact in theory), by SimpleITK and by scipy."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
import scipy.spatial.transform
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.contract.errors import EnvironmentFault
from containers.fusion import backends, interpolate_torch, plane_runs
from containers.fusion.grid import EDGE_TOLERANCE_VOXELS, axis_maps, global_grid
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry
from containers.toolkit.runtime import cuda

COS, SIN = float(np.cos(0.06)), float(np.sin(0.06))
TILTED = ((1.0, 0.0, 0.0), (0.0, COS, SIN), (0.0, -SIN, COS))
STRAIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
AGREEMENT = 1e-3
"""Of the intensity range, as the backends promise."""


GRADIENT = np.array([3.0, -2.0, 1.5])
"""Of the linear field, per mm."""
FLOAT32 = 8 * 1024 * 2.0**-24
"""Eight roundings of a value below 1024 to float32: two for each axis, one of the sum and one of the mean."""


def plane(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(500 + points @ GRADIENT)


def positions(geometry: Geometry) -> npt.NDArray[np.float64]:
    k, j, i = np.indices(geometry.shape)
    return geometry.position_mm(np.stack([i, j, k], axis=-1))


def linear_station(geometry: Geometry) -> Station:
    return Station(plane(positions(geometry)).astype(np.float32), geometry)


def noise_stations(directions: Sequence[tuple[tuple[float, float, float], ...]], seed: int = 0) -> list[Station]:
    """int16 noise (the hardest case) on stations with sub-voxel offsets and an overlap of about a third."""
    rng = np.random.default_rng(seed)
    return [
        Station(
            rng.integers(-500, 2000, (9, 11, 13), dtype=np.int16),
            Geometry((13, 11, 9), (2.0, 2.1, 3.0), (-12.0 + 0.37 * n, -10.0 + 0.61 * n, -16.3 * n), turn),
            slope=1.5,
            intercept=-7.0,
        )
        for n, turn in enumerate(directions)
    ]


def inside(grid: Geometry, station: Geometry, margin: float = 0.0) -> npt.NDArray[np.bool_]:
    """Grid points whose index lies in the station's span of voxel centres, shrunk by `margin` voxels."""
    index = station.index(positions(grid))
    last = np.array(station.size) - 1
    return np.asarray(np.all((index >= margin - 1e-6) & (index <= last - margin + 1e-6), axis=-1))


BACKENDS = ["numpy", "numba", "torch"]
CASES = {
    "parallel": [STRAIGHT] * 3,
    "oblique": [STRAIGHT, TILTED, STRAIGHT],
    "oblique grid": [TILTED] * 3,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_a_linear_field_comes_out_exactly(backend: str, case: str) -> None:
    stations = [linear_station(s.geometry) for s in noise_stations(CASES[case])]
    grid = global_grid([s.geometry for s in stations], (1.7, 1.9, 2.3))
    fused = backends.fuse(stations, grid, backend)
    covered = np.any([inside(grid, s.geometry) for s in stations], axis=0)
    uncovered = ~np.any([inside(grid, s.geometry, -0.01) for s in stations], axis=0)
    assert covered.mean() > 0.6
    np.testing.assert_allclose(fused[covered], plane(positions(grid))[covered], atol=2e-3)
    assert (fused[uncovered] == 0).all(), "nothing is extrapolated"


@pytest.mark.parametrize("case", CASES)
def test_backends_agree(case: str) -> None:
    stations = noise_stations(CASES[case])
    grid = global_grid([s.geometry for s in stations])
    reference = backends.fuse(stations, grid, "numpy")
    for backend in ("numba", "torch"):
        fused = backends.fuse(stations, grid, backend)
        assert np.abs(fused - reference).max() <= AGREEMENT * np.ptp(reference), backend


def rotation(axis: npt.NDArray[np.float64], degrees: float) -> tuple[tuple[float, float, float], ...]:
    turn = scipy.spatial.transform.Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis))
    return tuple((float(x), float(y), float(z)) for x, y, z in turn.as_matrix().T)


@pytest.mark.parametrize("degrees", [0.05, 0.1, 0.3, 0.7, 2.0])
def test_backends_agree_for_small_turns_about_any_axis(degrees: float) -> None:
    """Among them the grid's diagonal, where the shifts that a turn causes along an axis cancel at one corner."""
    rng = np.random.default_rng(int(degrees * 100))
    straight = noise_stations([STRAIGHT] * 2)
    whole = global_grid([s.geometry for s in straight])
    diagonal = (np.array(whole.size) - 1) * whole.spacing_mm
    for axis in (diagonal, *rng.standard_normal((6, 3))):
        turned = replace(straight[1].geometry, directions=rotation(axis, degrees))
        stations = [straight[0], replace(straight[1], geometry=turned)]
        grid = global_grid([s.geometry for s in stations])
        reference = backends.fuse(stations, grid, "numpy")
        difference = np.abs(backends.fuse(stations, grid, "numba") - reference)
        assert difference.max() <= AGREEMENT * np.ptp(reference), axis


def test_a_turn_about_the_diagonal_is_not_parallel() -> None:
    grid = Geometry((224, 224, 330), (2.0, 2.0, 3.0), (-223.0, -223.0, 0.0))
    diagonal = (np.array(grid.size) - 1) * grid.spacing_mm
    for degrees in (0.01, 0.05, 0.1):
        assert axis_maps(grid, replace(grid, directions=rotation(diagonal, degrees))) is None
    assert axis_maps(grid, replace(grid, size=(224, 224, 90))) is not None


def test_the_cuda_kernel_agrees_under_the_simulator(tmp_path: Path) -> None:
    """In a process of its own: the simulator is chosen when numba is first imported."""
    script = (
        "import numpy as np\n"
        "from tests.fusion.test_backends import CASES, noise_stations\n"
        "from containers.fusion import backends\n"
        "from containers.fusion.grid import global_grid\n"
        "from containers.fusion.stack import Station\n"
        "from containers.toolkit.images.volume import Geometry\n"
        "for case in ('parallel', 'oblique'):\n"
        "    small = []\n"
        "    for n, s in enumerate(noise_stations(CASES[case])[:2]):\n"
        "        x, y, _ = s.geometry.origin_mm\n"
        "        g = Geometry((7, 6, 5), s.geometry.spacing_mm, (x, y, n * -9.2), s.geometry.directions)\n"
        "        small.append(Station(s.data[:5, :6, :7].copy(), g, s.slope, s.intercept))\n"
        "    grid = global_grid([s.geometry for s in small])\n"
        "    name = backends.resolve('auto', 'cuda')\n"
        "    assert name == 'numba_cuda'\n"
        "    a, b = backends.fuse(small, grid, 'numpy'), backends.fuse(small, grid, name, device='cuda')\n"
        "    print(np.abs(a - b).max() / np.ptp(a), np.ptp(a))\n"
        # Stored in two types, out of order, with planes between that no station reaches.
        "far = Geometry((7, 6, 5), (2.0, 2.1, 3.0), (x, y, -60.0))\n"
        "small = [small[1], Station(small[0].data[::-1].astype(np.float32), far), small[0]]\n"
        "grid = global_grid([s.geometry for s in small], (3.0, 3.0, 3.0))\n"
        "a, b = backends.fuse(small, grid, 'numpy'), backends.fuse(small, grid, name, device='cuda')\n"
        "assert (a == 0).all(axis=(1, 2)).sum() > 5\n"
        "print(np.abs(a - b).max() / np.ptp(a), np.ptp(a))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "NUMBA_CACHE_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        difference, extent = map(float, line.split())
        assert difference <= AGREEMENT
        assert extent > 1000
    assert len(done.stdout.splitlines()) == 3


@settings(max_examples=25, deadline=None)
@given(
    shifts=st.lists(st.floats(-60, 60), min_size=1, max_size=5),
    turns=st.lists(st.sampled_from([STRAIGHT, TILTED]), min_size=5, max_size=5),
)
def test_each_plane_waits_for_the_stations_that_reach_it(
    shifts: list[float], turns: list[tuple[tuple[float, float, float], ...]]
) -> None:
    """The kernel of a run of planes must find every station that holds one of their voxels; planes come once each."""
    geometries = [
        Geometry((7, 6, 5), (2.0, 2.1, 3.0), (0.3 * n, 0.7 * n, shift), turn)
        for n, (shift, turn) in enumerate(zip(shifts, turns, strict=False))
    ]
    grid = global_grid(geometries)
    geometries.sort(key=lambda geometry: plane_runs.reach(grid, geometry))
    found = plane_runs.runs([plane_runs.reach(grid, geometry) for geometry in geometries], grid.size[2])
    planes = [range(run.start, run.stop) for run in found]
    assert [plane for run in planes for plane in run] == list(range(grid.size[2]))
    for n, geometry in enumerate(geometries):
        held = np.flatnonzero(inside(grid, geometry).any(axis=(1, 2)))
        for run in found:
            if np.any((held >= run.start) & (held < run.stop)):
                assert run.first <= n < run.last


@settings(max_examples=40, deadline=None)
@given(
    offset=st.tuples(*[st.floats(-3, 3)] * 3),
    spacing=st.tuples(*[st.floats(0.8, 4)] * 3),
    grid_spacing=st.tuples(*[st.floats(0.8, 4)] * 3),
    angle=st.sampled_from([0.0, 0.0, 0.05, -0.3]),
)
def test_numba_is_exact_for_linear_fields_of_any_grid(
    offset: tuple[float, float, float],
    spacing: tuple[float, float, float],
    grid_spacing: tuple[float, float, float],
    angle: float,
) -> None:
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    turned = ((cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0))
    geometries = [
        Geometry((6, 5, 7), (2.0, 2.0, 3.0), (0.0, 0.0, 0.0)),
        Geometry((8, 6, 5), spacing, (offset[0], offset[1], offset[2] - 10), turned),
    ]
    stations = [linear_station(g) for g in geometries]
    grid = global_grid(geometries, grid_spacing)
    fused = backends.fuse(stations, grid, "numba")
    covered = np.any([inside(grid, g) for g in geometries], axis=0)
    error = np.abs(fused - plane(positions(grid)))
    # A point just outside a station, by the edge tolerance at most on each axis, has the value of the edge.
    near = np.any([inside(grid, g, -2 * EDGE_TOLERANCE_VOXELS) & ~inside(grid, g) for g in geometries], axis=0)
    assert error[covered & ~near].max(initial=0.0) <= FLOAT32
    edge = EDGE_TOLERANCE_VOXELS * max(*spacing, 3.0) * np.abs(GRADIENT).sum()
    assert error[covered & near].max(initial=0.0) <= edge + FLOAT32


def test_overlaps_are_the_plain_average_and_outside_is_zero() -> None:
    geometry = [Geometry((4, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, -3.0 * n)) for n in range(3)]
    geometry[1] = Geometry((4, 4, 5), (1.0, 1.0, 1.0), (1.0, 0.0, -3.0))
    stations = [
        Station(np.full((5, 4, 4), value, np.int16), g) for value, g in zip((100, 300, 800), geometry, strict=True)
    ]
    grid = global_grid(geometry)
    assert grid.size == (5, 4, 11)
    assert grid.origin_mm == (0.0, 0.0, -6.0)
    expected = np.zeros(grid.shape)
    count = np.zeros(grid.shape)
    for value, x, z in ((100, 0, 6), (300, 1, 3), (800, 0, 0)):
        expected[z : z + 5, :, x : x + 4] += value
        count[z : z + 5, :, x : x + 4] += 1
    expected = np.divide(expected, count, out=np.zeros_like(expected), where=count > 0)
    assert count.max() == 2 and count.min() == 0
    for backend in BACKENDS:
        np.testing.assert_allclose(backends.fuse(stations, grid, backend), expected, atol=1e-3, err_msg=backend)


def test_the_last_centres_of_a_station_count_in_spite_of_rounding() -> None:
    geometry = Geometry((4, 5, 6), (1.1, 1.3, 2.7), (0.1, 0.2, 0.3))
    nudged = Geometry((4, 5, 6), (1.1, 1.3, 2.7), (0.1 + 1e-5, 0.2 - 1e-5, 0.3 + 1e-5))
    station = Station(np.full(geometry.shape, 7, np.int16), nudged)
    for backend in BACKENDS:
        np.testing.assert_allclose(backends.fuse([station], geometry, backend), 7, atol=1e-5, err_msg=backend)


def test_interior_agrees_with_scipy_and_simpleitk() -> None:
    station = noise_stations([STRAIGHT])[0]
    grid = Geometry((9, 8, 7), (2.3, 1.9, 2.2), (-9.5, -8.0, 2.0))
    fused = backends.fuse([station], grid, "numba")
    interior = inside(grid, station.geometry)
    assert interior.sum() > 300
    index = station.geometry.index(positions(grid))
    values = station.data.astype(np.float64) * station.slope + station.intercept
    by_scipy = scipy.ndimage.map_coordinates(values, np.moveaxis(index[..., ::-1], -1, 0), order=1)
    np.testing.assert_allclose(fused[interior], by_scipy[interior], atol=2e-3)

    image = sitk.GetImageFromArray(values)
    image.SetSpacing(station.geometry.spacing_mm)
    image.SetOrigin(station.geometry.origin_mm)
    resampled = sitk.Resample(
        image, grid.size, sitk.Transform(), sitk.sitkLinear, grid.origin_mm, grid.spacing_mm, np.eye(3).ravel().tolist()
    )
    np.testing.assert_allclose(fused[interior], sitk.GetArrayFromImage(resampled)[interior], atol=2e-3)


@pytest.mark.parametrize("case", CASES)
def test_results_are_the_same_bytes_for_any_number_of_threads(case: str) -> None:
    stations = noise_stations(CASES[case])
    grid = global_grid([s.geometry for s in stations], (1.0, 1.0, 0.7))
    one, two, three = (backends.fuse(stations, grid, "numba", threads=n).tobytes() for n in (1, 2, 3))
    assert one == two == three


def test_reused_memory_leaves_no_trace() -> None:
    stations = noise_stations(CASES["parallel"])
    grid = global_grid([s.geometry for s in stations])
    fresh = backends.fuse(stations, grid, "numba")
    used = backends.fuse(stations, grid, "numba", out=np.full(grid.shape, np.nan, np.float32))
    assert fresh.tobytes() == used.tobytes()


def test_the_grid_covers_all_centres_with_the_finest_spacing() -> None:
    stations = noise_stations(CASES["oblique"])
    grid = global_grid([s.geometry for s in stations])
    assert grid.spacing_mm == (2.0, 2.1, 3.0)
    for station in stations:
        index = grid.index(positions(station.geometry))
        assert index.min() >= -1e-3
        assert (index <= np.array(grid.size) - 1 + 1e-3).all()


def test_the_grid_takes_the_finest_spacing_of_each_axis() -> None:
    sizes = ((2.0, 2.2, 3.0), (2.1, 2.0, 3.3), (2.2, 2.1, 2.9))
    geometries = [Geometry((6, 6, 6), size, (0.0, 0.0, -15.0 * n)) for n, size in enumerate(sizes)]
    assert global_grid(geometries).spacing_mm == (2.0, 2.0, 2.9)


def test_a_missing_device_or_library_is_said_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault, match="numpy has no CUDA"):
        backends.resolve("numpy", "cuda")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EnvironmentFault, match="torch is not installed here; choose backend numba"):
        backends.resolve("torch", "cpu")
    with pytest.raises(EnvironmentFault, match="torch is not installed"):
        interpolate_torch.require("cuda")
    assert backends.resolve("auto", "cpu") == "numba"
    lacking: dict[str, cuda.Missing | None] = {
        "numba": cuda.Missing("no kernel compiler", "bring one"),
        "torch": cuda.Missing("no torch", "bring it"),
    }
    monkeypatch.setattr(cuda, "missing", lacking.get)
    with pytest.raises(EnvironmentFault, match=r"^backend numba_cuda: no kernel compiler; bring one$"):
        backends.resolve("numba_cuda", "cuda")
    with pytest.raises(EnvironmentFault, match=r"^backend auto, device cuda: no kernel compiler; bring one$"):
        backends.resolve("auto", "cuda")
    lacking["torch"] = None
    assert backends.resolve("auto", "cuda") == "torch"
    lacking["numba"] = None
    assert backends.resolve("auto", "cuda") == "numba_cuda"


def test_the_stage_imports_without_torch_and_with_a_read_only_home() -> None:
    """The CPU image has no torch, and in the container only /tmp can be written."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from numba.core import caching\n"
        "def refuse(*a, **k): raise OSError('read-only file system')\n"
        "caching._CacheLocator.ensure_cache_path = refuse\n"
        "import numpy as np\n"
        "from containers.fusion import __main__, backends\n"
        "from containers.toolkit.images.volume import Geometry\n"
        "from containers.fusion.stack import Station\n"
        "g = Geometry((3, 3, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))\n"
        "s = Station(np.arange(27, dtype=np.int16).reshape(3, 3, 3), g)\n"
        "assert np.allclose(backends.fuse([s], g, 'numba'), s.data, atol=1e-3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
