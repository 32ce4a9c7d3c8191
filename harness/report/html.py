"""The HTML page: one file that needs nothing else. Pictures are data URIs, style and script stand inline.

A content security policy in the page forbids every outside load, so that a slip in the template cannot make one.
"""

import base64
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from harness.report import comparison, exports, figures, overview, summary, times
from harness.run.results import CheckResult, ClaimResult, Results, Verdict
from harness.text import plural

FOLDER = Path(__file__).parent
REAL = "real data"
"""Kind of evidence that has a section of its own."""


def _slug(word: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in word.lower())


def _bar(check: CheckResult) -> dict[str, float | str] | None:
    """Positions in per cent on a short scale that holds the tolerance and the measured value, and the scale's ends.

    None without a value, without a tolerance, and where the tolerance is one number: a scale would say nothing.
    """
    bounds = [b for b in (check.minimum, check.maximum) if b is not None]
    if check.measured is None or not bounds or check.minimum == check.maximum or check.measured in bounds:
        return None
    values = [*bounds, check.measured]
    span = max(values) - min(values) or abs(check.measured) or 1.0
    low, high = min(values) - 0.25 * span, max(values) + 0.25 * span

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    start = at(check.minimum) if check.minimum is not None else 0.0
    stop = at(check.maximum) if check.maximum is not None else 100.0
    ends = {"low": exports.number(float(f"{low:.3g}")), "high": exports.number(float(f"{high:.3g}"))}
    return {"start": start, "width": round(max(stop - start, 1.0), 2), "at": at(check.measured), **ends}


def _bytes(value: float) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:g} bytes"


def _fact(name: str, value: Any) -> tuple[str, str]:
    """One isolation fact in words."""
    label = name.removesuffix("_bytes").removesuffix("_s").replace("_", " ")
    if value is None or value == []:
        return label, "none"
    if isinstance(value, bool):
        return label, "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, (int, float)):
        return label, _bytes(value)
    if name.endswith("_s") and isinstance(value, (int, float)):
        return label, f"{value:g} s"
    if isinstance(value, (list, tuple)):
        return label, ", ".join(str(part) for part in value)
    return label, str(value)


def _isolation(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return [_fact(name, value) for name, value in sorted(facts.items())]


def _exact(value: float | None) -> str:
    """A number with all its digits; the shortest text that reads back as the same number."""
    if value is None:
        return "none"
    return (str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)).replace("-", "−")


def _breaks(name: str) -> Markup:
    """A name with places where a line may break: after `_` and `/`, never inside a word."""
    return Markup(str(escape(name)).replace("_", "_<wbr>").replace("/", "/<wbr>"))


def _short(digest: str) -> str:
    head, _, rest = digest.rpartition(":")
    return f"{head}:{rest[:12]}" if head else rest[:12]


def _pictures(results: Results, run_folder: Path) -> list[dict[str, Any]]:
    shown = []
    for picture in results.pictures:
        try:
            data = base64.b64encode((run_folder / picture.path).read_bytes()).decode("ascii")
        except OSError:
            data = ""
        source = Markup("data:image/png;base64,") + data if data else ""
        name = figures.name_of(picture)
        shown.append({"name": name, "anchor": f"picture-{_slug(name)}", "picture": picture, "source": source})
    return shown


def _figures(pictures: list[dict[str, Any]], cases: list[str]) -> dict[str, Any]:
    """Rows of the register, the pictures of each paper in the order of its figures, those of real data, all others."""
    entries = {entry["name"]: entry for entry in pictures}
    found = figures.shown([entry["picture"] for entry in pictures], cases)
    by_paper: dict[str, dict[str, Any]] = {}
    for one in found:
        by_paper.setdefault(one.figure.paper, {}).update({name: entries[name] for name in one.pictures})
    used = {name for named in by_paper.values() for name in named}
    others = [entry for entry in pictures if entry["name"] not in used]
    return {
        "figures": [
            {"figure": one.figure, "note": one.note, "shown": [entries[name] for name in one.pictures]} for one in found
        ],
        "figures_by_paper": [(paper, list(named.values())) for paper, named in by_paper.items() if named],
        "real_pictures": [entry for entry in others if entry["picture"].evidence == REAL],
        "other_pictures": [entry for entry in others if entry["picture"].evidence != REAL],
    }


def _real_checks(checks: list[CheckResult]) -> list[CheckResult]:
    """Checks on real data, without those that only say that items ended as they should, where they did."""
    return [c for c in checks if c.evidence == REAL and not (c.passed and c.unit == "items")]


def _scale(claim: ClaimResult) -> dict[str, tuple[float, float]] | None:
    """Start and width of the printed and the recomputed interval on a line, in per cent of its length, 1.5 at least.

    None where either has no limit or where both are one number: a scale would say nothing.
    """
    if claim.interval is None or claim.target is None:
        return None
    ends = [*claim.interval, *claim.target]
    low, high = min(ends), max(ends)
    if high == low:
        return None

    def placed(interval: tuple[float, float]) -> tuple[float, float]:
        start, stop = (100 * (end - low) / (high - low) for end in interval)
        return round(min(start, 98.5), 1), round(max(stop - start, 1.5), 1)

    return {"target": placed(claim.target), "interval": placed(claim.interval)}


def _checks_of(claim: ClaimResult) -> list[str]:
    """Names of the checks that the claim rests on."""
    return [name for name in claim.evidence_from.split(", ") if "/" in name]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "slug": _slug,
        "bar": _bar,
        "short": _short,
        "isolation": _isolation,
        "measured": exports.measured,
        "tolerance": exports.tolerance,
        "plural": plural,
        "breaks": _breaks,
        "compared": comparison.line,
        "exact": _exact,
        "shown": comparison.shown,
        "small": lambda value: f"{value:.2g}".replace("-", "−"),
        "first_two": lambda names: tuple(names[:2]),
        "part_of": overview.part_of,
        "scale": _scale,
        "checks_of": _checks_of,
    }
    return environment


def page(results: Results, timings: dict[str, Any], run_folder: Path) -> str:
    """The whole page as text. Every value is escaped; only the project's own style and script are not."""
    return (
        _environment()
        .get_template("template.html")
        .render(
            results=results,
            summary=summary,
            headline=overview.headline(results),
            overviews=overview.overviews(results),
            verdicts=list(Verdict),
            real_checks=_real_checks(results.checks),
            papers=list(dict.fromkeys(c.paper for c in results.claims)),
            places=list(dict.fromkeys(overview.part_of(c.place) for c in results.claims)),
            routes=list(dict.fromkeys(c.route for c in results.claims)),
            checked={f"{c.case}/{c.check}" for c in results.checks},
            resting=Counter(name for claim in results.claims for name in _checks_of(claim)),
            troubled=[i for i in results.items if i.status != "ok" or i.warnings],
            **_figures(_pictures(results, run_folder), results.cases),
            steps=times.step_rows(timings),
            images=times.image_rows(timings),
            other_times=times.other_rows(timings),
            style=Markup((FOLDER / "style.css").read_text(encoding="utf-8")),
            script=Markup((FOLDER / "script.js").read_text(encoding="utf-8")),
        )
    )
