"""Records from files into a real broker, and the files themselves."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition
from stack_fixtures import Stack

from headrace.cluster.kafka import (
    Lines,
    Message,
    create_topic,
    describe,
    json_lines,
    produce,
    produce_lines,
    producer,
)
from headrace.errors import ClusterError, UsageError


@pytest.fixture
def bootstrap(stack: Stack) -> str:
    return stack.settings.kafka.bootstrap


@pytest.fixture
def topic(bootstrap: str) -> str:
    name = f"produced-{uuid4().hex[:8]}"
    create_topic(bootstrap, name, 3)
    return name


def _read(bootstrap: str, topic: str) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
    """Partition → keys and values in the order of their offsets."""
    ends = describe(bootstrap, topic).log_end
    parts = [TopicPartition(topic, p) for p in ends]
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest")
    consumer.assign(parts)
    found: dict[int, list[tuple[bytes | None, bytes | None]]] = {p: [] for p in ends}
    while any(consumer.position(part) < ends[part.partition] for part in parts):
        for part, records in consumer.poll(timeout_ms=500).items():
            found[part.partition] += [(r.key, r.value) for r in records]
    consumer.close()
    return found


def test_records_go_round_the_partitions_in_order(bootstrap: str, topic: str) -> None:
    told: list[int] = []

    count = produce(bootstrap, topic, (Message(b"%d" % n) for n in range(5000)), told.append)

    found = _read(bootstrap, topic)
    assert count == 5000
    assert told == [2000, 4000, 5000]
    assert {len(records) for records in found.values()} == {1666, 1667}
    for records in found.values():
        numbers = [int(value or b"") for _, value in records]
        assert numbers == sorted(numbers)
    assert sorted(int(v or b"") for records in found.values() for _, v in records) == list(range(5000))


def test_a_tombstone_and_an_empty_value_are_not_the_same(bootstrap: str, topic: str) -> None:
    produce(bootstrap, topic, [Message(None), Message(b""), Message(b"\x00\n\xff")])

    values = [value for records in _read(bootstrap, topic).values() for _, value in records]

    assert set(values) == {None, b"", b"\x00\n\xff"}


def test_one_key_goes_to_one_partition(bootstrap: str, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "keyed.jsonl"
    file.write_text("".join(f'{{"k": "key{n % 7}", "n": {n}}}\n' for n in range(70)) + "\n\r\n")

    assert produce_lines(bootstrap, topic, file, key="k") == Lines(records=70, empty=2)

    homes: dict[bytes | None, set[int]] = {}
    for partition, records in _read(bootstrap, topic).items():
        for key, _ in records:
            homes.setdefault(key, set()).add(partition)
    assert len(homes) == 7
    assert all(len(partitions) == 1 for partitions in homes.values())


def test_more_than_is_kept_in_flight(bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "STRIDE", 10)
    monkeypatch.setattr(producer, "IN_FLIGHT", 2)

    produce(bootstrap, topic, (Message(b"x") for _ in range(500)))

    assert sum(describe(bootstrap, topic).log_end.values()) == 500


def test_a_record_that_is_too_large_is_an_error(bootstrap: str, topic: str) -> None:
    with pytest.raises(ClusterError, match="a record was not taken: MessageSizeTooLarge"):
        produce(bootstrap, topic, [Message(b"x"), Message(b"x" * (8 << 20))])


def test_no_such_topic(bootstrap: str) -> None:
    with pytest.raises(ClusterError, match="there is no such topic"):
        produce(bootstrap, "nonesuch", [Message(b"x")])


@pytest.mark.parametrize("name", ["lines.jsonl", "lines.jsonl.gz"])
def test_lines_are_taken_byte_for_byte(tmp_path: Path, name: str) -> None:
    raw = b'{"a": 1}\r\n\n{broken \xff\n  spaces \nlast'
    file = tmp_path / name
    file.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)

    left_out: list[int] = []

    assert list(json_lines(file, left_out=left_out.append)) == [
        Message(b'{"a": 1}'),
        Message(b"{broken \xff"),
        Message(b"  spaces "),
        Message(b"last"),
    ]
    assert left_out == [2]


def test_keys_are_texts_or_json(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text('{"k": "é"}\n{"k": 7}\n')

    assert [m.key for m in json_lines(file, "k")] == ["é".encode(), b"7"]


@pytest.mark.parametrize("line", ['{"other": 1}', "[1]", "42", "{broken"])
def test_a_line_without_the_key_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "lines"
    file.write_text(f'{{"k": 1}}\n{line}\n')

    with pytest.raises(UsageError, match="'k'") as refused:
        _exhaust(json_lines(file, "k"))

    assert refused.value.where == f"{file}:2"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    (tmp_path / "plain.gz").write_bytes(b"not packed")

    for name in ("absent", "cut.gz", "plain.gz"):
        with pytest.raises(UsageError, match="cannot be read"):
            _exhaust(json_lines(tmp_path / name))


def _exhaust(lines: Iterator[Message]) -> None:
    for _ in lines:
        pass
