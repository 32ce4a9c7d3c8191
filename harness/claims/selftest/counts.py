"""Made tables of counts: flow charts, percentages, two groups with events."""

import math

from harness.claims.selftest.sheet import Sheet
from harness.claims.selftest.tails import chi2_p, fisher_p

Z = 1.959963984540054


def flow(sheet: Sheet) -> None:
    """Persons classed and counted: sums, differences, shares of a column, sizes at a quantile."""
    draw = sheet.draw
    classes = [draw.randint(5, 400) for _ in range(3)]
    pool = sum(classes) + draw.randint(3, 200)
    left = sum(classes)
    for i, count in enumerate(classes):
        sheet.number(f"n{i}", count)
    sheet.number("pool", pool)
    sheet.number("excluded", pool - left)
    parts = [f"n{i}" for i in range(3)]
    shown = left + (draw.choice([-1, 1]) if sheet.wrong("a count off by one") else 0)
    sheet.claim("left", shown, None, {"kind": "sum", "parts": parts})
    sheet.claim("flow", left, None, {"kind": "difference", "minuend": "pool", "subtrahend": "excluded"})
    sheet.claim("again", shown if sheet.seeded else left, None, {"kind": "same", "of": ["flow"]})
    whole = pool if sheet.wrong("a share of another whole") else left
    digits = max(0, sheet.depth - 1)
    exchanged = sheet.wrong("two columns exchanged")
    for i in range(len(classes)):
        value = 100 * classes[i ^ 1 if exchanged and i < 2 else i] / whole
        others = [f"share{j}" for j in range(3) if j != i]
        relation = {"kind": "percent", "part": f"n{i}", "whole": "left", "column": others, "wholes_tried": ["pool"]}
        sheet.claim(f"share{i}", value, digits, relation, "%")
    third = left // 3 + draw.choice([0, 1 if left % 3 else 0])
    sheet.claim("third", third, None, {"kind": "quantile_size", "whole": "left", "share": "1/3"})


def events(sheet: Sheet) -> None:
    """Persons of two groups with and without an event: ratios, their limits and p values."""
    draw = sheet.draw
    n, m = draw.randint(60, 900), draw.randint(60, 900)
    risks = draw.uniform(0.08, 0.5), draw.uniform(0.08, 0.5)
    a = sum(draw.random() < risks[0] for _ in range(n))
    b = sum(draw.random() < risks[1] for _ in range(m))
    if not (4 < a < n - 4 and 4 < b < m - 4):
        a, b = n // 3, m // 4
    for key, count in (("a", a), ("n", n), ("b", b), ("m", m)):
        sheet.number(key, count)
    odds, risk = a * (m - b) / (b * (n - a)), a * m / (b * n)
    errors = {
        "odds": math.sqrt(1 / a + 1 / (n - a) + 1 / b + 1 / (m - b)),
        "risk": math.sqrt(1 / a - 1 / n + 1 / b - 1 / m),
    }
    z = 1.6448536269514722 if sheet.wrong("limits of 90 % as 95 %") else Z
    cells = {"events_high": "a", "events_low": "b"}
    shown = risk if sheet.wrong("a risk ratio as an odds ratio") else odds
    turned = 1 / shown if sheet.wrong("the groups exchanged") else shown
    kinds: list[tuple[str, float, dict[str, str]]] = [
        ("odds", turned, {"kind": "odds_ratio", **cells, "size": "n", "size_low": "m"}),
        ("risk", risk, {"kind": "risk_ratio", **cells, "size_high": "n", "size_low": "m"}),
    ]
    digits = max(1, sheet.depth)
    for name, value, relation in kinds:
        limits = [value * math.exp(sign * z * errors[name]) for sign in (-1, 1)]
        if name == "odds" and sheet.wrong("limits exchanged"):
            limits.reverse()
        sheet.claim(name, value, digits, {**relation, "part": "estimate"})
        sheet.claim(f"{name}.low", limits[0], digits, {**relation, "part": "lower"})
        sheet.claim(f"{name}.high", limits[1], digits, {**relation, "part": "upper"})
    _p_values(sheet, (a, n, b, m), turned, errors["odds"], z)
    _changes(sheet, risk, odds, b / m)


def _p_values(sheet: Sheet, counts: tuple[int, int, int, int], odds: float, error: float, z: float) -> None:
    a, n, b, m = counts
    margins = n * m * (a + b) * (n + m - a - b)
    cross = abs(a * (m - b) - b * (n - a))
    tests = {
        "pearson": chi2_p((n + m) * cross**2 / margins, 1),
        "yates": chi2_p((n + m) * max(0.0, cross - (n + m) / 2) ** 2 / margins, 1),
        "fisher": fisher_p(*counts),
    }
    p = tests[sheet.draw.choice(sorted(tests))]
    if sheet.wrong("a one-sided p as two-sided"):
        p = p / 2
    if sheet.wrong("p of another row"):
        p = sheet.draw.random()
    relation = {"kind": "p_from_counts", "events_a": "a", "size_a": "n", "events_b": "b", "size_b": "m"}
    sheet.claim("p", sheet.p_text(p), None, relation)
    wald = math.erfc(abs(math.log(odds)) / (error * z / Z) / math.sqrt(2))
    limits = {"estimate": "odds", "low": "odds.low", "high": "odds.high", "scale": "log"}
    sheet.claim("p.wald", sheet.p_text(wald), None, {"kind": "p_from_interval", **limits})
    middle = {"kind": "interval_centre", "low": "odds.low", "high": "odds.high", "scale": "log"}
    digits = max(1, sheet.depth)
    sheet.claim("centre", sheet.claims["odds"]["printed"], digits, middle)


def _changes(sheet: Sheet, risk: float, odds: float, baseline: float) -> None:
    digits = max(0, sheet.depth - 1)
    change = 100 * (1 / risk - 1) if sheet.wrong("a change relative to the other group") else 100 * (risk - 1)
    sheet.claim("change", abs(change), digits, {"kind": "change_percent", "ratio": "risk"}, "%")
    sheet.number("baseline", 100 * baseline, digits, "%")
    meant = odds if sheet.wrong("odds said of risks") else odds / (1 - baseline + baseline * odds)
    relation = {"kind": "odds_as_risk", "odds_ratio": "odds", "baseline_percent": "baseline"}
    sheet.claim("times", meant, sheet.depth, relation)


FAULTS = {
    flow: ("a count off by one", "a share of another whole", "two columns exchanged"),
    events: (
        "limits of 90 % as 95 %",
        "a risk ratio as an odds ratio",
        "the groups exchanged",
        "limits exchanged",
        "a one-sided p as two-sided",
        "p of another row",
        "a change relative to the other group",
        "odds said of risks",
    ),
}
