"""Stage `association`: the statistics of a cohort table, every analysis named in a file."""
