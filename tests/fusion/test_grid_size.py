"""A grid that would not fit is refused before memory is taken, with the sizes worked by hand."""

import os

import pytest

from containers.contract.errors import ItemFault
from containers.fusion.grid import global_grid
from containers.toolkit.images.volume import Geometry

STATION = Geometry(size=(101, 101, 101), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
"""200 mm along each axis: 201 voxels at 1 mm, 8 120 601 in all, 32 482 404 bytes."""


def test_a_grid_of_just_the_memory_is_made_and_one_byte_less_is_refused() -> None:
    assert global_grid([STATION], [1.0, 1.0, 1.0], 32_482_404).size == (201, 201, 201)
    with pytest.raises(ItemFault) as caught:
        global_grid([STATION], [1.0, 1.0, 1.0], 32_482_403)
    line = str(caught.value)
    assert "\n" not in line and caught.value.fix.endswith("`spacing_mm` or for more memory")
    assert "the common grid of 1 x 1 x 1 mm would have 201 x 201 x 201 voxels, 0.0 GiB a contrast" in line


def test_without_a_limit_the_machine_s_memory_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 7930}  # 32 481 280 bytes
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    with pytest.raises(ItemFault, match="201 x 201 x 201 voxels"):
        global_grid([STATION], [1.0, 1.0, 1.0])
    assert global_grid([STATION]).size == STATION.size


def test_a_grid_for_no_body_is_refused_whatever_the_memory() -> None:
    """1001 voxels at 0.2 mm, 1.003e9 in all: 3.7 GiB; 2 m along k ten times that."""
    assert global_grid([STATION], [0.2, 0.2, 0.2], 1 << 50).size == (1001, 1001, 1001)
    long = Geometry(size=(101, 101, 1001), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
    with pytest.raises(
        ItemFault, match=r"1001 x 1001 x 10001 voxels, 37\.3 GiB a contrast, and 4\.0 GiB are allowed; .*`spacing_mm`$"
    ):
        global_grid([long], [0.2, 0.2, 0.2], 1 << 50)
