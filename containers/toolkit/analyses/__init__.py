"""Kinds of analysis: how a stage that answers `analyses.json` finds them, runs them and writes what they give.

`analysis` has the base class of a kind, and `kinds` finds the kinds of a stage by their modules. `analyses_file` reads
the file into analyses, `report` is what an analysis writes into, and `loop` runs the analyses of an item.
"""
