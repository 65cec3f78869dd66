"""``headrace topic``: the Kafka topic of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import topic as pages
from headrace.operate.topic import create_topic, describe_topic, produce_file

Contract = Annotated[
    str, typer.Argument(metavar="CONTRACT", help="Its id, as in contracts/CONTRACT.odcs.yaml.")
]

noun = typer.Typer(
    help="The Kafka topic of a contract.\n\nExample: headrace topic show flights", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(noun, name="topic")


@noun.command("create")
def create(ctx: typer.Context, contract: Contract, fmt: Output = Format.text) -> None:
    """Create the topic with as many partitions as its contract requires; an existing topic is left as it is.

    Example: headrace topic create flights
    """
    result = create_topic(workspace_of(ctx), contract)
    emit(result.to_json(), fmt, lambda: pages.create_sentence(result))


@noun.command("produce")
def produce(
    ctx: typer.Context,
    contract: Contract,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON lines; compressed with gzip if its name ends in .gz.")
    ],
    key: Annotated[
        str | None,
        typer.Option(
            help="Field whose value is the record's key; by default, records are distributed round-robin."
        ),
    ] = None,
    from_line: Annotated[
        int, typer.Option(min=1, metavar="N", help="Skip the lines before this one: they were already sent.")
    ] = 1,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Also send lines that are not JSON objects.")
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Send each line of a file as one record, byte for byte, and wait until all are in the topic.

    The whole file is read first: unless every line is a JSON object, nothing is sent. Then it is sent in
    transactions of 50,000 records, each whole or not at all; if sending stops, the error names the line, how
    many records were sent, and how to continue. Lines are not judged by the contract: those that violate it
    will be in quarantine. Empty lines are not records: they are left out, and counted.

    Example: headrace topic produce flights flights.jsonl.gz --key flight_id
    """
    with progress(f"sending {file.name} to the topic of {contract}") as bar:
        result = produce_file(
            workspace_of(ctx), contract, file, key=key, as_is=as_is, from_line=from_line, progress=bar
        )
    emit(result.to_json(), fmt, lambda: pages.produce_sentence(result))


@noun.command("show")
def show(ctx: typer.Context, contract: Contract, fmt: Output = Format.text) -> None:
    """Show the topic's id and, for each partition, the offsets that it still holds.

    Example: headrace topic show flights -o json
    """
    topic = describe_topic(workspace_of(ctx), contract)
    emit(topic.to_json(), fmt, lambda: pages.page(topic))
