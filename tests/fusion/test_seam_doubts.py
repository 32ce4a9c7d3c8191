"""Seams that are said to be doubtful, and those that are not: the thresholds, and what the fused files carry."""

import pytest

from containers.fusion.seam_doubts import doubts_of
from containers.fusion.seams import Agreement

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
