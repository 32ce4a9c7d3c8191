"""Seams that are said to be doubtful, and those that are not: the thresholds, and what the fused files carry."""

import itertools

import numpy as np
import pytest

from containers.fusion.seam_doubts import doubts_of
from containers.fusion.seams import Agreement, compare
from containers.fusion.stack import Station
from containers.toolkit.images.formats.nifti import Nifti
from containers.toolkit.images.volume import Geometry
from tests.optional import DATA

NO_SHIFT: dict[str, int | None] = {"left": 0, "posterior": 0, "superior": 0}


def seam(correlation: float | None = 0.9, gain: float | None = 1.0, **shift: int) -> Agreement:
    return Agreement(1000, correlation, gain, dict.fromkeys(NO_SHIFT), {**NO_SHIFT, **shift})


# Independent slice-by-slice correlation of seven stations of one leg (mfroeling/QMRITools): gains and correlations of
# the six seams; the last two seams fit best half a slice to a slice off the table's step.
GAINS = (0.866, 1.413, 0.929, 1.019, 1.022, 0.867)
CORRELATIONS = (0.83, 0.95, 0.84, 0.97, 0.97, 0.50)


def test_of_seven_real_stations_two_seams_are_doubtful() -> None:
    seams = [seam(c, g) for c, g in zip(CORRELATIONS, GAINS, strict=True)]
    found = doubts_of({"in_phase": seams}, range(1, 8))
    assert [doubt.text for doubt in found] == [
        "seam: gain outside 0.8 to 1.25 (2/3 in_phase 1.41)",
        "seam: correlation under 0.6 (6/7 in_phase 0.50)",
    ]
    assert [doubt.of for doubt in found] == ["signal", "all"]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (seam(), ""),
        (seam(None, None), ""),
        (seam(gain=0.8), ""),
        (seam(gain=0.79), "gain"),
        (seam(gain=1.26), "gain"),
        (seam(0.6), ""),
        (seam(0.59), "correlation"),
        (seam(superior=1), "shifted by a voxel or more (3/4 by 1 along superior)"),
        (seam(left=-2), "3/4 by 2 along left"),
    ],
)
def test_each_threshold(one: Agreement, said: str) -> None:
    found = doubts_of({"contrast.echo_1": [one]}, [3, 4])
    assert len(found) == bool(said)
    assert not said or said in found[0].text


@pytest.mark.needs("data/leg_stations/station_1.nii.gz")
def test_seven_real_stations_have_the_seams_that_were_measured_apart_from_this_code() -> None:
    """Their headers hold no table position: the step is 26 slices of 6 mm, and station 7 is uppermost."""
    stations = []
    for place, number in enumerate(range(7, 0, -1)):
        volume = Nifti().read_volume(DATA / "leg_stations" / f"station_{number}.nii.gz")
        grid = Geometry(volume.geometry.size, (1.5, 1.5, 6.0), (0.0, 0.0, -156.0 * place))
        stations.append(Station(np.asarray(volume.data, np.float32), grid))
    seams = [compare(upper, lower, 2) for upper, lower in itertools.pairwise(stations)]
    assert [seam.gain for seam in seams] == pytest.approx(GAINS, abs=5e-4)
    assert [seam.correlation for seam in seams] == pytest.approx(CORRELATIONS, abs=5e-3)
    found = doubts_of({"in_phase": seams}, range(7, 0, -1))
    assert [doubt.text for doubt in found] == [
        "seam: stations are shifted by a voxel or more (7/6 by 1 along superior)",
        "seam: gain outside 0.8 to 1.25 (6/5 in_phase 1.41)",
        "seam: correlation under 0.6 (2/1 in_phase 0.50)",
    ]
