"""The gate: a candidate stage runs the frozen phantom cases in place of the reference, and nothing may move unseen.

`spec` reads gate cases, `candidate` puts a stage in place of the reference, `readings` takes the numbers, `baseline`
holds the frozen ones, `comparison` finds what moved, `freezing` makes a baseline, `mutants` and `variations` prove
that the gate sees faults and only faults.
"""
