"""Tests of the stage contract."""
