"""Made tables of measurements: means, spreads, limits, differences of groups, correlations."""

import math
import statistics

from harness.claims.selftest.sheet import Sheet
from harness.claims.selftest.tails import normal_p, t_p, t_quantile

Z = 1.959963984540054


def _group(sheet: Sheet, count: int) -> list[float]:
    centre, spread = sheet.draw.uniform(5, 90), sheet.draw.uniform(0.5, 12)
    return [sheet.draw.gauss(centre, spread) for _ in range(count)]


def means(sheet: Sheet) -> None:
    """Two groups and their union: means, standard deviations, standard errors and limits of the mean."""
    groups = [_group(sheet, sheet.draw.randint(12, 90)) for _ in range(2)]
    depth, units = sheet.depth, [statistics.fmean(g) for g in groups]
    scale = 10 if sheet.wrong("a wrong unit") else 1
    spreads = [statistics.stdev(g) for g in groups]
    if sheet.wrong("standard deviations exchanged"):
        spreads.reverse()
    for i, group in enumerate(groups):
        sheet.number(f"n{i}", len(group))
        sheet.number(f"mean{i}", units[i] * scale, depth)
        sheet.number(f"sd{i}", spreads[i], depth)
    union = [*groups[0], *groups[1]]
    counts, centre = ["n0", "n1"], statistics.fmean(union)
    if sheet.wrong("a plain mean of group means"):
        centre = statistics.fmean(units)
    sheet.claim("mean", centre, depth, {"kind": "weighted_mean", "means": ["mean0", "mean1"], "counts": counts})
    spread = statistics.stdev(union)
    if sheet.wrong("a spread within the groups"):
        spread = math.sqrt(statistics.fmean([s**2 for s in spreads]))
    pooled = {"kind": "pooled_sd", "mean": "mean", "sds": ["sd0", "sd1"], "means": ["mean0", "mean1"], "counts": counts}
    sheet.claim("sd", spread, depth, pooled)
    within = {"kind": "pooled_within", "strata": ["mean0", "mean1"]}
    outside = max(units) + abs(units[0] - units[1]) * 0.4 + 1
    sheet.claim("between", outside if sheet.wrong("a pooled value outside") else centre, depth, within)
    _limits(sheet, groups[0])


def _limits(sheet: Sheet, group: list[float]) -> None:
    """Standard error and limits of the first group's mean, by Student's t."""
    depth, n, mean = sheet.depth, len(group), statistics.fmean(group)
    error = statistics.stdev(group) / math.sqrt(n)
    shown = statistics.stdev(group) if sheet.wrong("a standard deviation as standard error") else error
    sheet.number("df", n - 1)
    sheet.number("se", shown, depth + 1)
    sheet.number("estimate", mean, depth)
    sheet.claim("sd.back", statistics.stdev(group), depth, {"kind": "sd_from_se", "se": "se", "n": "n0"})
    tail = 0.05 if sheet.wrong("limits of 90 % as 95 %") else 0.025
    reach = t_quantile(n - 1, tail) * error
    relation = {"kind": "interval_from_se", "estimate": "estimate", "se": "se", "df": "df"}
    sheet.claim("low", mean - reach, depth, {**relation, "part": "lower"})
    sheet.claim("high", mean + reach, depth, {**relation, "part": "upper"})
    middle = mean + (1.5 * reach if sheet.wrong("an estimate off its limits") else 0)
    sheet.claim("middle", middle, depth, {"kind": "interval_centre", "low": "low", "high": "high"})


def difference(sheet: Sheet) -> None:
    """A test of two means, by Welch or Student, and a standardised difference."""
    draw, depth = sheet.draw, sheet.depth
    groups = [_group(sheet, draw.randint(8, 70)) for _ in range(2)]
    shift = (
        statistics.fmean(groups[1])
        - statistics.fmean(groups[0])
        + draw.uniform(-1.5, 1.5) * statistics.stdev(groups[0])
    )
    groups[0] = [value + shift for value in groups[0]]
    (m1, m2), (s1, s2) = map(statistics.fmean, groups), map(statistics.stdev, groups)
    n1, n2 = map(len, groups)
    shown = (
        [s / math.sqrt(n) for s, n in ((s1, n1), (s2, n2))]
        if sheet.wrong("standard errors as deviations")
        else [s1, s2]
    )
    for i, (mean, sd, n) in enumerate(((m1, shown[0], n1), (m2, shown[1], n2))):
        sheet.number(f"n{i}", n)
        sheet.number(f"mean{i}", mean, depth)
        sheet.number(f"sd{i}", sd, depth)
    a, b = s1**2 / n1, s2**2 / n2
    pooled = math.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2))
    if draw.random() < 0.5:
        t, df = (m1 - m2) / math.sqrt(a + b), (a + b) ** 2 / (a**2 / (n1 - 1) + b**2 / (n2 - 1))
    else:
        t, df = (m1 - m2) / (pooled * math.sqrt(1 / n1 + 1 / n2)), n1 + n2 - 2
    relation = {
        "kind": "difference_test",
        "means": ["mean0", "mean1"],
        "sds": ["sd0", "sd1"],
        "counts": ["n0", "n1"],
    }
    if sheet.wrong("t of another row"):
        t *= draw.choice([0.4, 0.6, 1.6, 2.5])
    sheet.claim("difference", m1 - m2, depth, {**relation, "part": "difference"})
    sheet.claim("t", t, depth, {**relation, "part": "t"})
    sheet.claim("df", df, depth, {**relation, "part": "df"})
    p = t_p(t, df)
    sheet.claim(
        "p", sheet.p_text(p / 2 if sheet.wrong("a one-sided p as two-sided") else p), None, {**relation, "part": "p"}
    )
    correction = math.exp(math.lgamma((n1 + n2 - 2) / 2) - math.lgamma((n1 + n2 - 3) / 2)) / math.sqrt(
        (n1 + n2 - 2) / 2
    )
    d = (m1 - m2) / pooled * draw.choice([1.0, correction])
    sheet.claim("d", d, depth, {**relation, "part": "d"})
    sheet.number("df.printed", df, depth)
    sheet.number("t.printed", t, depth)
    p_shown = normal_p(t) if sheet.wrong("p of the normal law with few persons") else p
    statistic = {"kind": "p_from_statistic", "statistic": "t.printed", "distribution": "t", "df": "df.printed"}
    sheet.claim("p.t", sheet.p_text(p_shown), None, statistic)


def correlation(sheet: Sheet) -> None:
    """Pairs of persons' values: r, its limits and its p."""
    draw, depth = sheet.draw, sheet.depth + 1
    n, weight = draw.randint(10, 150), draw.uniform(-1.2, 1.2)
    x = [draw.gauss(0, 1) for _ in range(n)]
    y = [weight * value + draw.gauss(0, 1) for value in x]
    r = statistics.correlation(x, y)
    sheet.number("n", n)
    sheet.number("r", -r if sheet.wrong("a sign turned") else r, depth)
    used = n * 3 if sheet.wrong("another number of persons") else n
    z = 1.6448536269514722 if sheet.wrong("limits of 90 % as 95 %") else Z
    for part, sign in (("lower", -1), ("upper", 1)):
        limit = math.tanh(math.atanh(r) + sign * z / math.sqrt(used - 3))
        sheet.claim(part, limit, depth, {"kind": "correlation", "r": "r", "n": "n", "part": part})
    p = t_p(r * math.sqrt((used - 2) / (1 - r * r)), used - 2)
    sheet.claim("p", sheet.p_text(p), None, {"kind": "correlation", "r": "r", "n": "n", "part": "p"})


FAULTS = {
    means: (
        "a wrong unit",
        "standard deviations exchanged",
        "a plain mean of group means",
        "a spread within the groups",
        "a pooled value outside",
        "a standard deviation as standard error",
        "limits of 90 % as 95 %",
        "an estimate off its limits",
    ),
    difference: (
        "standard errors as deviations",
        "t of another row",
        "a one-sided p as two-sided",
        "p of the normal law with few persons",
    ),
    correlation: ("a sign turned", "another number of persons", "limits of 90 % as 95 %"),
}
