"""Meta-regressions of two and three levels, and cluster-robust variances. They know no analysis."""
