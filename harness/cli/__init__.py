"""The command line: one module a command, thin; every command calls one function of the harness."""

from harness.cli.main import main

__all__ = ["main"]
