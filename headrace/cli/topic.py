"""``headrace topic``: the Kafka topic of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group

from headrace import project
from headrace.cli.context import opened, workspace_of
from headrace.cli.output import Format, Output, counted, emit, fitted, listing, progress
from headrace.cluster.kafka import TopicInfo
from headrace.contract.load import examine, load_topic
from headrace.operate import Workspace

Contract = Annotated[
    str, typer.Argument(metavar="CONTRACT", help="Its id, as in contracts/CONTRACT.odcs.yaml.")
]

noun = typer.Typer(help="The Kafka topic of a contract.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(noun, name="topic")


def how_to_create(topic: str, workspace: Workspace | None = None) -> str:
    """The command that creates a topic; empty if no contract of this project describes it."""
    kafka = opened(workspace).kafka
    for name in project.contract_names():
        contract, _ = examine(project.root() / "contracts" / f"{name}.odcs.yaml")
        if contract and contract.kind == "ingest" and kafka.topic(contract.topic) == topic:
            return f"headrace topic create {name}"
    return ""


@noun.command("create")
def create(ctx: typer.Context, contract: Contract, fmt: Output = Format.text) -> None:
    """Create the topic with as many partitions as its contract requires; an existing topic is left as it is.

    Example: headrace topic create flights
    """
    kafka, model = workspace_of(ctx).kafka, load_topic(contract)
    info, created = kafka.create_topic(kafka.topic(model.topic), model.topic_partitions)
    outcome = "created" if created else "already exists"
    emit(
        {**info.to_json(), "created": created},
        fmt,
        lambda: f"topic {info.name} {outcome}: {info.partitions} partitions, id {info.id}",
    )


@noun.command("produce")
def produce(
    ctx: typer.Context,
    contract: Contract,
    file: Annotated[Path, typer.Argument(help="JSON lines; compressed with gzip if its name ends in .gz.")],
    key: Annotated[
        str | None,
        typer.Option(
            help="Field whose value is the record's key; by default, records go round the partitions."
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
    kafka, model = workspace_of(ctx).kafka, load_topic(contract)
    topic = kafka.topic(model.topic)
    with progress(f"sending {file.name} to {topic}") as update:
        done = kafka.produce_lines(
            topic,
            file,
            key=key,
            as_is=as_is,
            from_line=from_line,
            sent=lambda n: update(completed=n),
        )
    result = {"topic": topic, "records": done.records, "empty_lines": done.empty}
    emit(result, fmt, lambda: f"{done.records:,} records to topic {topic}{_left_out(done.empty)}")


@noun.command("show")
def show(ctx: typer.Context, contract: Contract, fmt: Output = Format.text) -> None:
    """Show the topic's id and, for each partition, the offsets that it still holds.

    Example: headrace topic show flights -o json
    """
    kafka, model = workspace_of(ctx).kafka, load_topic(contract)
    info = kafka.describe(kafka.topic(model.topic))
    emit(info.to_json(), fmt, lambda: _partitions(info))


def _left_out(empty: int) -> str:
    return f", {counted(empty, 'empty line')} left out" if empty else ""


def _partitions(info: TopicInfo) -> Any:
    names = ("partition", "from", "to", "offsets")
    table = listing(*names, numbers=names)
    for partition, start in info.log_start.items():
        end = info.log_end[partition]
        table.add_row(str(partition), f"{start:,}", f"{end:,}", f"{end - start:,}")
    return Group(f"topic {info.name}, id {info.id}", fitted(table))
