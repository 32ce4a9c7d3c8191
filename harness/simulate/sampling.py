"""The sampled spread of a case's checks over seeds, from which their tolerances come.

A cohort is the case with every seed raised by SEED_STEP times the cohort's number: the same switches on other
persons and other noise, and none of the persons that the case itself uses. A bound is the mean of the cohorts
plus or minus WIDTH standard deviations, rounded outward to two digits. It is never set from the case's own result.
"""

import math
import re
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from containers.contract.errors import EnvironmentFault, RequestFault
from harness.progress import Progress
from harness.reproduce.session import Options, reproduce
from harness.run.case import CASES, load_cases

SEED_STEP = 1000
WIDTH = 5.0
"""With ten cohorts a new one leaves mean plus or minus 5 SD about once in a thousand times (Student's t, 9 df)."""
SAMPLED = "sampled"
"""How the tolerance source of a check that is sampled begins."""


def outward(value: float, *, up: bool) -> float:
    """`value` rounded to two significant digits, away from the inside."""
    if value == 0:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(value)))
    scaled = value * 10.0**digits
    return float(round((math.ceil(scaled) if up else math.floor(scaled)) / 10.0**digits, max(digits, 0)))


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """Lower and upper tolerance bound from the cohorts' values."""
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    return outward(mean - WIDTH * spread, up=False), outward(mean + WIDTH * spread, up=True)


def cohort_text(text: str, number: int) -> str:
    """The case file of cohort `number` (1 and up)."""
    return re.sub(r"\bseed = (\d+)", lambda m: f"seed = {int(m[1]) + SEED_STEP * number}", text)


def sample(name: str, cohorts: int, options: Options, progress: Progress) -> dict[str, Any]:
    """Run `cohorts` cohorts of a case in the small preset; the values of its sampled checks, with mean and SD.

    Raises RequestFault for a case that is unknown, has no sampled check or cannot be run for want of data, and
    EnvironmentFault when a cohort did not give a value.
    """
    [case] = load_cases([name])
    path = CASES / f"{name}.toml"
    sampled = {c.name: c for c in case.checks if c.tolerance_source.startswith(SAMPLED)}
    if not sampled:
        have = [c.name for c in load_cases() if any(k.tolerance_source.startswith(SAMPLED) for k in c.checks)]
        raise RequestFault("has no sampled check", where=f"case {name}", fix=f"cases that have: {', '.join(have)}")
    values: dict[str, list[float]] = {check: [] for check in sampled}
    for number in range(1, cohorts + 1):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / path.name).write_text(cohort_text(path.read_text(encoding="utf-8"), number), "utf-8")
            asked = replace(
                options, preset="small", cases=[name], case_folder=Path(folder), report=Path(folder) / "report"
            )
            results = reproduce(asked, progress)
        for check in results.checks:
            if check.check in sampled:
                if check.skipped:
                    raise RequestFault(check.note, where=check.check, fix="sample what the small preset can run")
                if check.measured is None:
                    raise EnvironmentFault(check.note, where=f"cohort {number}, {check.check}", fix="see the run above")
                values[check.check].append(check.measured)
    return {
        "schema_version": "1.0",
        "case": name,
        "preset": "small",
        "cohorts": cohorts,
        "seeds": f"those of the case plus {SEED_STEP} times the cohort's number",
        "rule": f"mean plus or minus {WIDTH:g} SD, rounded outward to two digits",
        "checks": {
            check: {
                "unit": sampled[check].unit,
                "values": found,
                "mean": statistics.fmean(found),
                "sd": statistics.stdev(found),
                "bounds": list(bounds(found)),
            }
            for check, found in values.items()
        },
    }
