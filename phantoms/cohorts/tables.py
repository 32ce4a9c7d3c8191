"""What the cohort phantoms share: links and intercepts of logistic models, and the files of a cohort.

Invariants: a cohort's folder holds `table.parquet` and `table.csv` with identical numbers (a float is printed with the
fewest digits that give it back), `dictionary.json`, `analyses.json` and `phantom.json`; equal parameters give equal
bytes. A missing value is null (CSV: an empty field), and never a code or NaN.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.toolkit.tables.table import write_table

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SCHEMA_VERSION = "1.0"
HALVINGS = 60


def expit(x: F64) -> F64:
    """1 / (1 + exp(-x)), without overflow at either end."""
    small = np.exp(-np.abs(x))
    value: F64 = np.where(x >= 0, 1.0, small) / (1.0 + small)
    return value


def logit(p: F64) -> F64:
    """ln(p / (1 - p))."""
    value: F64 = np.log(p) - np.log1p(-p)
    return value


def intercept_for(eta: F64, share: float) -> float:
    """The intercept a with mean(expit(a + eta)) = share, 0 < share < 1: bisection, to the last bit that matters."""
    low, high = float(logit(np.array([share]))[0] - eta.max()), float(logit(np.array([share]))[0] - eta.min())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(expit(middle + eta).mean()) < share else (low, middle)
    return (low + high) / 2


def truncated_normal(rng: np.random.Generator, mean: F64, sd: float, low: float, high: float) -> F64:
    """Normal draws (shape of `mean`), taken again until they lie in [low, high)."""
    value = mean + sd * rng.standard_normal(mean.shape)
    while (outside := (value < low) | (value >= high)).any():
        value[outside] = mean[outside] + sd * rng.standard_normal(int(outside.sum()))
    return value


def lognormal(rng: np.random.Generator, mean: F64, sd: F64) -> F64:
    """Lognormal draws of this mean and SD (Johnson, Kotz and Balakrishnan 1994, chapter 14)."""
    variance = np.log1p((sd / mean) ** 2)
    value: F64 = np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * rng.standard_normal(mean.shape))
    return value


def levels(names: Sequence[str], codes: npt.NDArray[Any], missing: Mask | None = None) -> list[str | None]:
    """Names of category codes, None where missing."""
    out: list[str | None] = np.array(names, dtype=object)[codes.astype(np.int64)].tolist()
    return _blanked(out, missing)


def numbers(values: F64, missing: Mask | None = None) -> list[float | None]:
    """A column of numbers, None where missing."""
    out: list[float | None] = values.tolist()
    return _blanked(out, missing)


def _blanked(column: list[Any], missing: Mask | None) -> list[Any]:
    for row in np.flatnonzero(missing) if missing is not None else ():
        column[row] = None
    return column


def number(unit: str, minimum: float | None = None, maximum: float | None = None, what: str = "") -> dict[str, Any]:
    """A number column of dictionary.json."""
    entry: dict[str, Any] = {"type": "number", "unit": unit}
    entry |= {
        k: v for k, v in (("minimum", minimum), ("maximum", maximum), ("description", what)) if v not in (None, "")
    }
    return entry


def category(names: Sequence[str], what: str = "") -> dict[str, Any]:
    """A category column of dictionary.json. The first level is the reference."""
    return {"type": "category", "levels": list(names), **({"description": what} if what else {})}


def write_cohort(
    folder: Path,
    name: str,
    parameters: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]],
    dictionary: Mapping[str, Any],
    analyses: Mapping[str, Any],
    truth: Mapping[str, float],
    **more: Any,
) -> None:
    """Write the five files. `more` goes into phantom.json: what is true of the table in addition to numbers.

    Raises ItemFault when a true value is not finite, which no setting should give.
    """
    if bad := next((key for key, value in truth.items() if not np.isfinite(value)), None):
        raise ItemFault("has no finite true value", where=f"phantom {name}, {bad}", fix="correct the settings")
    plain = {key: list(column) for key, column in columns.items()}
    write_table(folder / "table.parquet", plain)
    write_table(folder / "table.csv", plain)
    write_json(folder / "dictionary.json", {"schema_version": SCHEMA_VERSION, "columns": dict(dictionary)})
    write_json(folder / "analyses.json", {"schema_version": SCHEMA_VERSION, **analyses})
    files = {
        "table": "table.parquet",
        "table_csv": "table.csv",
        "dictionary": "dictionary.json",
        "analyses": "analyses.json",
    }
    write_json(
        folder / "phantom.json",
        {
            "schema_version": SCHEMA_VERSION,
            "name": name,
            "parameters": dict(parameters),
            "files": files,
            "facts": {},
            "truth": {key: float(value) for key, value in truth.items()},
            **more,
        },
    )
