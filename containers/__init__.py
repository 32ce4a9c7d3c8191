"""Stages of the three papers: one folder, one image each.

A stage imports `containers.contract` and nothing else of this project.
"""
