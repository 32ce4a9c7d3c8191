"""Faults seeded into good inputs and label maps."""
