"""Sends the lines of a file to a topic in transactions: after any failure it is known which of them arrived.

Several brokers acknowledge records independently: without transactions, there is no line up to which all have
arrived. So each portion of lines is one transaction: readers of committed records, like headrace's jobs, see
all of it or nothing. Most files are one portion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import KafkaError, TransactionAbortedError

from headrace.cluster.kafka.json_lines import JsonLines, Line, json_lines
from headrace.cluster.kafka.producer import ACKNOWLEDGED_WITHIN_S, OPTIONS, Sent, send
from headrace.cluster.kafka.topics import PATIENCE_MS, describe, kafka_error, where
from headrace.errors import ClusterError, UsageError

PORTION = 50_000
"""Records per transaction: readers wait for its end, a second or two."""
PORTION_BYTES = 32 << 20

TRANSACTIONS = "headrace-produce-"
"""The prefix of the transactions' ids: a broker with access control must allow it."""
OPEN_FOR_MS = 300_000
"""The broker aborts a transaction if its sender is gone for this long; brokers allow 900,000 by default."""
CONFIRMED_WITHIN_S = 60.0


class Lines(NamedTuple):
    """How many lines of a file were sent as records, and how many were skipped because they were empty."""

    records: int
    empty: int


class _Stopped(Exception):  # noqa: N818 - read as a sentence
    """A portion did not arrive; ``known`` is false if Kafka did not report whether it did."""

    def __init__(self, line: int, reason: str, *, known: bool = True) -> None:
        self.line, self.reason, self.known = line, reason, known
        super().__init__(reason)


def produce_lines(
    bootstrap: str,
    topic: str,
    path: Path,
    *,
    key: str | None = None,
    as_is: bool = False,
    from_line: int = 1,
    sent: Sent = lambda _count: None,
) -> Lines:
    """Send each line of a file from ``from_line`` on as one record; see :func:`json_lines`.

    Raises:
        UsageError: the file is not JSON lines, or ends before ``from_line``. Nothing was sent.
        ClusterError: no such topic; or sending stopped: the message has the line, the number of records sent,
            and how to continue.
    """
    partitions = describe(bootstrap, topic).partitions  # before a large file is read for nothing
    with json_lines(path, key=key, as_is=as_is) as file:
        require_line(file, from_line)
        try:
            with _sender(bootstrap, topic, partitions) as sender:
                records = _send_all(sender, _portions(n for n in file if n.number >= from_line), sent)
        except KafkaError as e:
            raise kafka_error(e, bootstrap, topic) from e
    return Lines(records, file.empty)


def require_line(file: JsonLines, number: int) -> None:
    """Refuse to begin at a line after the end of the file.

    Raises:
        UsageError: there is no such line.
    """
    if number > file.lines:
        what = f"the file ends at line {file.lines:,}, before line {number:,}"
        raise UsageError(
            what, where=str(file.path), remedy="nothing is left to send, or give an earlier line"
        )


def _send_all(sender: _Sender, portions: Iterable[list[Line]], sent: Sent) -> int:
    records = 0
    for portion in portions:
        try:
            sender.send(portion)
        except _Stopped as e:
            raise _stop_error(e, portion, records, sender.where) from e
        except KeyboardInterrupt:
            by_hand = _Stopped(portion[0].number, "interrupted", known=not sender.committing)
            raise _stop_error(by_hand, portion, records, sender.where) from None
        records += len(portion)
        sent(records)
    return records


def _stop_error(stop: _Stopped, portion: list[Line], records: int, where: str) -> ClusterError:
    first, last = portion[0].number, portion[-1].number
    went = (
        f"{records:,} records, all before line {first:,}, are in the topic" if records else "nothing was sent"
    )
    if stop.known:
        what = f"stopped at line {stop.line:,}: {stop.reason}; {went}"
        remedy = f"correct the cause, then run the same command with --from-line {first}"
    else:
        what = f"Kafka did not confirm lines {first:,} to {last:,}: {stop.reason}; before them, {went}"
        remedy = (
            f"look for line {last:,} in the topic; then --from-line {first}, or {last + 1} if it is there"
        )
    return ClusterError(what, where=where, remedy=remedy, line=stop.line, records=records, from_line=first)


def _portions(lines: Iterator[Line]) -> Iterator[list[Line]]:
    portion: list[Line] = []
    size = 0
    for line in lines:
        portion.append(line)
        size += len(line.message.value or b"")
        if len(portion) == PORTION or size > PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


@contextmanager
def _sender(bootstrap: str, topic: str, partitions: int) -> Iterator[_Sender]:
    producer: Any = KafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"{TRANSACTIONS}{uuid4().hex}",
        transaction_timeout_ms=OPEN_FOR_MS,
        **OPTIONS,
    )
    try:
        producer.init_transactions()
        yield _Sender(producer, topic, where(bootstrap, topic), cycle(range(partitions)))
    finally:
        producer.close(PATIENCE_MS / 1000)


@dataclass
class _Sender:
    """A transactional producer; records without a key go to the partitions in ``turns``."""

    producer: Any
    topic: str
    where: str
    turns: Iterator[int]
    committing: bool = False

    def send(self, portion: list[Line]) -> None:
        """Send all of it, or nothing.

        Raises:
            _Stopped: it did not arrive, or Kafka did not confirm it.
        """
        failures: list[tuple[int, BaseException]] = []
        line = portion[0].number
        try:
            self.producer.begin_transaction()
            for line, message in portion:
                future = send(self.producer, self.topic, message, next(self.turns))
                future.add_errback(_collect(failures, line))
            self.producer.flush(ACKNOWLEDGED_WITHIN_S)
        except KafkaError as e:
            failures.append((line, e))
        except KeyboardInterrupt:
            _run_within(PATIENCE_MS / 1000, self.producer.abort_transaction)
            raise
        if failures:
            _run_within(PATIENCE_MS / 1000, self.producer.abort_transaction)
            # A record that is refused makes the client abort the others.
            causes = [f for f in failures if not isinstance(f[1], TransactionAbortedError)]
            line, error = (causes or failures)[0]
            raise _Stopped(line, _error_text(error))
        self._commit(portion)

    def _commit(self, portion: list[Line]) -> None:
        self.committing = True
        error = _run_within(CONFIRMED_WITHIN_S, self.producer.commit_transaction)
        if error is not None:
            raise _Stopped(portion[0].number, _error_text(error), known=False)
        self.committing = False


def _collect(failures: list[tuple[int, BaseException]], line: int) -> Callable[[BaseException], None]:
    return lambda error: failures.append((line, error))


def _run_within(seconds: float, call: Callable[[], None]) -> BaseException | None:
    """Call it with a deadline, and return its error: the client would wait forever if no broker answers."""
    raised: list[BaseException | None] = []

    def run() -> None:
        try:
            call()
            raised.append(None)
        except KafkaError as e:
            raised.append(e)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return raised[0] if raised else TimeoutError(f"no answer within {seconds:.0f} s")


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
