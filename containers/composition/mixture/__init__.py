"""Gaussian mixture of the intensities in a mask: the fit, and the rules that make muscle and fat of its components."""
