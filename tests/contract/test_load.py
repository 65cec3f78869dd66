"""A contract as a value, and what concerns a file as a whole."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from headrace.contract.column_type import STRING
from headrace.contract.load import examine, load, load_contract
from headrace.contract.model import Contract, Partition
from headrace.errors import ContractError, UsageError
from tests.contract.orders_contract import Edit


def test_what_a_contract_says(orders: Contract) -> None:
    raw = orders.path.read_bytes()
    assert (orders.id, orders.version, orders.owner) == ("orders", "1.2.3", "shop")
    assert orders.description == "Orders as they are placed."
    assert (orders.topic, orders.topic_partitions) == ("shop.orders", 4)
    assert orders.primary_key == ("shop", "id")
    assert (orders.event_time, orders.unknown_fields) == ("placed", "reject")
    assert orders.watermark_delay == timedelta(hours=3)
    assert orders.max_future == timedelta(minutes=90)
    assert orders.partition_by == (Partition("placed", "day"), Partition("day", "month"))
    assert [p.name for p in orders.partition_by] == ["placed_day", "day_month"]
    assert orders.digest == hashlib.sha256(raw).hexdigest()


def test_columns_keep_order_types_and_bounds(orders: Contract) -> None:
    assert [(c.name, str(c.type), c.required) for c in orders.columns] == [
        ("id", "string", True),
        ("shop", "integer(64)", True),
        ("pieces", "integer(32)", False),
        ("price", "decimal(10,2)", False),
        ("weight", "double", False),
        ("gift", "boolean", False),
        ("country", "string", True),
        ("day", "date", True),
        ("placed", "timestamp", True),
        ("shipped", "timestamp", False),
    ]
    assert orders.column("price").minimum == Decimal("0.10")
    assert orders.column("day").minimum == date(2020, 1, 1)
    assert orders.column("placed").maximum == datetime(2029, 12, 31, 23, tzinfo=timezone.utc)
    assert (orders.column("id").min_length, orders.column("id").max_length) == (3, 12)
    assert orders.column("shop").enum == (1, 2)
    assert orders.column("country").enum == ("NO", "DE")
    assert orders.column("id").type == STRING


def test_lines_are_those_of_the_file(orders: Contract) -> None:
    lines = orders.path.read_text().splitlines()
    for column in orders.columns:
        assert lines[column.line - 1].strip() == f"- name: {column.name}"
    assert [lines[r.line - 1].strip() for r in orders.rules] == ["implementation: shipped >= placed"]


def test_promises_that_may_be_left_out(edited: Edit) -> None:
    path = edited().path
    kept, _, _ = path.read_text().partition("  - property: eventTime")
    path.write_text(kept)
    contract = load(path)
    assert (contract.event_time, contract.watermark_delay, contract.max_future) == (None, None, None)
    assert (contract.unknown_fields, contract.partition_by) == ("ignore", ())


def test_a_column_called_as_a_partition_column(edited: Edit) -> None:
    spoilt = edited("- name: gift", "- name: placed_day", "[day(placed), month(day)]", "day(placed) # <-")
    line = spoilt.path.read_text().splitlines().index("      - name: placed_day") + 1
    what = f"column placed_day (line {line}) has the name of the partition column of day(placed)"
    assert spoilt.problems() == [(f"orders.odcs.yaml:{spoilt.line}", what)]


def test_a_double_underscore_would_clash_with_the_quarantine_table(edited: Edit) -> None:
    spoilt = edited("id: orders", "id: orders__quarantine # <-")
    assert (f"orders.odcs.yaml:{spoilt.line}", "id 'orders__quarantine' is not a name") in spoilt.problems()


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ("apiVersion: v3.2.0\n", "apiVersion is None"),
        ("version: 1.2.3\n", "version is missing"),
        ("id: orders\n", "id is missing"),
        ("team:\n  name: shop\n", "the contract has no owner"),
        ("    physicalName: shop.orders\n", "the schema object names no topic"),
        ("  - property: topicPartitions\n    value: 4\n", "topicPartitions is missing"),
        ("    type: kafka\n", "a server of type None is not supported"),
        ("        implementation: shipped >= placed\n", "rule ships_after_order has no condition"),
    ],
)
def test_what_must_be_there(gone: str, sentence: str, edited: Edit) -> None:
    errors = edited(gone, "").errors()
    assert sentence in [e.what for e in errors]
    assert all(e.remedy and e.where.rpartition(":")[2].isdigit() for e in errors)


def test_watermark_and_future_need_an_event_time(edited: Edit) -> None:
    errors = edited("  - property: eventTime\n    value: placed\n", "").problems()
    assert [what for _, what in errors] == ["watermarkDelay without eventTime", "maxFuture without eventTime"]


def test_enum_is_a_word_of_the_standard_since_3_2(edited: Edit) -> None:
    errors = [what for _, what in edited("v3.2.0", "v3.1.0").problems()]
    assert errors == ["enum requires apiVersion v3.2.0, and the contract says v3.1.0"] * 2


def test_the_shape_is_that_of_the_standard(edited: Edit) -> None:
    spoilt = edited(
        "        required: true\n        primaryKey: true\n        primaryKeyPosition: 2",
        "        required: 'true' # <-",
    )
    assert spoilt.problems() == [
        (
            f"orders.odcs.yaml:{spoilt.line}",
            "schema.0.properties.0.required: Input should be a valid boolean",
        )
    ]


def test_every_error_of_a_file_at_once_in_order_of_lines(edited: Edit) -> None:
    # Servers are read after what names the topic: the order is the file's all the same.
    spoilt = edited(
        *("format: delta", "format: csv"),
        *("physicalName: shop.orders", "physicalName: shop/orders"),
        *("version: 1.2.3", "version: one"),
        *("kind: DataContract", "kind: Pipe"),
        *("apiVersion: v3.2.0", "apiVersion: v4.0.0"),
        *("minimum: 0.10", "minimum: ten"),
        *("value: reject", "value: keep"),
    )
    errors = spoilt.errors()
    assert [e.what for e in errors] == [
        "apiVersion is 'v4.0.0'",
        "kind is 'Pipe'",
        "version one is not major.minor.patch",
        "the format of the s3 server is csv",
        "'shop/orders' is not a topic name",
        "column price: minimum ten does not fit decimal(10,2)",
        "unknownFields is keep",
    ]
    lines = [int(e.where.rpartition(":")[2]) for e in errors]
    assert lines == sorted(lines)


def test_load_raises_the_first_and_counts_the_rest(edited: Edit) -> None:
    spoilt = edited("version: 1.2.3", "version: one # <-", "value: reject", "value: keep")
    with pytest.raises(ContractError, match="version one is not") as caught:
        load(spoilt.path)
    assert caught.value.where.endswith(f":{spoilt.line}")
    assert caught.value.remedy == "write version: 1.0.0 (1 more: headrace check)"
    assert caught.value.facts == {"more": 1}


def test_the_file_is_called_by_its_id(edited: Edit) -> None:
    path = edited().path.rename(edited().path.with_name("sales.odcs.yaml"))
    contract, errors = examine(path)
    assert contract is None
    assert [e.what for e in errors] == [
        "id is orders, but the file is called sales",
        "location s3://lake/orders does not end in /sales",
    ]


def test_a_contract_by_name(edited: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    (tmp_path / "contracts").mkdir()
    edited().path.rename(tmp_path / "contracts" / "orders.odcs.yaml")
    assert load_contract("orders").id == "orders"
    with pytest.raises(UsageError, match="there is no contract 'order'") as caught:
        load_contract("order")
    assert caught.value.where == "contracts/order.odcs.yaml"
    assert caught.value.remedy == "the contracts are: orders"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    contract, errors = examine(tmp_path / "gone.odcs.yaml")
    assert contract is None
    assert [e.what for e in errors] == ["the contract cannot be read"]
