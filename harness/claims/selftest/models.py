"""Made tables of fitted models: effects per unit, combined effects, subgroups, heterogeneity, likelihoods, overlaps."""

import math

from harness.claims.selftest.sheet import Sheet
from harness.claims.selftest.tails import chi2_p, f_p, normal_p

Z = 1.959963984540054


def effects(sheet: Sheet) -> None:
    """Log-linear effects: per unit, per several units, reciprocal, two together with their interaction."""
    draw, digits = sheet.draw, sheet.depth + 1
    one, two, joint = draw.uniform(-0.7, 0.7), draw.uniform(-0.7, 0.7), draw.uniform(-0.3, 0.3)
    for key, value in (("one", one), ("two", two), ("joint", joint)):
        sheet.number(key, math.exp(value), digits)
    k = draw.choice([2, 5, 10])
    per_k = 1 + k * (math.exp(one) - 1) if sheet.wrong("effect per k units on the linear scale") else math.exp(k * one)
    sheet.claim("per.k", per_k, digits, {"kind": "ratio_power", "ratio": "one", "power": str(k)})
    sheet.claim("back", math.exp(-one), digits, {"kind": "ratio_power", "ratio": "one", "power": "-1"})
    both = one + two + (0 if sheet.wrong("an interaction left out") else joint)
    sheet.claim("both", math.exp(both), digits, {"kind": "combined_ratio", "ratios": ["one", "two", "joint"]})
    formula = {
        "kind": "formula",
        "formula": "exp(log(a) + log(b)) / c",
        "values": {"a": "one", "b": "two", "c": "joint"},
    }
    sheet.claim("ratio", math.exp(one + two - joint), digits, formula)
    strata = [draw.uniform(-0.8, 0.8) for _ in range(3)]
    errors = [draw.uniform(0.05, 0.3) for _ in range(3)]
    for i, (value, error) in enumerate(zip(strata, errors, strict=True)):
        for part, sign in (("", 0), (".low", -1), (".high", 1)):
            sheet.number(f"stratum{i}{part}", math.exp(value + sign * Z * error), digits)
    weights = [1 / error**2 for error in errors]
    pooled = math.fsum(w * v for w, v in zip(weights, strata, strict=True)) / math.fsum(weights)
    q = math.fsum(w * (v - pooled) ** 2 for w, v in zip(weights, strata, strict=True))
    names = [f"stratum{i}" for i in range(3)]
    sheet.claim("pooled", math.exp(pooled), digits, {"kind": "pooled_within", "strata": names})
    relation = {
        "kind": "subgroup_test",
        "estimates": names,
        "lows": [f"{n}.low" for n in names],
        "highs": [f"{n}.high" for n in names],
        "scale": "log",
    }
    if sheet.wrong("heterogeneity of another row"):
        q = q * 4 + 6
    sheet.claim("q", q, sheet.depth, {**relation, "part": "q"})
    sheet.claim("q.p", sheet.p_text(chi2_p(q, 2)), None, {**relation, "part": "p"})


def heterogeneity(sheet: Sheet) -> None:
    """Q and I2 of some studies, tests with several degrees of freedom, likelihoods and variance components."""
    draw, depth = sheet.draw, sheet.depth
    k = draw.randint(4, 25)
    q = math.fsum(draw.gauss(0, 1.6) ** 2 for _ in range(k - 1))
    sheet.number("q", q, depth + 1)
    sheet.number("df", k - 1)
    df = k if sheet.wrong("studies for degrees of freedom") else k - 1
    i2 = max(0.0, 100 * (q - df) / q)
    sheet.claim("i2", i2, depth - 1 if depth else 0, {"kind": "i2_from_q", "q": "q", "df": "df", "method": "DL"}, "%")
    relation = {"kind": "p_from_statistic", "statistic": "q", "distribution": "chi2", "df": "df"}
    sheet.claim("q.p", sheet.p_text(chi2_p(q, df)), None, relation)
    f = q / (k - 1)
    sheet.number("f", f, depth + 1)
    sheet.number("df2", 40 + k)
    other = {"kind": "p_from_statistic", "statistic": "f", "distribution": "f", "df": "df", "df2": "df2"}
    p = f_p(f, 40 + k, k - 1) if sheet.wrong("degrees of freedom exchanged") else f_p(f, k - 1, 40 + k)
    sheet.claim("f.p", sheet.p_text(p), None, other)
    z = draw.gauss(0, 2)
    sheet.number("z", z, depth + 1)
    shown = normal_p(z) / 2 if sheet.wrong("a one-sided p as two-sided") else normal_p(z)
    sheet.claim(
        "z.p", sheet.p_text(shown), None, {"kind": "p_from_statistic", "statistic": "z", "distribution": "normal"}
    )
    small, gain = -draw.uniform(100, 900), draw.uniform(0.1, 6)
    sheet.number("l0", small, depth + 1)
    sheet.number("l1", small + gain, depth + 1)
    twice = gain if sheet.wrong("a likelihood ratio not doubled") else 2 * gain
    sheet.claim(
        "lr.p", sheet.p_text(chi2_p(twice, k - 1)), None, {"kind": "lr_p", "log_likelihoods": ["l0", "l1"], "df": "df"}
    )
    _variances(sheet)
    freedom = k + 5 if sheet.wrong("more degrees of freedom than clusters") else (k - 1) * draw.uniform(0.4, 1)
    sheet.number("clusters", k)
    sheet.claim("df.used", freedom, depth, {"kind": "df_at_most", "clusters": "clusters"})


def _variances(sheet: Sheet) -> None:
    draw, depth = sheet.draw, sheet.depth
    parts = [draw.uniform(0.2, 3) for _ in range(3)]
    for i, part in enumerate(parts):
        sheet.number(f"variance{i}", part, depth + 1)
    shown = [math.sqrt(p) for p in parts] if sheet.wrong("shares of deviations as of variances") else parts
    share = 100 * shown[0] / math.fsum(shown)
    relation = {"kind": "variance_share", "part": "variance0", "others": ["variance1", "variance2"]}
    sheet.claim("share", share, depth, relation, "%")


def overlap(sheet: Sheet) -> None:
    """Voxels of two label maps: Dice and IoU of cases and over classes; changes over time; the same number again."""
    draw, digits = sheet.draw, sheet.depth + 1
    dice, jaccard = [], []
    for _ in range(5):
        both, only_one, only_other = draw.randint(300, 900), draw.randint(5, 200), draw.randint(5, 200)
        dice.append(2 * both / (2 * both + only_one + only_other))
        jaccard.append(both / (both + only_one + only_other))
    sheet.number("dice", dice[0], digits)
    sheet.claim(
        "iou", dice[0] if sheet.wrong("Dice as IoU") else jaccard[0], digits, {"kind": "dice_iou", "dice": "dice"}
    )
    sheet.number("iou.printed", jaccard[1], digits)
    sheet.claim("dice.back", dice[1], digits, {"kind": "dice_iou", "iou": "iou.printed"})
    sheet.number("mean.dice", math.fsum(dice) / 5, digits)
    sheet.number("least", min(dice), digits)
    sheet.number("most", max(dice), digits)
    relation = {"kind": "mean_iou", "mean_dice": "mean.dice", "smallest": "least", "largest": "most"}
    sheet.claim("mean.iou", math.fsum(jaccard) / 5, digits, relation)
    start, end = draw.uniform(50, 90), draw.uniform(20, 49)
    sheet.number("start", start, sheet.depth)
    sheet.number("end", end, sheet.depth)
    fall = start - end if sheet.wrong("a difference as per cent") else 100 * (start - end) / start
    sheet.claim("fall", fall, sheet.depth, {"kind": "decline", "start": "start", "end": "end"}, "%")
    rough = max(0, sheet.depth - 1)
    again = end if sheet.wrong("another row's number") else start
    sheet.claim("again", again, rough, {"kind": "same", "of": ["start"]})
    larger, smaller = ("end", "start") if sheet.wrong("a direction turned") else ("start", "end")
    sheet.claim("order", "higher", None, {"kind": "order", "larger": larger, "smaller": smaller})
    sheet.claim("inside", (start + end) / 2, sheet.depth, {"kind": "within", "low": "end", "high": "start"})


FAULTS = {
    effects: (
        "effect per k units on the linear scale",
        "an interaction left out",
        "heterogeneity of another row",
    ),
    heterogeneity: (
        "studies for degrees of freedom",
        "degrees of freedom exchanged",
        "a one-sided p as two-sided",
        "a likelihood ratio not doubled",
        "more degrees of freedom than clusters",
        "shares of deviations as of variances",
    ),
    overlap: ("Dice as IoU", "a difference as per cent", "another row's number", "a direction turned"),
}
