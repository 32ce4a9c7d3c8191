"""The bench: how fast the stages are on a machine, against a peer in the same run, with the machine's fingerprint.

`benchmarks/bench_*.py` say what is timed (`suite`); the harness runs each as child processes (`running`, `worker`),
so that it imports no stage. `statistics` holds the intervals, `fingerprint` the machine, `results` the file, `compare`
the comparison of two files.

Invariants: a method is timed only after a call that is not counted, synchronised with its device; every accuracy check
is made on the output of the last timed call; a file names no host, no user and no path; what cannot be measured is
`None` with a reason, never zero.
"""
