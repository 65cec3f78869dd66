"""``headrace verify``: each offset below the frontier has exactly one home, proved from Kafka itself.

For a derived table: each row that its job read has one.
"""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.options import At, utc
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import derived_proof, topic_proof
from headrace.operate.verify import TopicProof, verify_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Any table that a job writes.")],
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Verify the tables as this batch left them; by default the newest batch."),
    ] = None,
    at: At = None,
    output: Output = Format.text,
) -> None:
    """Prove that each record, or each row that the table's job has read, has exactly one home.

    For the table of a topic, or its quarantine: read the topic, and prove that each offset is in exactly one
    of the two, exactly once.

    For a derived table whose contract declares what it counts, or the late rows of its job: prove that the
    rows that the job has read are the rows counted plus the late ones, plus those in windows still open.

    Exit code 0: proved. 1: not proved, or not provable; the message states what is wrong or missing.

    Example: headrace verify flights --batch 12 -o json
    """
    with progress(f"verifying {table}") as bar:
        result = verify_table(workspace_of(ctx), table, batch=batch, at=utc(at), progress=bar)
    newest = batch is None and at is None
    if isinstance(result, TopicProof):
        page, error = topic_proof.page(result, newest=newest), topic_proof.proof_error(result)
    else:
        page, error = derived_proof.proof(result.proof, table), derived_proof.proof_error(result)
    emit(result.to_json(), output, lambda: page)
    if result.proof.verdict != "proved":
        raise error
