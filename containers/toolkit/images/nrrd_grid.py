"""The grid of a NRRD file in LPS, and its values in our axis order."""

import re

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.toolkit.images.geometry import Geometry
from containers.toolkit.images.nrrd_data import NrrdFile
from containers.toolkit.images.nrrd_header import Header

_SIGNS = {"left": 1, "right": -1, "posterior": 1, "anterior": -1, "superior": 1, "inferior": -1}
_TO_LPS = {
    name: tuple(_SIGNS[word] for word in long.split("-"))
    for long in ("left-posterior-superior", "right-anterior-superior", "left-anterior-superior")
    for name in (long, "".join(word[0] for word in long.split("-")))
}
"""Signs that turn a header's frame into LPS: the three frames of the format, by their two names in lower case."""
_MM = {"", "mm", "millimeter", "millimeters", "millimetre", "millimetres"}
"""Names of the unit that we count in. ITK and 3D Slicer take the numbers as mm whatever unit the header names; a file
that says another one would be read in two ways, so it is refused."""
_COLOURS = re.compile(r".*-color", re.IGNORECASE)


def placed(file: NrrdFile, where: str) -> tuple[npt.NDArray[np.generic], Geometry]:
    """The values as (layer, k, j, i), C-contiguous, and their grid. A file without layers has one.

    A layer axis is one that has no direction in space. Raises ItemFault for a header that has no frame of the patient,
    or not three axes in it.
    """
    header, shape = file.header, file.data.shape
    if len(shape) != 3 and "space directions" not in header.fields:
        fix = "give one scalar volume a file"
        raise ItemFault(f"has {len(shape)} axes, 3 are needed", where=where, fix=fix)
    space = header.fields.get("space", "").strip().lower()
    if not {"space directions", "space origin"} <= set(header.fields) or not space:
        fix = "give space, space directions and space origin"
        raise ItemFault("has no anatomical geometry", where=where, fix=fix)
    if space not in _TO_LPS:
        fix = "save it in left-posterior-superior or right-anterior-superior"
        raise ItemFault(f"has no anatomical geometry: its space is {space[:40]!r}", where=where, fix=fix)
    if units := {unit for unit in header.words("space units") if unit.lower() not in _MM}:
        raise ItemFault(f"counts in {min(units)!r}, not in mm", where=where, fix="save it in mm")
    vectors = _vectors(header, "space directions", where)
    if len(vectors) != len(shape):
        raise ItemFault(
            f"has {len(vectors)} space directions for {len(shape)} axes", where=where, fix="correct the NRRD header"
        )
    kinds = [*header.words("kinds"), *[""] * len(shape)][: len(shape)]
    domain = [axis for axis, vector in enumerate(vectors) if vector is not None]
    rest = [axis for axis in range(len(shape)) if axis not in domain]
    _check_axes(shape, kinds, domain, rest, where)
    signs = np.array(_TO_LPS[space], dtype=float)
    steps = np.array([vectors[axis] for axis in domain]) * signs
    (origin,) = _vectors(header, "space origin", where)[:1] or [None]
    if origin is None or not all(np.isfinite(origin)):
        found = header.fields["space origin"][:60]
        raise ItemFault(f"has the space origin {found!r}, not three numbers", where=where, fix="give it in mm")
    # Fields of a header count axes from the fastest, arrays from the slowest.
    order = [len(shape) - 1 - axis for axis in (*rest, *reversed(domain))]
    data = np.ascontiguousarray(np.transpose(file.data, order)).reshape(-1, *(shape[n] for n in order[len(rest) :]))
    try:
        return data, Geometry.of_steps((data.shape[3], data.shape[2], data.shape[1]), steps, np.array(origin) * signs)
    except ValueError as error:
        raise ItemFault(str(error), where=where, fix="correct the NRRD header") from error


def _check_axes(shape: tuple[int, ...], kinds: list[str], domain: list[int], rest: list[int], where: str) -> None:
    """Refuse by its name what is not a volume, or a stack of layers of one."""
    sizes = shape[::-1]
    for axis in rest:
        if _COLOURS.fullmatch(kinds[axis]):
            raise ItemFault(
                f"has a colour axis ({kinds[axis]}, {sizes[axis]} values)", where=where, fix="give one scalar volume"
            )
    if len(domain) != 3 or len(rest) > 1:
        raise ItemFault(
            f"has {len(shape)} axes, {len(domain)} of them in space, 3 are needed",
            where=where,
            fix="give one scalar volume a file",
        )


def _vectors(header: Header, name: str, where: str) -> list[tuple[float, ...] | None]:
    """The vectors of a field; None for `none`, and for one of NaN, as some writers have it."""
    found: list[tuple[float, ...] | None] = []
    for text in re.findall(r"none|\([^()]*\)", header.fields[name].lower()):
        try:
            vector = tuple(float(number) for number in text.strip("()").split(",")) if text != "none" else None
        except ValueError:
            vector = ()
        if vector is not None and len(vector) != 3:
            raise ItemFault(f"has {text[:40]!r} in its {name}", where=where, fix="give three numbers in mm")
        found.append(None if vector is not None and name != "space origin" and all(np.isnan(vector)) else vector)
    return found
