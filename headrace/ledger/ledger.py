"""The ledger of a job: small immutable records beside its tables, each written put-if-absent.

::

    _headrace/<job>/
      start.json               where the job began on its topic: topic id and first offsets
      reads/flights.json       the same for each contract that a derive job reads
      claims/0000000001.json   one a submission: number, submission, restored from
      decisions/0000000001.json  what was decided: set-aside, adopt, restart, accept-loss, accept-tail, …
      anchors/0000000001.json  savepoints where a replay can start
      replays/0000000001.json  what a replay is to do; claims, decisions and batches record what became of it
      plans/<sha256>.json      a plan that ran: what the state under its node ids means
      batches/0000000001.json  the intent of one publish: manifests, files, offsets
      done/0000000001.json     the batch is in the tables: versions, heads, frontier

Numbers have no gaps, so the newest record is found by asking for few keys however long the job lives. A
numbered record never changes, so each is read once: repeated look-ups cost only what is new.
"""

from __future__ import annotations

import os
import pwd
import sys
from datetime import datetime, timezone
from typing import Any, TypeVar

from headrace.errors import LedgerError, UsageError
from headrace.ledger.head import Head
from headrace.ledger.records import (
    BATCHES,
    CLAIMS,
    DECISIONS,
    DONE,
    JUDGED,
    STARTS,
    Claim,
    Decision,
    JudgedPatch,
    Numbered,
    RecordKind,
    Stored,
    TopicStart,
)
from headrace.ledger.records.plan import Plan, plan_bytes, plan_digest, read_plan
from headrace.ledger.records.record import misfit
from headrace.offsets import Offsets
from headrace.savepoint.metadata import checkpoint_of
from headrace.storage.warehouse import Warehouse

N = TypeVar("N", bound=Numbered)
K = TypeVar("K")
V = TypeVar("V")

KEPT = 10_000
"""Records of a kind that a ledger keeps in memory: a publisher that runs for months makes more batches."""


def now() -> str:
    """The time of a record, for people; no rule depends on it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def current_user() -> str:
    """The user who runs this command, for the record."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


class Ledger:
    """Read and write the records of one job."""

    def __init__(self, warehouse: Warehouse, job: str) -> None:
        self.warehouse, self.job = warehouse, job
        self.folder = f"_headrace/{job}"
        self._newest: dict[str, int] = {}
        self._kept: dict[str, dict[int, Stored[Any]]] = {}
        """Records that were read, by kind and number: none ever changes."""
        self._most = KEPT
        self._published: dict[tuple[str, str], tuple[int, int | None]] = {}
        """Output and manifest → the newest batch that was asked about it, and the answer."""

    def remember_all(self) -> None:
        """Keep all records that are read, for a swap: it goes through every batch after its fork point.

        To read those once more would take longer than the live job needs for its next batch.
        """
        self._most = sys.maxsize

    # records with numbers

    def _key(self, kind: str, number: int) -> str:
        return f"{self.folder}/{kind}/{number:010d}.json"

    def find(self, kind: RecordKind[N], number: int) -> Stored[N] | None:
        """The record of that kind and number with its hash, or None.

        Raises:
            LedgerError: it does not fit its model, or has another number.
        """
        key = self._key(kind.folder, number)
        if (raw := self.warehouse.find(key)) is None:
            return None
        where = f"{self.warehouse.uri}/{key}"
        record = kind.read(raw, where)
        if record.number != number:
            raise misfit(kind.folder, [f"number: {record.number}, but its address has {number}"], where)
        return Stored.of(record, raw)

    def get(self, kind: RecordKind[N], number: int) -> N | None:
        """The record of that kind and number, or None."""
        found = self.find(kind, number)
        return found.record if found else None

    def newest(self, kind: RecordKind[N]) -> int:
        """The highest number of that kind; 0 when there is none. Asks for few keys: numbers have no gaps."""
        known = self._newest.get(kind.folder, 0)
        step = 1
        while self._there(kind.folder, known + step):
            known, step = known + step, step * 2
        while step > 1:
            step //= 2
            if self._there(kind.folder, known + step):
                known += step
        self._newest[kind.folder] = known
        return known

    def _there(self, folder: str, number: int) -> bool:
        return self.warehouse.find(self._key(folder, number)) is not None

    def put(self, kind: RecordKind[N], number: int, record: N) -> bool:
        """Write a record under a number; False if the number is taken."""
        stamped = record.model_copy(update={"number": number})
        return self.warehouse.put_new(self._key(kind.folder, number), kind.write(stamped))

    def append(self, kind: RecordKind[N], record: N) -> int:
        """Write a record under the next free number of its kind, and return the number."""
        number = self.newest(kind) + 1
        while not self.put(kind, number, record):
            number += 1
        return number

    def start(self, contract: str = "") -> TopicStart | None:
        """Where the job began on a contract's topic (by default its own), or None before it did."""
        key = self._start_key(contract or self.job)
        raw = self.warehouse.find(key)
        return None if raw is None else STARTS.read(raw, f"{self.warehouse.uri}/{key}")

    def topics(self) -> dict[str, str]:
        """Contract → topic, of all that the job has begun to read."""
        keys = self.warehouse.keys(f"{self.folder}/reads/")
        read = [key.rpartition("/")[2].removesuffix(".json") for key in keys]
        begun = {contract: self.start(contract) for contract in [self.job, *read]}
        return {contract: start.topic for contract, start in begun.items() if start}

    def record_start(self, topic: str, topic_id: str, offsets: Offsets, *, contract: str) -> TopicStart:
        """Write where the job begins on a topic, once; later calls return what the first one wrote."""
        record = TopicStart(topic=topic, topic_id=topic_id, offsets=offsets, at=now())
        self.warehouse.put_new(self._start_key(contract), STARTS.write(record))
        found = self.start(contract)
        if found is None:
            raise LedgerError(
                "the start record vanished", where=f"{self.warehouse.uri}/{self._start_key(contract)}"
            )
        return found

    def _start_key(self, contract: str) -> str:
        return f"{self.folder}/start.json" if contract == self.job else f"{self.folder}/reads/{contract}.json"

    def record_claim(
        self,
        submission: str,
        restored_from: str | None,
        contract_version: str,
        *,
        begins_after: dict[str, str] | None = None,
        replay: int | None = None,
        plan: str = "",
    ) -> Claim:
        """Write the next claim for a submission."""
        record = Claim(
            submission=submission,
            restored_from=restored_from,
            contract_version=contract_version,
            at=now(),
            begins_after=begins_after,
            replay=replay,
            plan=plan,
        )
        return record.model_copy(update={"number": self.append(CLAIMS, record)})

    def claims(self) -> list[Claim]:
        """All claims, oldest first."""
        return [self.required(CLAIMS, n) for n in range(1, self.newest(CLAIMS) + 1)]

    def claim_of(self, submission: str) -> Claim | None:
        """The claim of a submission, if it made one here."""
        return next((c for c in reversed(self.claims()) if c.submission == submission), None)

    def record_decision(self, decision: Decision) -> int:
        """Record a decision, with user and time; returns its number."""
        return self.append(DECISIONS, decision.model_copy(update={"by": current_user(), "at": now()}))

    def decisions(self) -> list[Decision]:
        """All decisions, oldest first."""
        return [self.required(DECISIONS, n) for n in range(1, self.newest(DECISIONS) + 1)]

    def store_plan(self, plan: Plan) -> str:
        """Keep a plan that runs, once: its state will be interpreted by it. Returns its digest."""
        digest = plan_digest(plan)
        self.warehouse.put_new(self._plan_key(digest), plan_bytes(plan))
        return digest

    def plan(self, digest: str) -> Plan | None:
        """The plan of that digest, or None.

        Raises:
            LedgerError: its bytes have another digest.
        """
        raw = self.warehouse.find(self._plan_key(digest))
        return (
            None if raw is None else read_plan(raw, digest, f"{self.warehouse.uri}/{self._plan_key(digest)}")
        )

    def _plan_key(self, digest: str) -> str:
        return f"{self.folder}/plans/{digest}.json"

    # batches

    def head(self) -> Head:
        """The state after the newest finished batch."""
        return self.head_at(self.newest(DONE))

    def head_at(self, number: int) -> Head:
        """The state after a finished batch; 0: before everything."""
        return Head.of(self.stored(DONE, number)) if number else Head()

    def requested_batch(self, batch: int | None, moment: datetime | None) -> int | None:
        """The published batch that a user named, by its number or a time; None if by neither.

        Raises:
            UsageError: it does not exist, or both are given.
        """
        newest, where = self.newest(DONE), f"{self.warehouse.uri}/{self.folder}"
        if batch is not None and moment is not None:
            raise UsageError("a batch or a time, not both", remedy="leave out one of them")
        if batch is not None and batch > newest:
            raise UsageError(f"batch {batch} is not published", where=where, remedy=f"the newest is {newest}")
        if moment is None:
            return batch
        low, high = 0, newest  # their times grow with their numbers
        while low < high:
            middle = (low + high + 1) // 2
            at = datetime.fromisoformat(self.required(BATCHES, middle).at)
            low, high = (middle, high) if at <= moment else (low, middle - 1)
        if low == 0:
            raise UsageError(
                f"nothing was published by {moment.isoformat()}",
                where=where,
                remedy="choose a later moment",
            )
        return low

    def published(self, output: str, manifest: str, head: Head | None = None) -> int | None:
        """The newest batch that published a manifest, or None; as of ``head``, or else of the newest batch.

        By bisection: checkpoints grow along a branch, and go back only where a replay was published. Batches
        never change, so the next call looks only at those that came since.
        """
        newest = last = self.newest(DONE) if head is None else head.batch
        seen, found = self._published.get((output, manifest), (0, None))
        if last <= seen:
            return found
        newer = None
        while last > seen and newer is None:
            since = self.required(DONE, last).since
            newer = self._within(max(since, seen + 1), last, output, manifest)
            last = since - 1
        found = newer or found
        _keep(self._published, (output, manifest), (newest, found), self._most)
        return found

    def _within(self, low: int, high: int, output: str, manifest: str) -> int | None:
        """The batch of a manifest, among some along which checkpoints grow."""
        checkpoint = checkpoint_of(manifest)
        while low <= high:
            middle = (low + high) // 2
            done = self.required(DONE, middle)
            first, last = done.checkpoints
            if first <= checkpoint <= last:
                return middle if manifest in done.manifests[output] else None
            low, high = (low, middle - 1) if checkpoint < first else (middle + 1, high)
        return None

    def requested(self, kind: RecordKind[N], number: int, noun: str) -> N:
        """A record that a user named.

        Raises:
            UsageError: it does not exist; ``headrace NOUN ls JOB`` lists those that are.
        """
        record = self.get(kind, number)
        if record is None:
            raise UsageError(
                f"job {self.job} has no {noun} {number}", remedy=f"headrace {noun} ls {self.job}"
            )
        return record

    def required(self, kind: RecordKind[N], number: int) -> N:
        """A record that must be there.

        Raises:
            LedgerError: it is not, or does not fit its model.
        """
        return self.stored(kind, number).record

    def stored(self, kind: RecordKind[N], number: int) -> Stored[N]:
        """The same with its hash; read once."""
        kept = self._kept.setdefault(kind.folder, {})
        found = kept.get(number) or self.find(kind, number)
        if found is None:
            raise LedgerError(
                "a record of the ledger is missing",
                where=f"{self.warehouse.uri}/{self._key(kind.folder, number)}",
                remedy="restore it from the bucket's versions; nothing may delete under _headrace",
            )
        _keep(kept, number, found, self._most)
        return found

    # what a patch's bounded job made

    def store_judged(self, patch: int, judged: JudgedPatch) -> None:
        """Write it, once."""
        self.warehouse.put_new(self._key(JUDGED.folder, patch), JUDGED.write(judged))

    def judged(self, patch: int) -> JudgedPatch | None:
        """What the job made of a patch, if it is known."""
        key = self._key(JUDGED.folder, patch)
        raw = self.warehouse.find(key)
        return None if raw is None else JUDGED.read(raw, f"{self.warehouse.uri}/{key}")


def _keep(kept: dict[K, V], key: K, value: V, most: int) -> None:
    """Keep a value; beyond ``most`` of them, the one that was kept first goes."""
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
