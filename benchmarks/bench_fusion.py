"""Fusion of four stations against other tools, and a participant's zip to NRRD against unzipping it.

`fusion.stations`: 4 stations of 224 x 224 x 90 int16 at 2 x 2 x 3 mm, 30 mm overlap, sub-voxel offsets on all axes;
output float32, newly allocated by every method. Results are compared where all methods define them: SimpleITK counts
points up to half a voxel outside the last centres as inside. TPTBox interpolates by cubic splines, blends by ramps and
shifts the origin, so that its difference is shown and not judged. Bytes that must move: the stations read once, the
output written once.
"""

import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from containers.fusion.grid import affine, global_grid
from containers.fusion.stack import Station
from containers.toolkit.images.volume import Geometry
from harness.bench.results import Check
from harness.bench.suite import Asked, Method, Prepared, Values, Work, absent, difference, main, no_cuda

OVERLAP_MM = 30.0
AGREEMENT = 1e-3
"""Largest difference between linear methods, of the intensity range."""
RANGE = 1500

Array = npt.NDArray[np.float32]
Fuse = Callable[[list[Station], Geometry], Array]


def make_stations(quick: bool) -> list[Station]:
    """Stations of noise, which no interpolation can hide behind."""
    rng = np.random.default_rng(0)
    k, n = (24, 64) if quick else (90, 224)
    step = (k - 1) * 3.0 - (OVERLAP_MM if not quick else 9.0)
    return [
        Station(
            rng.integers(0, RANGE, (k, n, n), dtype=np.int16),
            Geometry((n, n, k), (2.0, 2.0, 3.0), (1 - n + 0.31 * s, 1 - n + 0.73 * s, -step * s + 0.37 * s)),
        )
        for s in range(4)
    ]


def edges(stations: list[Station], grid: Geometry) -> npt.NDArray[np.bool_]:
    """Voxels within one voxel of where a station ends, on any axis."""
    near = np.zeros(grid.shape, bool)
    for station in stations:
        for axis in range(3):
            along = grid.position_mm(np.eye(3)[axis] * np.arange(grid.size[axis])[:, None])
            index = station.geometry.index(along)[:, axis]
            ends = (np.abs(index) < 1) | (np.abs(index - station.geometry.size[axis] + 1) < 1)
            near |= ends.reshape([-1 if 2 - a == axis else 1 for a in range(3)])
    return near


def ours(asked: Asked) -> Fuse:
    """This stage's fastest backend on the device."""
    from containers.fusion import backends

    backend = backends.resolve("auto", asked.device)
    return partial(backends.fuse, backend=backend, threads=asked.threads, device=asked.device)


def by_simpleitk(asked: Asked) -> Fuse:
    """Resample each station, add, divide."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(asked.threads)

    def fuse(stations: list[Station], grid: Geometry) -> Array:
        total = count = None
        for station in stations:
            image = sitk.GetImageFromArray(station.data)
            image.SetSpacing(station.geometry.spacing_mm)
            image.SetOrigin(station.geometry.origin_mm)
            target = (grid.size, sitk.Transform(), sitk.sitkLinear, grid.origin_mm, grid.spacing_mm)
            outside = -32768.0
            part = sitk.Resample(image, *target, (1, 0, 0, 0, 1, 0, 0, 0, 1), outside, sitk.sitkFloat32)
            inside = sitk.Cast(part > outside / 2, sitk.sitkFloat32)
            part = part * inside
            total, count = (part, inside) if total is None else (total + part, count + inside)
        return np.asarray(sitk.GetArrayFromImage(total / sitk.Maximum(count, 1.0)))

    return fuse


def boxes(station: Station, grid: Geometry) -> tuple[list[npt.NDArray[np.float64]], tuple[slice, ...]]:
    """Indices of the station along (i, j, k) on the box (k, j, i) of the grid that it reaches."""
    matrix, offset = affine(grid, station.geometry)
    axes, box = [], []
    for axis in range(3):
        index = np.arange(grid.size[axis]) * matrix[axis, axis] + offset[axis]
        last = station.geometry.size[axis] - 1
        reached = np.flatnonzero((index >= -1e-3) & (index <= last + 1e-3))
        box.append(slice(int(reached[0]), int(reached[-1]) + 1))
        axes.append(index[box[-1]])
    return axes, tuple(reversed(box))


def by_scipy(asked: Asked) -> Fuse:
    """affine_transform of each station on the box that it reaches, then the average."""
    from scipy.ndimage import affine_transform

    def fuse(stations: list[Station], grid: Geometry) -> Array:
        total, count = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.uint8)
        for station in stations:
            axes, box = boxes(station, grid)
            steps = [axis[1] - axis[0] for axis in reversed(axes)]
            shape = tuple(len(axis) for axis in reversed(axes))
            first = [axis[0] for axis in reversed(axes)]
            total[box] += affine_transform(
                station.data, steps, first, shape, np.float32, order=1, mode="nearest", prefilter=False
            )
            count[box] += 1
        total /= np.maximum(count, 1)
        return total

    return fuse


def by_torch(asked: Asked) -> Fuse:
    """grid_sample of each station on the box that it reaches, then the average."""
    import torch

    torch.set_num_threads(asked.threads)

    def fuse(stations: list[Station], grid: Geometry) -> Array:
        total, count = (torch.zeros(grid.shape, device=asked.device) for _ in range(2))
        for station in stations:
            axes, box = boxes(station, grid)
            last = [n - 1 for n in station.geometry.size]
            lines = [torch.from_numpy(a / n * 2 - 1).float().to(asked.device) for a, n in zip(axes, last, strict=True)]
            k, j, i = torch.meshgrid(lines[2], lines[1], lines[0], indexing="ij")
            volume = torch.from_numpy(station.data).to(asked.device).float()[None, None]
            points = torch.stack((i, j, k), dim=-1)[None]
            sampled = torch.nn.functional.grid_sample(volume, points, padding_mode="border", align_corners=True)
            total[box] += sampled[0, 0]
            count[box] += 1
        return np.asarray((total / count.clamp(min=1)).cpu().numpy())

    return fuse


def by_plain_numba(asked: Asked) -> Fuse:
    """The straightforward kernel: parallel over planes, eight corners for every voxel and station."""
    import numba

    numba.set_num_threads(min(asked.threads, numba.config.NUMBA_NUM_THREADS))

    @numba.njit(parallel=True, fastmath=True)
    def add(total, count, data, scale, offset):  # type: ignore[no-untyped-def]
        last_k, last_j, last_i = data.shape[0] - 1, data.shape[1] - 1, data.shape[2] - 1
        for k in numba.prange(total.shape[0]):
            for j in range(total.shape[1]):
                for i in range(total.shape[2]):
                    x, y, z = i * scale[0] + offset[0], j * scale[1] + offset[1], k * scale[2] + offset[2]
                    if x < 0 or y < 0 or z < 0 or x > last_i or y > last_j or z > last_k:
                        continue
                    x0, y0, z0 = min(int(x), last_i - 1), min(int(y), last_j - 1), min(int(z), last_k - 1)
                    x, y, z = x - x0, y - y0, z - z0
                    value = 0.0
                    for dk in range(2):
                        for dj in range(2):
                            for di in range(2):
                                weight = (x if di else 1 - x) * (y if dj else 1 - y) * (z if dk else 1 - z)
                                value += weight * data[z0 + dk, y0 + dj, x0 + di]
                    total[k, j, i] += value
                    count[k, j, i] += 1

    def fuse(stations: list[Station], grid: Geometry) -> Array:
        total, count = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.uint8)
        for station in stations:
            matrix, offset = affine(grid, station.geometry)
            add(total, count, station.data, np.diag(matrix).copy(), offset)
        total /= np.maximum(count, 1)
        return total

    return fuse


def by_tptbox(asked: Asked) -> Fuse:
    """TPTBox's stitching."""
    import nibabel
    from TPTBox.core.nii_wrapper import to_nii
    from TPTBox.stitching.stitching import main as stitch

    def fuse(stations: list[Station], grid: Geometry) -> Array:
        images = []
        for station in stations:
            matrix = np.diag([*station.geometry.spacing_mm, 1.0])
            matrix[:3, 3] = station.geometry.origin_mm
            images.append(to_nii(nibabel.Nifti1Image(np.ascontiguousarray(station.data.T), matrix)))
        stitched, _ = stitch(images, None, bias_field=False, save=False)
        return np.asarray(stitched.get_array())

    return fuse


def prepare(of: Callable[[Asked], Fuse], asked: Asked) -> Prepared:
    """Stations and grid in memory; what is compiled, compiled on a tiny volume."""
    stations = make_stations(asked.quick)
    grid = global_grid([s.geometry for s in stations])
    fuse = of(asked)
    tiny = [Station(s.data[:4, :8, :8].copy(), Geometry((8, 8, 4), (2.0, 2.0, 3.0), (0.1, 0.2, 0.3))) for s in stations]
    fuse(tiny, global_grid([s.geometry for s in tiny]))
    return Prepared(lambda: fuse(stations, grid), lambda output: {"volume": output})


def check(quick: bool, outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Each peer against ours, where all define the volume. TPTBox's grid is its own."""
    own = next(iter(outputs.values()))["volume"]
    stations = make_stations(quick)
    inner = ~edges(stations, global_grid([s.geometry for s in stations]))
    for name, values in list(outputs.items())[1:]:
        if name == "TPTBox":
            continue
        yield difference(name, "voxels", values["volume"][inner] / RANGE, own[inner] / RANGE, AGREEMENT, "of the range")


def participant(asked: Asked) -> Path:
    """The zip of a full-protocol phantom participant (quick: the small preset)."""
    import phantoms

    preset = "small" if asked.quick else "full"
    with asked.making(f"participant-{preset}") as (place, to_fill):
        if to_fill:
            phantoms.make("ukb_participant", {"preset": preset, "seed": 1, "truth_step_mm": 5.0}, to_fill)
    return next(place.glob("*.zip"))


def zip_to_nrrd(asked: Asked, backend: str = "auto") -> Prepared:
    """The whole stage on a zip, in this process: four volumes, hashes and record."""
    import tempfile

    from containers.contract.request import Item, Request, Resources
    from containers.contract.spec import load_spec
    from containers.contract.stage import run
    from containers.fusion import __main__ as stage
    from containers.toolkit.images.volume import read_nrrd

    path = participant(asked)
    folder = tempfile.TemporaryDirectory()
    out = Path(folder.name) / "out"
    request = Request(
        stage="fusion", items=[Item(id="participant", inputs={"dicom": path})], parameters={"backend": backend},
        resources=Resources(threads=asked.threads, device=asked.device), output=out,
    )  # fmt: skip
    spec = load_spec(Path(stage.__file__).with_name("stage.toml"))

    def call() -> None:
        if run(spec, request, stage.setup, stage.process) != 0:
            raise RuntimeError("the stage failed")

    def values(output: Any) -> Values:
        return {"water": read_nrrd(next((out / "participant").glob("*water*.nrrd"))).data}

    return Prepared(call, values, close=folder.cleanup)


def unzip(asked: Asked) -> Prepared:
    """What any program has to do first."""
    import tempfile

    path = participant(asked)
    folder = tempfile.TemporaryDirectory()

    def call() -> None:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder.name)

    return Prepared(call, lambda output: {}, close=folder.cleanup)


def check_zip(asked: Asked, outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Unzipping has no result to compare: the volume is compared with that of numpy, the reference backend."""
    reference = zip_to_nrrd(replace(asked, device="cpu"), "numpy")
    found, right = outputs["ours"]["water"], reference.values(reference.call())["water"]
    reference.close()
    yield difference(
        "truth", "voxels by numpy", found / np.ptp(right), right / np.ptp(right), AGREEMENT, "of the range"
    )


def rows(asked: Asked) -> list[Work]:
    """Both rows on the asked device."""
    cuda = asked.device == "cuda"
    missing = no_cuda() if cuda else ""
    peers = [("torch grid_sample", by_torch, "torch", 5.0)]
    if not cuda:
        peers += [
            ("SimpleITK", by_simpleitk, "SimpleITK", 5.0),
            ("scipy affine_transform", by_scipy, "scipy", None),
            ("numba, voxel by voxel", by_plain_numba, "numba", 2.0),
            ("TPTBox", by_tptbox, "TPTBox", 50.0),
        ]
    no_torch = no_cuda("torch") if cuda else ""
    methods = [Method("ours", partial(prepare, ours, asked), missing)] + [
        Method(name, partial(prepare, of, asked), absent(package) or no_torch, package, target)
        for name, of, package, target in peers
    ]
    k, n = (24, 64) if asked.quick else (90, 224)
    grid = global_grid([s.geometry for s in make_stations(asked.quick)])
    stations = Work(
        "fusion.stations", "four stations of one contrast to one volume", "volume", methods,
        partial(check, asked.quick), {"stations": 4, "slices": k, "matrix": n},
        bytes_moved=4 * k * n * n * 2 + int(np.prod(grid.shape)) * 4,
        memory_limit=int(1.5 * np.prod(grid.shape) * 4),
    )  # fmt: skip
    zipped = Work(
        "fusion.zip", "a participant's zip to four volumes", "participant",
        [
            Method("ours", partial(zip_to_nrrd, asked), missing),
            Method("unzipping alone (zipfile)", partial(unzip, asked), missing, target=1 / 3),
        ],
        partial(check_zip, asked), {"preset": "small" if asked.quick else "full", "contrasts": 4}, participants=1,
    )  # fmt: skip
    return [stations, zipped]


if __name__ == "__main__":
    sys.exit(main(rows))
