"""What the papers printed: one claim ledger per paper, as data, with its loader. No computation is done here."""

from reference_results.ledger import Claim, Ledger, Number
from reference_results.loader import ledgers, load_ledger

__all__ = ["Claim", "Ledger", "Number", "ledgers", "load_ledger"]
