"""The command line: thin; every command calls one function of the harness.

Exit status: 0 as expected, 1 a mismatch, 2 wrong usage or specification, 3 the environment, 4 incomplete;
130 and 143 stopped by Ctrl-C and by SIGTERM.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from containers.contract.errors import EnvironmentFault, Fault, RequestFault
from harness.cli import audit, bench, cases, gate, real_data, reproduce, run, sampling, stages
from harness.cli.shared import Stopped, examples
from harness.run.results import ExitStatus

app = typer.Typer(
    name="myorepro",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run published muscle-MRI methods as containers on phantoms and data, and judge what the papers claim.",
    epilog=examples("myorepro reproduce --preset small", "myorepro run --help"),
)
for group in (reproduce.app, run.app, audit.app, cases.app, sampling.app, gate.app, real_data.app):
    app.add_typer(group)
app.add_typer(bench.app, name="bench")
app.add_typer(stages.stage_app, name="stage")
app.add_typer(stages.schema_app, name="schema")
app.add_typer(stages.images_app, name="images")


def _version(asked: bool) -> None:
    if asked:
        from harness.project import project_version

        print(f"myorepro {project_version()}")
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Options that stand before any command."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGINT raise Stopped for the length of the block; then the handlers of before are back.

    A handler that stayed would be inherited by whatever the process forks later, and raise there: a pool that ends its
    workers by SIGTERM would wait for them for ever.
    """
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: the handler was not set from Python, and cannot be set again from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Faults become one line on stderr and the exit status that says whose they are."""
    try:
        with _stoppable():
            app(args=arguments, prog_name="myorepro")
    except RequestFault as fault:
        print(f"myorepro: {fault}", file=sys.stderr)
        sys.exit(ExitStatus.USAGE)
    except Fault as fault:
        kind = "environment: " if isinstance(fault, EnvironmentFault) else ""
        print(f"myorepro: {kind}{fault}", file=sys.stderr)
        sys.exit(ExitStatus.ENVIRONMENT)
    except Stopped as stop:
        print(f"myorepro: stopped{stop.note}", file=sys.stderr)
        sys.exit(128 + stop.number)


if __name__ == "__main__":
    main()
