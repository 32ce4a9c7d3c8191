"""Tests of every package."""
