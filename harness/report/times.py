"""Timings as tables: per case and step, per image, and what else there is. Never part of the results."""

from typing import Any

from harness.report.exports import number


def step_rows(timings: dict[str, Any]) -> list[tuple[str, str, int, int, str]]:
    """(case, step, items, items from the cache, seconds in the stage summed over items). A dash: not measured."""
    steps: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in timings.get("items", []):
        steps.setdefault((row["case"], row["step"]), []).append(row)
    rows = []
    for (case, step), items in steps.items():
        seconds = [row["seconds"]["total"] for row in items if "total" in row.get("seconds", {})]
        cached = sum(bool(row.get("cached")) for row in items)
        rows.append((case, step, len(items), cached, f"{sum(seconds):.1f}" if seconds else "–"))
    return rows


def image_rows(timings: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of the table of images."""
    images = [image for image in timings.get("images", []) if isinstance(image, dict)]
    names = list(dict.fromkeys(name for image in images for name in image))
    rows = [[_cell(image.get(name)) for name in names] for image in images]
    return [name.replace("_", " ") for name in names], rows


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else str(value)


def other_rows(timings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Everything else as rows of (name, value)."""
    rows: list[tuple[str, str]] = []
    for name, value in timings.items():
        label = f"{prefix} / {name}" if prefix else str(name).replace("_", " ")
        if isinstance(value, dict):
            rows += other_rows(value, label)
        elif not isinstance(value, list):
            rows.append((label, _cell(value)))
    return rows
