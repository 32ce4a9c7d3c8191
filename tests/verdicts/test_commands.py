"""Commands that the ledgers and verdicts print can be typed: they parse, or what is missing is said."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from harness.claims import judge
from harness.claims.loader import ledgers
from harness.claims.paper import papers
from harness.cli.main import app
from harness.run.results import Verdict

CONTAINERS = Path(__file__).parents[2] / "containers"
# Newer releases of typer bring their own copy of click: the class is found from the one that typer exports.
USAGE = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
MISSING = "which this version does not have"


def parse(words: list[str]) -> dict[str, Any]:
    """Parameters of a `myorepro` command, parsed and not run. Raises UsageError."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "get_command") and not (command.invoke_without_command and words[0].startswith("-")):
        name, words = words[0], words[1:]
        command = command.get_command(None, name)
        if command is None:
            raise USAGE(f"no command {name}")
    params: dict[str, Any] = command.make_context("myorepro", words).params
    return params


def commands() -> list[tuple[str, str, str]]:
    """(claim, what it needs, command) of every claim with a command for myorepro."""
    known = [(c.id, c.needs, c.command) for ledger in ledgers() for c in ledger.claims if c.command]
    known += [
        (c.claim, "", part)
        for c in judge([])
        if c.verdict == Verdict.NOT_TESTABLE and c.reason.startswith("Not checked")
        for part in c.reason.split("test it with: ")[1].split(" and ")
    ]
    return [entry for entry in known if "myorepro" in entry[2]]


def test_commands_parse_and_name_stages_that_are_there() -> None:
    assert len(commands()) >= 10
    for claim, needs, command in commands():
        for part in command.split("&&"):
            words = shlex.split(part)
            words = words[words.index("myorepro") + 1 :]
            parsed = parse(words)
            if words[0] == "run":
                there = (CONTAINERS / str(parsed["stage"]) / "stage.toml").exists()
                said = f"the stage {parsed['stage']}" in needs and MISSING in needs
                assert there != said, f"{claim}: {command}"


@pytest.mark.parametrize("words", [["rum"], ["run", "fusion"], ["reproduce", "--cases", "x"]])
def test_a_wrong_command_would_be_found(words: list[str]) -> None:
    with pytest.raises(USAGE):
        parse(words)


def test_every_ledger_has_its_paper() -> None:
    found = papers()
    for ledger in ledgers():
        assert ledger.reference == found[ledger.paper].reference
