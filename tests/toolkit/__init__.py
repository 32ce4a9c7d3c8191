"""Tests of what Python stages share besides the protocol."""
