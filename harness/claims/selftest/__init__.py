"""Made result tables of known truth, to count the false alarms of the engine and the errors that it finds.

Invariant: nothing here uses what the engine computes with. Values come from simulated persons by their definitions,
tail areas from the series in `tails`, so that an error in the engine cannot hide behind the same error here.
"""
