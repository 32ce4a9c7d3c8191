"""A baseline: the frozen numbers of one gate case, the tolerance of each, and what it was made with.

Lies in `reference_results/baselines/gate_NAME.json`. The files next to it without that prefix are bounds of checks,
sampled over persons by `myorepro sample`; a baseline is sampled over runs on the same persons.
"""

import json
from pathlib import Path

from pydantic import Field, ValidationError

from containers.contract.errors import RequestFault
from containers.contract.files import write_text
from containers.contract.request import Finite, Strict, first_error
from harness.project import ROOT

SCHEMA_VERSION = "1.0"
FOLDER = ROOT / "reference_results" / "baselines"
PREFIX = "gate_"


class Frozen(Strict):
    """One frozen number."""

    value: Finite | None = None
    """The reference's value in `unit`; None where it is undefined, and must stay so."""
    unit: str
    """Unit of value, tolerance and spread."""
    tolerance: Finite | None = None
    """Largest distance from the value that does not count as moved; None where the value is undefined."""
    spread: Finite = 0.0
    """Largest distance from the value over all variations that were sampled."""
    widest: str = "floor"
    """The kind of variation that the tolerance comes from (`seed`, `threads`, ...), or `floor`."""


class Made(Strict):
    """What a baseline was made with."""

    project_version: str
    """Version of the project."""
    contract: str
    """Version of the stage contract."""
    preset: str
    """Preset of the case that was run."""
    case_sha256: str
    """SHA-256 of the gate case's file."""
    stages: dict[str, dict[str, str]]
    """Version, digest and kind of digest of each stage, by name."""
    locks: dict[str, str]
    """SHA-256 of each lock file, by its path in the project."""
    environment: dict[str, str]
    """Facts of machine and packages, by name."""
    inputs: dict[str, str]
    """SHA-256 of each file that the phantoms made."""
    variations: dict[str, list[str]]
    """Names of the variations that were sampled, by kind."""


class Baseline(Strict):
    """The whole file."""

    schema_version: str = SCHEMA_VERSION
    """Version of this file's schema."""
    case: str
    """Name of the gate case that was frozen."""
    rule: str
    """How the tolerances follow from what was sampled, in words."""
    made: Made
    """What the baseline was made with."""
    ends: dict[str, str]
    """How each `step/item` ends: `ok` or, for an input that is bad on purpose, `error`."""
    numbers: dict[str, Frozen] = Field(min_length=1)
    """The frozen numbers, by `step/item/metric`."""

    def text(self) -> str:
        """The file's text: a line for each number, so that a change can be read. Defaults are left out of it."""
        fields = self.model_dump(mode="json", exclude={"numbers"})
        numbers = {key: row.model_dump(mode="json", exclude_defaults=True) for key, row in self.numbers.items()}
        head = json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        rows = [f"  {json.dumps(key)}: {json.dumps(row, sort_keys=True)}" for key, row in sorted(numbers.items())]
        return head.removesuffix("\n}") + ',\n "numbers": {\n' + ",\n".join(rows) + "\n }\n}\n"


def place_of(case: str, folder: Path = FOLDER) -> Path:
    """Where the baseline of a gate case lies."""
    return folder / f"{PREFIX}{case}.json"


def write_baseline(baseline: Baseline, folder: Path = FOLDER) -> Path:
    """Write a baseline whole or not at all; returns its path."""
    path = place_of(baseline.case, folder)
    write_text(path, baseline.text())
    return path


def load_baseline(case: str, folder: Path = FOLDER) -> Baseline:
    """Read the baseline of a gate case. Raises RequestFault where there is none or it is damaged."""
    path = place_of(case, folder)
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RequestFault(
            f"has no baseline ({path.name}: {error.strerror})",
            where=f"gate case {case}",
            fix=f"make one from the reference stages: myorepro baseline freeze --case {case}",
        ) from error
    except ValidationError as error:
        raise RequestFault(first_error(error), where=path.name, fix="restore it or freeze it again") from error
