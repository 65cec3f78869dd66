"""``headrace stack``: Kafka, the object store and Flink as processes of this machine."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

import structlog
import typer
from rich.console import RenderableType
from rich.text import Text

from headrace import settings
from headrace.cli.output import Format, Output, emit, err, fitted, listing, progress
from headrace.errors import UsageError
from headrace.progress import Progress
from headrace.stack import files, flink, jars, local
from headrace.stack.processes import Processes

noun = typer.Typer(
    name="stack",
    help="The local stack: Kafka, an object store and Flink as processes of this machine.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add ``headrace stack …``."""
    app.add_typer(noun)


@noun.command()
def up(fmt: Output = Format.text) -> None:
    """Start what is not running, and wait until it serves. Data of an earlier run is kept.

    Example: headrace stack up
    """
    with _steps("starting") as tell:
        started = local.up(settings.load(), tell)
    _show(fmt, started=started)


@noun.command()
def down(fmt: Output = Format.text) -> None:
    """Stop what `up` started, and nothing else. Data is kept.

    Example: headrace stack down
    """
    with _steps("stopping") as tell:
        stopped = local.down(settings.load(), tell)
    emit(
        {"stopped": stopped}, fmt, lambda: "stopped " + (", ".join(stopped) or "nothing: nothing was running")
    )


@noun.command()
def status(fmt: Output = Format.text) -> None:
    """Show each process, its port, and whether it serves; exit code 1 if one does not.

    Example: headrace stack status -o json
    """
    if not _show(fmt):
        raise typer.Exit(1)


@noun.command()
def logs(
    process: Annotated[str, typer.Argument(help="kafka, store, jobmanager, taskmanager-1, …")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines to show.")] = 50,
    fmt: Output = Format.text,
) -> None:
    """Show the last lines of a process's log.

    Example: headrace stack logs taskmanager-1 -n 100
    """
    processes = Processes(files.folder(settings.load().stack).path)
    if not processes.log(process).is_file():
        known = ", ".join(sorted(p.stem for p in processes.log("any").parent.glob("*.log"))) or "none yet"
        raise UsageError(
            f"there is no log of {process!r}",
            where=str(processes.log(process)),
            remedy=f"the processes with a log are: {known}",
        )
    last = processes.tail(process, lines)
    emit({"process": process, "lines": last}, fmt, lambda: "\n".join(last))


@noun.command()
def env(fmt: Output = Format.text) -> None:
    """Print the environment in which `flink` and other tools work: with paths of secrets, not the secrets.

    Example: eval "$(headrace stack env)" && flink list
    """
    values = flink.environment(settings.load())
    emit(values, fmt, lambda: "\n".join(f"export {k}={shlex.quote(v)}" for k, v in values.items()))


@noun.command()
def lock(fmt: Output = Format.text) -> None:
    """Resolve jars/*.yaml again and write jars/*.lock, with the SHA-256 of every transitive jar.

    Example: headrace stack lock
    """
    with _steps("locking") as tell:
        counts = jars.lock(settings.load().stack, tell)
    emit(counts, fmt, lambda: ", ".join(f"{use}: {n} jars" for use, n in counts.items()))


def _show(fmt: Format, started: list[str] | None = None) -> bool:
    rows = local.status(settings.load())
    emit({"started": started, "processes": rows} if started is not None else rows, fmt, lambda: _listed(rows))
    return all(row["serves"] for row in rows)


def _listed(rows: Iterable[Mapping[str, object]]) -> RenderableType:
    table = listing("process", "pid", "port", "serves", numbers=["pid", "port"])
    for row in rows:
        numbers = ("—" if row[k] is None else str(row[k]) for k in ("pid", "port"))
        serves = Text("yes", style="green") if row["serves"] else Text("no", style="red")
        table.add_row(str(row["process"]), *numbers, serves)
    return fitted(table)


@contextlib.contextmanager
def _steps(what: str) -> Iterator[Progress]:
    """A progress bar on a terminal; otherwise a log line for each new step."""
    log = structlog.get_logger("stack")
    with progress(what) as bar:

        def tell(completed: float | None = None, total: float | None = None, what: str | None = None) -> None:
            bar(completed=completed, total=total, what=what)
            if what and not err.is_terminal:
                log.info(what)

        yield tell
