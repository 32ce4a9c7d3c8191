"""How printed numbers must depend on each other: one class per kind of relation.

`base` says what a kind is, `registry` finds all kinds of this folder. Every operand is the id of a claim or of a helper
number of the same ledger.
"""
