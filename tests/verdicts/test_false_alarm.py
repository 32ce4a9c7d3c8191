"""Made tables: no false alarm on clean ones, and the errors that the engine says it finds.

The tails by which the tables are made are compared with R.
"""

import pytest

from harness.claims.selftest import tails
from harness.claims.selftest.counts import events
from harness.claims.selftest.groups import means
from harness.claims.selftest.models import overlap
from harness.claims.selftest.report import MAKERS, Maker, SelfTestResult, contradicted, count_false_alarms, make
from harness.claims.selftest.slips import SLIPS


@pytest.mark.parametrize(
    ("found", "by_r"),
    [
        # R 4.2.2: 2 * pt(-2.101, 18), pchisq(7.815, 3, lower = FALSE), pf(3.1, 2, 27, lower = FALSE), 2 * pnorm(-1.96)
        (tails.t_p(2.101, 18), 0.04999236288),
        (tails.chi2_p(7.815, 3), 0.04999390297),
        (tails.f_p(3.1, 2, 27), 0.06138279874),
        (tails.normal_p(1.96), 0.0499957903),
        # qt(0.975, 9), fisher.test
        (tails.t_quantile(9), 2.262157163),
        (tails.fisher_p(215, 17920, 202, 19084), 0.2005161332),
        (tails.fisher_p(3, 4, 1, 4), 0.4857142857),
    ],
)
def test_tails_equal_those_of_r(found: float, by_r: float) -> None:
    assert found == pytest.approx(by_r, rel=1e-8)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_clean_tables_raise_no_alarm(maker: Maker) -> None:
    """Every rounding at every depth, 2,000 tables in all."""
    result = SelfTestResult()
    count_false_alarms(250, result, [maker])
    assert result.clean == 250 and result.claims >= 750
    assert result.false_alarms == []


@pytest.mark.parametrize(
    ("maker", "fault"),
    [
        (events, "p of another row"),
        (events, "limits exchanged"),
        (means, "a wrong unit"),
        (overlap, "a direction turned"),
        (overlap, "Dice as IoU"),
        (overlap, "decimal point moved"),
    ],
)
def test_plain_errors_are_found(maker: Maker, fault: str) -> None:
    """At three digits: nine of ten at least."""
    seeded = [sheet for i in range(20) if (sheet := make(maker, str(i), 3, "half-up", fault)).seeded]
    assert len(seeded) >= 15
    assert sum(bool(contradicted(sheet)) for sheet in seeded) >= 0.9 * len(seeded)


def test_equal_seeds_make_equal_tables() -> None:
    for maker in MAKERS:
        first, again, other = (make(maker, seed, 2, "half-even") for seed in ("1", "1", "2"))
        assert (first.numbers, first.claims) == (again.numbers, again.claims)
        assert (first.numbers, first.claims) != (other.numbers, other.claims)


def test_a_slip_changes_one_printed_claim() -> None:
    for fault in SLIPS:
        slipped, clean = make(means, "3", 2, "half-up", fault), make(means, "3", 2, "half-up")
        changed = [key for key in clean.claims if slipped.claims[key] != clean.claims[key]]
        assert len(changed) == 1 and slipped.seeded == fault
