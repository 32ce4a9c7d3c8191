"""Other readings of a printed statement, by kind of relation."""

from collections.abc import Callable
from typing import Any

from harness.claims.ledger import Claim
from harness.claims.others import arithmetic, differences, ratios, significance, spread
from harness.claims.reading import Reading
from harness.claims.source import Source

OTHERS: dict[str, Callable[[Claim, Any, Source], list[Reading]]] = {
    **arithmetic.OTHERS,
    **spread.OTHERS,
    **ratios.OTHERS,
    **differences.OTHERS,
    **significance.OTHERS,
}

__all__ = ["OTHERS"]
