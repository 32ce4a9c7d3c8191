"""Statistics of values and of predictions. Arrays in, numbers out: they know no analysis, no column and no report."""
