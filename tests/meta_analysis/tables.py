"""The small tables of `data/`, as arrays."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DATA = Path(__file__).with_name("data")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of `data/<name>.csv`."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def column(table: list[dict[str, str]], name: str) -> Floats:
    """A column of numbers."""
    return np.array([float(row[name]) for row in table])


def codes(table: list[dict[str, str]], name: str) -> npt.NDArray[np.int64]:
    """A column of names as integer codes."""
    return np.unique([row[name] for row in table], return_inverse=True)[1].astype(np.int64)


def bcg() -> tuple[Floats, Floats, Floats, Floats]:
    """Log risk ratios of tuberculosis, their variances, latitude and year of the 13 trials."""
    table = rows("bcg")
    a, b, c, d = (column(table, n) for n in ("vaccinated_tb", "vaccinated_free", "control_tb", "control_free"))
    y = np.log(a / (a + b)) - np.log(c / (c + d))
    v = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return y, v, column(table, "latitude"), column(table, "year")


def intercept(y: Floats, *others: Floats) -> Floats:
    """A design of ones and other columns."""
    return np.column_stack([np.ones(len(y)), *others])


MUSCLES: dict[str, Any] = {
    "schema_version": "1.0",
    "columns": {
        "effect_id": {"type": "id"},
        "study": {"type": "label"},
        "outcome": {"type": "category", "levels": ["CSA", "FI"]},
        "muscle": {"type": "category", "levels": ["erector_spinae", "multifidus", "psoas_major", "multiple"]},
        "comparison": {"type": "category", "levels": ["op_opn", "op_control", "opn_control"]},
        "level": {"type": "category", "levels": ["multiple", "single"]},
        "age_years": {"type": "number", "unit": "years", "minimum": 18, "maximum": 110},
        "female_percent": {"type": "number", "unit": "%", "minimum": 0, "maximum": 100},
        "bmi": {"type": "number", "unit": "kg/m2", "minimum": 10, "maximum": 60},
        "n1": {"type": "number"},
        "mean1": {"type": "number"},
        "sd1": {"type": "number"},
        "n2": {"type": "number"},
        "mean2": {"type": "number"},
        "sd2": {"type": "number"},
    },
}
"""Dictionary of made_up_muscles.csv."""

MUSCLE_EFFECTS: dict[str, Any] = {
    "study": "study",
    "measure": "smd",
    "mean_1": "mean1",
    "sd_1": "sd1",
    "n_1": "n1",
    "mean_2": "mean2",
    "sd_2": "sd2",
    "n_2": "n2",
    "direction": {"column": "outcome", "flip": ["CSA"]},
}
"""How effects come from made_up_muscles.csv: higher is worse."""
