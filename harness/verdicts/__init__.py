"""Verdicts on claims: exact recomputation from printed numbers, and what phantom checks say of our implementation."""

from harness.verdicts.judge import judge

__all__ = ["judge"]
