"""The harness: runs stages on phantoms and licensed data, judges claims, writes the report. Imports no stage."""
