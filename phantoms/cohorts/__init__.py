"""Cohort tables drawn from models whose effects are known."""
