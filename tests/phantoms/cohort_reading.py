"""How the tests read a cohort: with the csv module and numpy, and by the rules of analyses.json written out again."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


class Cohort:
    """The table as text columns, and the JSON files."""

    def __init__(self, folder: Path) -> None:
        with (folder / "table.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        self.columns = {name: [row[at] for row in rows[1:]] for at, name in enumerate(rows[0])}
        self.analyses = json.loads((folder / "analyses.json").read_text(encoding="utf-8"))
        self.dictionary = json.loads((folder / "dictionary.json").read_text(encoding="utf-8"))["columns"]
        self.phantom = json.loads((folder / "phantom.json").read_text(encoding="utf-8"))
        self.truth: dict[str, float] = self.phantom["truth"]

    def number(self, name: str) -> F64:
        return np.array([float(v) if v else np.nan for v in self.columns[name]])

    def text(self, name: str) -> npt.NDArray[np.str_]:
        return np.array(self.columns[name])

    def kept(self) -> tuple[npt.NDArray[np.bool_], list[dict[str, Any]]]:
        """Rows left by the exclusions of analyses.json, and how many each takes."""
        kept = np.ones(len(self.columns[next(iter(self.columns))]), dtype=bool)
        flow = []
        for rule in self.analyses["exclusions"]:
            if "complete" in rule:
                good = np.all([self.text(c) != "" for c in rule["complete"]], axis=0)
            elif "keep" in rule:
                good = np.isin(self.text(rule["column"]), rule["keep"])
            else:
                x = self.number(rule["column"])
                good = (x >= rule.get("at_least", -np.inf)) & (x <= rule.get("at_most", np.inf))
            flow.append({"id": rule["id"], "rows": int((kept & ~good).sum())})
            kept &= good
        return kept, flow


def logistic(x: F64, y: F64) -> tuple[F64, F64]:
    """Coefficients and standard errors by Newton's method; x (n, p) with its intercept."""
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        information = (x * (p * (1 - p))[:, None]).T @ x
        step = np.linalg.solve(information, x.T @ (y - p))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))
