"""The statistics of `association` and `meta_analysis` once more, by R: a second implementation that shares no code."""
