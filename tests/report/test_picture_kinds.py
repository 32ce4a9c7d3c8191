"""Pictures as a case asks for them: what each kind needs, and the kind of evidence in the image."""

import json
import re
from pathlib import Path
from typing import Any

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest
from pydantic import ValidationError

from containers.contract.record import Record
from harness.pictures.frame import EVIDENCE_COLOURS
from harness.report.summary import ROUTE_WORDS
from harness.run.results import Route
from harness.run.steps.picture import PictureSpec
from harness.run.steps.task import Task, perform
from tests.report.test_statistics_plot import CALIBRATION, NOMOGRAM

EFFECTS = [{"id": f"e{i}", "study": f"s{i}", "effect": 0.1 * i, "standard_error": 0.1 + 0.02 * i} for i in range(6)]
NUMBERS = {"effect": 0.2, "effect_low": 0.1, "effect_high": 0.3, "n": 6.0, "k0": 2.0, "i2_percent": 40.0}
FILL = {
    "kind": "trim_and_fill",
    "fields": {"level": 0.95},
    "numbers": [{"quantity": name, "value": value} for name, value in NUMBERS.items()],
    "effects": [one["id"] for one in EFFECTS],
    "filled": [{"effect": -0.2, "standard_error": 0.2}, {"effect": -0.3, "standard_error": 0.22}],
}
ANALYSES = {"nomogram": NOMOGRAM, "calibration": CALIBRATION, "forest": FILL, "funnel": FILL}
SPEC = {"name": "p", "title": "t", "item": "i", "volume": "s.results", "alt": "a"}
STYLE = (Path(__file__).parents[2] / "harness" / "report" / "style.css").read_text(encoding="utf-8")


@pytest.fixture
def draw(tmp_path: Path) -> Any:
    """Draw as a step of the harness does: the record, and the picture's path."""
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"analyses": ANALYSES, "effects": EFFECTS}), encoding="utf-8")

    def made(kind: str, evidence: str, analysis: str) -> tuple[Record, Path]:
        folder = tmp_path / f"{kind}_{evidence}_{analysis}"
        folder.mkdir()
        parameters = {"draw": kind, "title": "t", "evidence": evidence, "analysis": analysis}
        perform(Task("picture", "i", {"volume": results}, {}, parameters), folder)
        return Record.model_validate_json((folder / "record.json").read_bytes()), folder / "picture.png"

    return made


@pytest.mark.parametrize("kind", ANALYSES)
def test_a_picture_of_an_analysis_carries_its_evidence(draw: Any, kind: str) -> None:
    for evidence in ("phantom", "simulation"):
        record, place = draw(kind, evidence, kind)
        assert record.status == "ok", record.error
        # The mark stands at the right of the top line, in the colour of this evidence.
        pixels = np.asarray(matplotlib.image.imread(place))[..., :3]
        corner = pixels[:60, -130:].reshape(-1, 3)
        mark = np.array(matplotlib.colors.to_rgb(EVIDENCE_COLOURS[evidence]))
        assert (np.abs(corner - mark).max(axis=1) < 0.01).sum() > 300
    assert draw(kind, "simulation", "none")[0].status == "error"


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("forest", {}, "needs analysis"),
        ("nomogram", {"analysis": "n", "overlay": "s.results"}, "has no overlay"),
        ("performance", {"overlay": "s.simulation"}, "has no overlay"),
        ("attenuation", {"analysis": "n"}, "has no analysis"),
        ("bland_altman", {}, "needs overlay"),
        ("labels_over", {"overlay": "s.labels", "analysis": "n"}, "has no analysis"),
        ("odds_ratios", {}, "needs analysis"),
        ("age_groups", {}, "needs overlay"),
        ("per_class", {"overlay": "s.labels"}, "has no overlay"),
    ],
)
def test_a_kind_is_given_what_it_needs_and_no_more(kind: str, fields: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=f"picture p of kind {kind} {said}"):
        PictureSpec.model_validate({**SPEC, "kind": kind, **fields})


def test_references_are_those_given() -> None:
    assert PictureSpec.model_validate({**SPEC, "kind": "performance"}).references() == {"volume": "s.results"}
    overlaid = PictureSpec.model_validate({**SPEC, "kind": "bland_altman", "overlay": "s.expected"})
    assert overlaid.references() == {"volume": "s.results", "overlay": "s.expected"}


def test_kinds_of_evidence_differ_in_word_and_colour() -> None:
    routes = [ROUTE_WORDS[route] for route in (Route.RECOMPUTE, Route.PHANTOM, Route.SIMULATION)]
    words = [*routes, "real data", "mutant"]
    assert words[1:] == ["phantom", "simulation", "real data", "mutant"]
    names = [re.search(rf"\.e-{word.replace(' ', '-')} {{ color: var\((--[a-z]+)\)", STYLE) for word in words]
    variables = [found.group(1) for found in names if found]
    assert len(set(variables)) == len(words)
    assert len({EVIDENCE_COLOURS[word] for word in words}) == len(words)
    light, dark, printed = (
        [re.search(rf"{name}: (#[0-9a-f]+)", block) for name in variables]
        for block in (STYLE.split("@media")[0], STYLE.split("@media")[1], STYLE.split("@media print")[1])
    )
    for colours in (light, dark, printed):
        assert len({found.group(1) for found in colours if found}) == len(words)
