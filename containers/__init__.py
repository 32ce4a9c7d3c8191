"""Stages of the three papers: one folder, one image each.

A stage imports `containers.contract`, of `containers.toolkit` what it needs, and nothing else of this project.
"""
