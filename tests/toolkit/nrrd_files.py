"""NRRD files as other programs write them: a header in text, and bytes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

GRID = """space: left-posterior-superior
space directions: (1.5,0,0) (0,2,0) (0,0,4)
space origin: (-7,3.5,-50)"""
SHAPE = (6, 8, 10)
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[1, 2:5, 3:8], LABELS[3, 2:5, 3:8], LABELS[5, 6, 2] = 1, 2, 3
NAMES = {1: "sartorius", 2: "gracilis", 3: "femur"}


def segments(names: dict[int, str] = NAMES, start: int = 0, **more: Sequence[str]) -> str:
    """Pairs that declare one segment a label. more: a further key with its values."""
    lines = []
    for number, (value, name) in enumerate(names.items(), start=start):
        keys = {"Name": name, "LabelValue": str(value), "Layer": "0"}
        keys |= {key: values[number - start] for key, values in more.items()}
        lines += [f"Segment{number}_{key}:={text}" for key, text in keys.items()]
    return "\n".join(lines)


def write(
    path: Path,
    data: np.ndarray = LABELS,
    pairs: str = "",
    *,
    grid: str = GRID,
    head: str = "",
    packed: bytes | None = None,
    **fields: str,
) -> Path:
    """Write a file. fields: header fields in place of the usual ones (spaces as underscores); empty drops one.

    packed: the bytes of the data in place of the array's.
    """
    kind = {"u1": "uint8", "i1": "int8", "u2": "uint16", "i2": "int16", "i4": "int", "f4": "float", "f8": "double"}
    usual = {
        "type": kind[data.dtype.str[1:]],
        "dimension": str(data.ndim),
        "sizes": " ".join(map(str, data.shape[::-1])),
        "endian": "little",
        "encoding": "raw",
    }
    usual |= {name.replace("_", " "): text for name, text in fields.items()}
    lines = ["NRRD0004", *(f"{name}: {text}" for name, text in usual.items() if text), grid, head, pairs]
    header = "\n".join(line for line in lines if line) + "\n\n"
    path.write_bytes(header.encode() + (data.tobytes() if packed is None else packed))
    return path
