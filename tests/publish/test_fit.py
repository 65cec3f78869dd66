"""Whether published tables and staged files can follow a contract: what differs is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from headrace.contract.column_type import BIGINT
from headrace.contract.load import load
from headrace.contract.model import Contract
from headrace.delta.commit import schema
from headrace.delta.shape import file_differs
from headrace.errors import LedgerError
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, SetAside
from headrace.publish.fit import misfits, other_key, refuse_other_key
from headrace.publish.publisher import Publisher
from headrace.publish.tables import JobTables
from headrace.settings import Store
from headrace.storage.warehouse import connect
from headrace.table.columns import TableColumn
from headrace.table.outputs import Output, derived_outputs, outputs
from tests.publish.sealed_lake import CONTRACT, Killed, Lake, publish_two_batches

Edit = Callable[[str], str]
EDITS: dict[str, tuple[Edit, str]] = {
    "a column came": (
        lambda t: t.replace(
            "    quality:\n", "      - name: added\n        logicalType: string\n    quality:\n"
        ),
        "added (missing in the table, string in the contract)",
    ),
    "a column was renamed": (
        lambda t: t.replace("amount", "sum"),
        "amount (decimal(6,2) in the table, missing in the contract); sum (missing in the table,",
    ),
    "a column got wider": (
        lambda t: t.replace("DECIMAL(6,2)", "DECIMAL(8,2)"),
        "amount (decimal(6,2) in the table, decimal(8,2) in the contract)",
    ),
    "a column must not be NULL any more": (
        lambda t: t.replace("DECIMAL(6,2)\n", "DECIMAL(6,2)\n        required: true\n"),
        "amount (may be NULL in the table, never NULL in the contract)",
    ),
    "the table is partitioned otherwise": (
        lambda t: t.replace("day(at)", "month(at)"),
        "it is partitioned by at_day, by the contract it would be by at_month",
    ),
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def edited(folder: Path, edit: Edit) -> Contract:
    text = CONTRACT.read_text()
    assert edit(text) != text, "the edit changes nothing"
    path = folder / CONTRACT.name
    path.write_text(edit(text))
    return load(path)


def described_misfits(lake: Lake, contract: Contract) -> list[tuple[str, str, str]]:
    return [(m.table, m.what, m.remedy) for m in misfits(lake.warehouse, lake.ledger, outputs(contract))]


@pytest.mark.parametrize(("edit", "what"), EDITS.values(), ids=list(EDITS))
def test_what_a_published_table_cannot_follow_is_named(
    lake: Lake, tmp_path: Path, edit: Edit, what: str
) -> None:
    publish_two_batches(lake)
    contract = edited(tmp_path, edit)
    ((table, message, remedy),) = described_misfits(lake, contract)
    assert (table, message[: message.index(": ")]) == ("events", "the published table cannot follow")
    assert what in message
    assert "put that back" in remedy
    assert "give the new one an id" in remedy
    lake.seal(1, range(30, 31))
    lake.contract = contract
    with pytest.raises(LedgerError, match="the table has other columns than its contract"):
        lake.publish()


def test_an_edit_that_the_table_can_follow_is_accepted(lake: Lake, tmp_path: Path) -> None:
    assert described_misfits(lake, lake.contract) == [], "nothing is published"
    publish_two_batches(lake)
    assert described_misfits(lake, lake.contract) == []
    assert described_misfits(lake, edited(tmp_path, lambda t: t.replace("amount > 0", "amount >= 0"))) == []
    lake.judge("redrive", range(25, 26), repair="repairs.x")
    lake.patcher().publish(1)
    fields = {f.name for f in DeltaTable(lake.warehouse.table_uri("events")).schema().fields}
    assert "_repaired_by" in fields
    assert described_misfits(lake, lake.contract) == [], "a column that came by a repair is in no contract"


def test_rows_staged_under_the_former_contract_are_checked_too(lake: Lake, tmp_path: Path) -> None:
    lake.submit()
    lake.seal(1, range(10))
    wider = edited(tmp_path, EDITS["a column got wider"][0])
    ((table, message, remedy),) = described_misfits(lake, wider)
    assert table == "events"
    assert message == (
        "rows that claim 1 has staged are not published yet, and cannot follow:"
        " amount (decimal128(6, 2) in the file, decimal128(8, 2) in the contract)"
    )
    assert "`headrace publish events`" in remedy
    assert "`headrace branch set-aside events 1 --why TEXT`" in remedy
    publisher = Publisher(JobTables(lake.ledger, wider, outputs(wider), lake.source))
    with pytest.raises(LedgerError, match="a staged file has other columns than the contract: amount"):
        publisher.publish()
    lake.ledger.record_decision(SetAside(why="other columns", claim=1, newest_claim=1))
    assert described_misfits(lake, wider) == [], "publish will not take them"


def test_an_unfinished_batch_is_checked_too(lake: Lake, tmp_path: Path) -> None:
    lake.submit()
    lake.seal(1, range(10))
    with pytest.raises(Killed):
        lake.publisher("commit events__quarantine").publish()
    assert lake.ledger.newest(BATCHES) == 1
    assert [
        table for table, _, _ in described_misfits(lake, edited(tmp_path, EDITS["a column came"][0]))
    ] == ["events"]


@pytest.mark.parametrize(
    ("values", "nullable", "differ"),
    [([1, 2], False, []), ([1, 2], True, []), ([1, None], True, []), ([1, None], False, ["n"])],
)
def test_a_file_is_refused_for_a_null_only_where_it_holds_one(
    values: list[int | None], nullable: bool, differ: list[str]
) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"n": pa.array(values, pa.int64())}), sink)
    column = TableColumn("n", BIGINT, nullable=nullable)
    differences = file_differs(pq.ParquetFile(pa.BufferReader(sink.getvalue())), [column])
    assert [difference.partition(" ")[0] for difference in differences] == differ


def test_late_rows_have_the_columns_of_the_topic_that_they_come_from(lake: Lake, tmp_path: Path) -> None:
    """So an edit of a topic's contract reaches a table of each job that reads it."""
    result = load(CONTRACT.parent / "events_by_hour.odcs.yaml")
    late, _ = derived_outputs([result], [lake.contract])
    DeltaTable.create(lake.warehouse.table_uri(late.id), schema(late.columns))
    ledger = Ledger(lake.warehouse, result.id)
    assert misfits(lake.warehouse, ledger, derived_outputs([result], [lake.contract])) == []
    wider = edited(tmp_path, EDITS["a column got wider"][0])
    (misfit,) = misfits(lake.warehouse, ledger, derived_outputs([result], [wider]))
    assert (misfit.table, "amount (decimal(6,2) in the table" in misfit.what) == (
        "events_by_hour__late",
        True,
    )


HOURLY = Output("hourly", (), "amend", ("origin", "hour"))


BY_BOTH = "newer rows replace those of the same origin, hour by the contract"


@pytest.mark.parametrize(
    ("keys", "difference"),
    [
        ({}, ""),
        ({"hourly": ("origin", "hour")}, ""),
        ({"hourly": ("hour",)}, f"newer rows replace those of the same hour so far, and {BY_BOTH}"),
        ({"hourly": ()}, f"rows are final so far, and {BY_BOTH}"),
    ],
)
def test_a_changed_key_is_refused(lake: Lake, keys: dict[str, tuple[str, ...]], difference: str) -> None:
    head = Head(keys=keys)
    assert other_key(head, HOURLY) == difference
    if difference:
        with pytest.raises(LedgerError, match="the table has another key than its contract"):
            refuse_other_key(lake.warehouse, head, HOURLY)


def test_a_batch_records_the_key_of_its_amended_tables(lake: Lake) -> None:
    publish_two_batches(lake)
    assert lake.ledger.head().keys == {"events": (), "events__quarantine": ()}
    amending = [replace(o, mode="amend", key=("id",)) for o in outputs(lake.contract)]
    listed = misfits(lake.warehouse, lake.ledger, amending)
    assert [m.table for m in listed] == ["events__quarantine", "events"]
    assert "rows are final so far" in listed[1].what
    lake.seal(1, range(30, 31))
    with pytest.raises(LedgerError, match="another key"):
        Publisher(JobTables(lake.ledger, lake.contract, amending, lake.source)).publish()
