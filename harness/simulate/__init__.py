"""Many draws of cohort phantoms: performance of estimates, and sampled bounds of cases."""
