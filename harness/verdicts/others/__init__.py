"""Other readings of a printed statement, by kind of relation."""

from collections.abc import Callable
from typing import Any

from harness.verdicts.others import arithmetic, differences, ratios, significance, spread
from harness.verdicts.reading import Reading
from harness.verdicts.source import Source
from reference_results import Claim

OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    **arithmetic.OTHERS,
    **spread.OTHERS,
    **ratios.OTHERS,
    **differences.OTHERS,
    **significance.OTHERS,
}

__all__ = ["OTHERS"]
