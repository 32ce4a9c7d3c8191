"""Regressions: linear, logistic, penalised, with random intercepts; profile likelihood and separation. Arrays in,
numbers out: they know no analysis, no column and no report.
"""
