"""The meta_analysis stage: effect sizes, pooling, three-level models, robust variance and bias tests."""
