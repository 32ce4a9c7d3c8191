"""Rows that leave are counted once, and the flow gives no suppressed count back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.columns import Category, Cohort, Label, Number
from containers.toolkit.tables.cohort.exclusions import Exclusion, exclude
from containers.toolkit.tables.cohort.flow import Flow, Step, leave_out


def _cohort() -> Cohort:
    return Cohort(
        {
            "age": Number(np.array([30.0, np.nan, 50.0, 70.0, 90.0, np.nan]), "years"),
            "mri": Category(np.array([0, 0, 1, 1, -1, 1]), ("no", "yes")),
        },
        np.arange(11, 17),
        labels={"study": Label(np.array(["a", "a", None, "b", "c", "c"], dtype=object))},
    )


def test_a_row_counts_under_the_first_reason_that_marks_it() -> None:
    first, second = np.array([True, True, False, False]), np.array([True, False, True, False])
    step, kept = leave_out("s", 4, [("a", first), ("b", second), ("c", first)])
    assert step == Step("s", 4, 1, {"a": 2, "b": 1})
    assert kept.tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("fields", "rows", "reasons"),
    [
        ({"column": "mri", "keep": ["yes"]}, [13, 14, 16], {"mri missing": 1, "mri not yes": 2}),
        (
            {"column": "age", "at_least": 50, "at_most": 70},
            [13, 14],
            {"age missing": 2, "age below 50": 1, "age above 70": 1},
        ),
        ({"complete": ["study", "age"]}, [11, 14, 15], {"study missing": 1, "age missing": 2}),
    ],
)
def test_exclusions_keep_what_meets_them(fields: dict[str, object], rows: list[int], reasons: dict[str, int]) -> None:
    flow = Flow(6)
    kept = exclude(_cohort(), Exclusion.model_validate({"id": "e", **fields}), flow)
    assert kept.rows.tolist() == rows
    assert len(kept.labels["study"].texts) == len(rows)
    assert flow.steps == [Step("e", 6, len(rows), reasons)]


def test_an_exclusion_asks_for_a_number_where_a_label_is() -> None:
    with pytest.raises(ItemFault, match="column study: is a label"):
        exclude(_cohort(), Exclusion(id="e", column="study", at_least=1), Flow(6))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=3), max_size=6), st.integers(0, 15))
def test_no_suppressed_count_can_be_computed_from_the_flow(left_out: list[list[int]], threshold: int) -> None:
    """Whatever is shown, all sums and differences of it are 0, at least the threshold, or over several steps."""
    rows = 1000
    flow = Flow(rows)
    for number, counts in enumerate(left_out):
        after = rows - sum(counts)
        flow.add(Step(f"s{number}", rows, after, {f"r{k}": n for k, n in enumerate(counts) if n}))
        rows = after
    shown = flow.shown(threshold)
    kept = [1000] + [line["rows_kept"] for line in shown["exclusions"]]
    visible = [value for value in kept if value is not None]
    gaps = -np.diff(visible)
    assert ((gaps == 0) | (gaps >= threshold)).all()
    for line, counts in zip(shown["exclusions"], left_out, strict=True):
        told = [value for value in line["reasons"].values() if value is not None]
        assert all(value >= threshold for value in told)
        # Either every reason is told, or none: one hidden among told ones would be the remainder.
        assert len(told) in (0, sum(n > 0 for n in counts))
        # A reason told in a step whose own total is not would give the rest of the shown difference back.
        assert not told or line["rows_left_out"] is not None
        if line["rows_left_out"] is not None:
            assert line["rows_before"] is not None and line["rows_kept"] is not None
    if threshold == 0:
        assert [line["rows_left_out"] for line in shown["exclusions"]] == [sum(counts) for counts in left_out]
