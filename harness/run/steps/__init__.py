"""The steps of a case: their fields, and what the harness does itself."""
