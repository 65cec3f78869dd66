"""``headrace stack``: Kafka, the object store and Flink as processes of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

import structlog
import typer

from headrace.cli.context import settings_of
from headrace.cli.output import Format, Output, emit, err, progress
from headrace.cli.pages import stack as pages
from headrace.operate.stack import (
    lock_jars,
    read_log,
    read_stack,
    stack_environment,
    start_stack,
    stop_stack,
)
from headrace.progress import Progress

noun = typer.Typer(
    name="stack",
    help="The local stack: Kafka, an object store and Flink as processes of this machine.\n\n"
    "Example: headrace stack up",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add ``headrace stack …``."""
    app.add_typer(noun)


@noun.command()
def up(ctx: typer.Context, fmt: Output = Format.text) -> None:
    """Start what is not running, and wait until it serves. Data of an earlier run is kept.

    Example: headrace stack up
    """
    with _steps("starting") as steps:
        result = start_stack(settings_of(ctx), progress=steps)
    emit(result.to_json(), fmt, lambda: pages.table(result.processes))


@noun.command()
def down(ctx: typer.Context, fmt: Output = Format.text) -> None:
    """Stop what `up` started, and nothing else. Data is kept.

    Example: headrace stack down
    """
    with _steps("stopping") as steps:
        result = stop_stack(settings_of(ctx), progress=steps)
    emit(result.to_json(), fmt, lambda: pages.stop_sentence(result))


@noun.command()
def status(ctx: typer.Context, fmt: Output = Format.text) -> None:
    """Show each process, its port, and whether it serves; exit code 1 if one does not.

    Example: headrace stack status -o json
    """
    processes = read_stack(settings_of(ctx))
    emit([p.to_json() for p in processes], fmt, lambda: pages.table(processes))
    if not all(p.serves for p in processes):
        raise typer.Exit(1)


@noun.command()
def logs(
    ctx: typer.Context,
    process: Annotated[
        str, typer.Argument(metavar="PROCESS", help="kafka, store, jobmanager, taskmanager-1, …")
    ],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines to show.")] = 50,
    fmt: Output = Format.text,
) -> None:
    """Show the last lines of a process's log.

    Example: headrace stack logs taskmanager-1 -n 100
    """
    log = read_log(settings_of(ctx), process, lines)
    emit(log.to_json(), fmt, lambda: "\n".join(log.lines))


@noun.command()
def env(ctx: typer.Context, fmt: Output = Format.text) -> None:
    """Print the environment in which `flink` and other tools work: with paths of secrets, not the secrets.

    Example: eval "$(headrace stack env)" && flink list
    """
    result = stack_environment(settings_of(ctx))
    emit(result.to_json(), fmt, lambda: pages.exports(result))


@noun.command()
def lock(ctx: typer.Context, fmt: Output = Format.text) -> None:
    """Resolve jars/*.yaml again and write jars/*.lock, with the SHA-256 of every transitive jar.

    Example: headrace stack lock
    """
    with _steps("locking") as steps:
        result = lock_jars(settings_of(ctx), progress=steps)
    emit(result.to_json(), fmt, lambda: ", ".join(f"{use}: {n} jars" for use, n in result.counts.items()))


@contextlib.contextmanager
def _steps(what: str) -> Iterator[Progress]:
    """A progress bar on a terminal; otherwise a log line for each new step."""
    log = structlog.get_logger("stack")
    with progress(what) as bar:

        def report(
            completed: float | None = None, total: float | None = None, what: str | None = None
        ) -> None:
            bar(completed=completed, total=total, what=what)
            if what and not err.is_terminal:
                log.info(what)

        yield report
