"""Lines of a file into a topic, in transactions: after any failure it is known which of them are there.

Several brokers acknowledge records, each in its own time: there is no line before which all are there. So a
portion of lines is one transaction: readers of committed records, as headrace's jobs are, see it whole or not
at all. Most files are one portion.
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
from headrace.cluster.kafka.topics import PATIENCE_MS, describe, refused, where
from headrace.errors import ClusterError, UsageError

PORTION = 50_000
"""Records of a transaction: readers wait for its end, a second or two."""
PORTION_BYTES = 32 << 20

TRANSACTIONS = "headrace-produce-"
"""What the transactions' ids begin with: a broker with access control must allow them."""
OPEN_FOR_MS = 300_000
"""The broker gives up a transaction whose sender is gone that long; brokers allow 900,000 by default."""
CONFIRMED_WITHIN_S = 60.0


class Lines(NamedTuple):
    """What became of a file's lines: how many are records now, and how many were empty and are none."""

    records: int
    empty: int


class _Stopped(Exception):  # noqa: N818 - read as a sentence
    """A portion did not come in; ``known`` is false where Kafka did not say."""

    def __init__(self, line: int, said: str, *, known: bool = True) -> None:
        self.line, self.said, self.known = line, said, known
        super().__init__(said)


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
        ClusterError: no such topic; or it stopped: it says at which line, how many went, and how to go on.
    """
    partitions = describe(bootstrap, topic).partitions  # before a large file is read in vain
    with json_lines(path, key=key, as_is=as_is) as file:
        require_line(file, from_line)
        try:
            with _sender(bootstrap, topic, partitions) as sender:
                records = _send_all(sender, _portions(n for n in file if n.number >= from_line), sent)
        except KafkaError as e:
            raise refused(e, bootstrap, topic) from e
    return Lines(records, file.empty)


def require_line(file: JsonLines, number: int) -> None:
    """Refuse to begin at a line behind the end of the file.

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
            raise _stopped(e, portion, records, sender.where) from e
        except KeyboardInterrupt:
            by_hand = _Stopped(portion[0].number, "interrupted", known=not sender.committing)
            raise _stopped(by_hand, portion, records, sender.where) from None
        records += len(portion)
        sent(records)
    return records


def _stopped(stop: _Stopped, portion: list[Line], records: int, where: str) -> ClusterError:
    first, last = portion[0].number, portion[-1].number
    went = (
        f"{records:,} records, all before line {first:,}, are in the topic" if records else "nothing was sent"
    )
    if stop.known:
        what = f"stopped at line {stop.line:,}: {stop.said}; {went}"
        remedy = f"mend what stopped it, then the same command with --from-line {first}"
    else:
        what = (
            f"Kafka did not say whether lines {first:,} to {last:,} came in: {stop.said}; before them, {went}"
        )
        remedy = (
            f"look at the topic for line {last:,}; then --from-line {first}, or {last + 1} if it is there"
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
    """A producer with transactions of its own; records without a key take ``turns``."""

    producer: Any
    topic: str
    where: str
    turns: Iterator[int]
    committing: bool = False

    def send(self, portion: list[Line]) -> None:
        """Send it whole, or nothing of it.

        Raises:
            _Stopped: it did not come in, or Kafka did not say.
        """
        failures: list[tuple[int, BaseException]] = []
        line = portion[0].number
        try:
            self.producer.begin_transaction()
            for line, message in portion:
                future = send(self.producer, self.topic, message, next(self.turns))
                future.add_errback(_noted(failures, line))
            self.producer.flush(ACKNOWLEDGED_WITHIN_S)
        except KafkaError as e:
            failures.append((line, e))
        except KeyboardInterrupt:
            _within(PATIENCE_MS / 1000, self.producer.abort_transaction)
            raise
        if failures:
            _within(PATIENCE_MS / 1000, self.producer.abort_transaction)
            # One that is not taken makes the client give up the others.
            causes = [f for f in failures if not isinstance(f[1], TransactionAbortedError)]
            line, error = (causes or failures)[0]
            raise _Stopped(line, _said(error))
        self._commit(portion)

    def _commit(self, portion: list[Line]) -> None:
        self.committing = True
        error = _within(CONFIRMED_WITHIN_S, self.producer.commit_transaction)
        if error is not None:
            raise _Stopped(portion[0].number, _said(error), known=False)
        self.committing = False


def _noted(failures: list[tuple[int, BaseException]], line: int) -> Callable[[BaseException], None]:
    return lambda error: failures.append((line, error))


def _within(seconds: float, call: Callable[[], None]) -> BaseException | None:
    """What it raised, in time; the client itself would wait for ever where no broker answers."""
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


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
