"""A file into a real topic: whole, or up to a line that is known."""

from __future__ import annotations

import threading
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from headrace.cluster.kafka import Lines, create_topic, portions, produce_lines
from headrace.errors import ClusterError, UsageError
from tests.cluster.brokers import read
from tests.stack_fixtures import Stack

TOO_LARGE = b'{"n": "' + b"x" * (8 << 20) + b'"}\n'


@pytest.fixture
def bootstrap(stack: Stack) -> str:
    return stack.settings.kafka.bootstrap


@pytest.fixture
def topic(bootstrap: str) -> str:
    name = f"lines-{uuid4().hex[:8]}"
    create_topic(bootstrap, name, 3)
    return name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Lines 1 to 25; the 18th is larger than Kafka takes."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join(TOO_LARGE if n == 18 else b'{"n": %d}\n' % n for n in range(1, 26)))
    return path


def in_topic(bootstrap: str, topic: str) -> list[bytes | None]:
    found = [value for records in read(bootstrap, topic).values() for _, value in records]
    return sorted(found, key=lambda value: len(value or b"") * 1000 + int((value or b"")[6:8].strip(b"}")))


def numbers(*wanted: int) -> list[bytes]:
    return [b'{"n": %d}' % n for n in wanted]


def test_one_key_goes_to_one_partition(bootstrap: str, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "keyed.jsonl"
    file.write_text("".join(f'{{"k": "key{n % 7}", "n": {n}}}\n' for n in range(70)) + "\n\r\n")
    told: list[int] = []

    assert produce_lines(bootstrap, topic, file, key="k", sent=told.append) == Lines(records=70, empty=2)

    homes: dict[bytes | None, set[int]] = {}
    for partition, records in read(bootstrap, topic).items():
        for key, _ in records:
            homes.setdefault(key, set()).add(partition)
    assert len(homes) == 7
    assert all(len(partitions) == 1 for partitions in homes.values())
    assert told == [70]


def test_a_file_of_one_portion_goes_whole_or_not_at_all(bootstrap: str, topic: str, file: Path) -> None:
    with pytest.raises(ClusterError, match=r"stopped at line 18: MessageSizeTooLarge.*; nothing was sent"):
        produce_lines(bootstrap, topic, file)

    assert in_topic(bootstrap, topic) == []


def test_an_interrupted_large_file_reports_what_was_sent_and_how_to_continue(
    bootstrap: str, topic: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "PORTION", 10)
    with pytest.raises(
        ClusterError, match=r"stopped at line 18: .*; 10 records, all before line 11, are in"
    ) as stopped:
        produce_lines(bootstrap, topic, file)
    assert stopped.value.remedy.endswith("--from-line 11")
    assert in_topic(bootstrap, topic) == numbers(*range(1, 11))

    file.write_bytes(file.read_bytes().replace(TOO_LARGE, b'{"n": 18}\n'))
    assert produce_lines(bootstrap, topic, file, from_line=11) == Lines(records=15, empty=0)

    assert in_topic(bootstrap, topic) == numbers(*range(1, 26))


def test_nothing_goes_before_the_last_line_is_read(bootstrap: str, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "cut.jsonl"
    file.write_bytes(b'{"n": 1}\n' * 100 + b'{"n": ')

    with pytest.raises(UsageError, match="nothing was sent"):
        produce_lines(bootstrap, topic, file)

    assert in_topic(bootstrap, topic) == []


@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_a_commit_that_is_not_confirmed_is_not_called_a_failure(
    bootstrap: str, topic: str, file: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(portions, "PORTION", 10)
    commits: list[int] = []
    commit = KafkaProducer.commit_transaction

    def second_fails(producer: KafkaProducer) -> None:
        commits.append(1)
        if len(commits) == 1:
            commit(producer)
            # Not before: a real commit may take its time.
            monkeypatch.setattr(portions, "CONFIRMED_WITHIN_S", 0.5)
        elif fault == "refused":
            raise KafkaTimeoutError("gone")
        else:
            threading.Event().wait()

    monkeypatch.setattr(KafkaProducer, "commit_transaction", second_fails)
    file.write_bytes(file.read_bytes().replace(TOO_LARGE, b'{"n": 18}\n'))

    with pytest.raises(
        ClusterError, match=r"did not confirm lines 11 to 20:.*10 records, all before"
    ) as stopped:
        produce_lines(bootstrap, topic, file)

    assert "--from-line 11, or 21 if it is there" in stopped.value.remedy


def test_a_file_that_ends_before(bootstrap: str, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "short.jsonl"
    file.write_text("{}\n")

    with pytest.raises(UsageError, match="the file ends at line 1, before line 2"):
        produce_lines(bootstrap, topic, file, from_line=2)


def test_no_such_topic(bootstrap: str, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text("{}\n")

    with pytest.raises(ClusterError, match="there is no such topic"):
        produce_lines(bootstrap, "nonesuch", file)
