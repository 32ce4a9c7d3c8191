"""Verdicts on claims: exact recomputation from printed numbers, and what phantom checks say of our implementation."""

from harness.claims.findings import findings
from harness.claims.judge import judge, judge_ledger

__all__ = ["findings", "judge", "judge_ledger"]
