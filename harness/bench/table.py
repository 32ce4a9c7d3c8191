"""The one table: ours, peer, ratio, difference of results."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from harness.bench.results import BenchResults, Check, Measured, Method, Ratio, Row
from harness.bench.statistics import CONFIDENCE
from harness.text import plural

BUSY = 0.05
"""Share of the machine that other programs may take before it is said."""
COLUMNS = (
    "work", "device", "ours", "peer", "takes", "times ours", "95 %", "target", "difference", "memory", "per hour",
    "of copy",
)  # fmt: skip


def seconds_text(seconds: float) -> str:
    """Three digits with a fitting unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def bytes_text(number: int | None) -> str:
    """Megabytes."""
    return "not told" if number is None else f"{number / 1e6:.3g} MB"


def time_text(found: Measured) -> str:
    """Median with half of its interval. `~`: wider than was asked for, or too few calls for one of 95 %."""
    if found.coverage < CONFIDENCE:
        return f"~{seconds_text(found.median)} ({plural(len(found.seconds), 'call')})"
    return f"{'' if found.precise else '~'}{seconds_text(found.median)} ±{100 * found.interval.half_width:.2g} %"


def ratio_text(ratio: Ratio) -> tuple[str, str, str]:
    """Ratio, its interval, and its target with how it came out."""
    interval = "too few calls" if ratio.low is None else f"{ratio.low:.3g} to {ratio.high:.3g}"
    if ratio.target is None:
        return f"{ratio.ratio:.3g}", interval, ""
    said = {True: "met", False: "missed", None: "not decided"}[ratio.met]
    return f"{ratio.ratio:.3g}", interval, f"{ratio.target:g} {said}"


def check_text(checks: Sequence[Check]) -> str:
    """Differences of one peer, or from the truth."""
    parts = []
    for check in checks:
        shown = "not comparable" if check.difference is None else f"{check.difference:.2g}"
        unit = "" if check.unit == "1" or check.difference is None else f" {check.unit}"
        verdict = "" if check.limit is None else " ok" if check.passed else f" OVER {check.limit:g}"
        parts.append(f"{check.quantity} {shown}{unit}{verdict}")
    return "; ".join(parts)


def table(rows: Sequence[Row]) -> Table:
    """A line for ours against the truth, and one for each peer."""
    made = Table(*COLUMNS)
    for row in rows:
        for cells in _lines(row):
            made.add_row(*(escape(cell) for cell in cells))
    return made


def _lines(row: Row) -> Iterator[tuple[str, ...]]:
    ours = row.ours.measured
    if ours is None:
        yield row.name, row.device, f"not measured: {row.ours.reason}", *[""] * 9
        return
    rate = ours.participants_per_hour
    hour = f"{ours.calls_per_hour:.3g} {row.work}s" if rate is None else f"{rate:.3g} participants"
    share = "" if ours.bandwidth_share is None else f"{100 * ours.bandwidth_share:.2g} %"
    truth = check_text([check for check in row.checks if check.against in ("truth", "limit")])
    own = (row.name, row.device, time_text(ours))
    yield (*own, "", "", "", "", "", truth, bytes_text(ours.peak_host_bytes), hour, share)
    for method in row.methods:
        if not method.ours:
            yield ("", "", "", *_peer(row, method))


def _peer(row: Row, method: Method) -> tuple[str, ...]:
    if method.measured is None:
        return method.name, f"not measured: {method.reason}", *[""] * 7
    ratio = next(ratio for ratio in row.ratios if ratio.peer == method.name)
    differs = check_text([check for check in row.checks if check.against == method.name])
    peak = bytes_text(method.measured.peak_host_bytes)
    return method.name, time_text(method.measured), *ratio_text(ratio), differs, peak, "", ""


def last_lines(results: BenchResults) -> Iterator[str]:
    """What the table does not say."""
    for device, speed in results.copy_bandwidth.items():
        yield f"copy bandwidth, {device}: {speed / 1e9:.3g} GB/s read and written"
    told = [(row, m) for row in results.rows for m in row.methods if m.measured and m.measured.joules is not None]
    for row, method in told:
        assert method.measured
        yield f"energy, {row.name}, {method.name}: {method.measured.joules:.3g} J ({method.measured.energy_source})"
    if not told:
        yield "energy: not told (no counter can be read)"
    for row in results.rows:
        found = row.ours.measured
        if found and found.peak_device_bytes is not None and row.device == "cuda":
            yield f"device memory, {row.name}: {bytes_text(found.peak_device_bytes)}"
    wide = sum(1 for row in results.rows for m in row.methods if m.measured and not m.measured.precise)
    if wide:
        yield f"~: {wide} medians have a wider interval than {100 * results.settings.precision:g} %, or too few calls"
    if results.other_work is not None and results.other_work > BUSY:
        yield f"other programs took {100 * results.other_work:.0f} % of the machine meanwhile: times are too long"
