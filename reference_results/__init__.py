"""Data only: the ledgers of the papers, frozen baselines and results of measured machines. Read by `harness.claims`."""
