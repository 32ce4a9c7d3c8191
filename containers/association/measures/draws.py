"""Bootstrap draws: which rows a resample takes.

Invariant: resample `number` of a seed is the same whatever the order, the block or the process it is drawn in.
"""

import hashlib

import numpy as np

from containers.toolkit.tables.cohort.arrays import IntArray


def draw_rows(seed: int, number: int, rows: int) -> IntArray:
    """Row indices (rows,) drawn with replacement for one resample."""
    return np.random.default_rng([seed, number]).integers(0, rows, rows)


def draws_sha256(seed: int, resamples: int, rows: int) -> str:
    """SHA-256 of all indices in order, as little-endian 64-bit integers: says that two runs drew the same rows."""
    total = hashlib.sha256()
    for number in range(resamples):
        total.update(draw_rows(seed, number, rows).astype("<i8").tobytes())
    return total.hexdigest()
