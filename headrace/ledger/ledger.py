"""The ledger of a job: small immutable records beside its tables, each written put-if-absent.

::

    _headrace/<job>/
      start.json               where the job began on its topic: topic id and first offsets
      reads/flights.json       the same for each contract that a derive job reads
      claims/0000000001.json   one a submission: number, submission, restored from
      decisions/0000000001.json  what was decided: set-aside, adopt, restart, accept-loss, accept-tail, …
      anchors/0000000001.json  savepoints where a replay can start
      replays/0000000001.json  what a replay is to do; claims, decisions and batches record what became of it
      patches/0000000001.json  what a patch is to do, as it was requested
      payloads/<id>.parquet    the payloads that a redrive or a backfill judges
      judged/0000000001.json   what the bounded job of a patch made of it
      files/0000000001.json    a file that a backfill took rows from; its number identifies them
      plans/<sha256>.json      a plan that ran: what the state under its node ids means
      batches/0000000001.json  the intent of one publish: manifests, files, offsets
      done/0000000001.json     the batch is in the tables: versions, heads, frontier

How numbered records are written and read is in :mod:`headrace.ledger.record_store`; this module adds what one
job's ledger has: starts, claims, decisions, plans and its head.
"""

from __future__ import annotations

from headrace.errors import LedgerError, UsageError
from headrace.ledger.head import Head
from headrace.ledger.published import PublishedManifests
from headrace.ledger.record_store import N, RecordStore
from headrace.ledger.records import (
    CLAIMS,
    DECISIONS,
    DONE,
    STARTS,
    Claim,
    Decision,
    RecordKind,
    TopicStart,
)
from headrace.ledger.records.plan import Plan, plan_bytes, plan_digest, read_plan
from headrace.ledger.stamp import current_user, now
from headrace.offsets import Offsets
from headrace.storage.warehouse import Warehouse


class Ledger(RecordStore):
    """The records of one job."""

    def __init__(self, warehouse: Warehouse, job: str) -> None:
        super().__init__(warehouse, f"_headrace/{job}")
        self.job = job
        self._published = PublishedManifests(self)

    def start(self, contract: str = "") -> TopicStart | None:
        """Where the job began on a contract's topic (by default its own), or None before it did."""
        key = self._start_key(contract or self.job)
        raw = self.warehouse.find(key)
        return None if raw is None else STARTS.read(raw, f"{self.warehouse.uri}/{key}")

    def topics(self) -> dict[str, str]:
        """Contract → topic, of all that the job has begun to read."""
        keys = self.warehouse.keys(f"{self.folder}/reads/")
        read = [key.rpartition("/")[2].removesuffix(".json") for key in keys]
        starts = {contract: self.start(contract) for contract in [self.job, *read]}
        return {contract: start.topic for contract, start in starts.items() if start}

    def record_start(self, topic: str, topic_id: str, offsets: Offsets, *, contract: str) -> TopicStart:
        """Write where the job begins on a topic, once; later calls return what the first one wrote."""
        record = TopicStart(topic=topic, topic_id=topic_id, offsets=offsets, at=now())
        self.warehouse.put_new(self._start_key(contract), STARTS.write(record))
        start = self.start(contract)
        if start is None:
            raise LedgerError(
                "the start record vanished", where=f"{self.warehouse.uri}/{self._start_key(contract)}"
            )
        return start

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
        where = f"{self.warehouse.uri}/{self._plan_key(digest)}"
        return None if raw is None else read_plan(raw, digest, where)

    def _plan_key(self, digest: str) -> str:
        return f"{self.folder}/plans/{digest}.json"

    def head(self) -> Head:
        """The state after the newest finished batch."""
        return self.head_at(self.newest(DONE))

    def head_at(self, number: int) -> Head:
        """The state after a finished batch; 0: before everything."""
        return Head.of(self.stored(DONE, number)) if number else Head()

    def published(self, output: str, manifest: str, head: Head | None = None) -> int | None:
        """See :meth:`PublishedManifests.batch_of`."""
        return self._published.batch_of(output, manifest, head)

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
