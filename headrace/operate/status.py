"""The state of a job: on its cluster, compared with its topic, and in what it has published and staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from headrace.cluster import Cluster, event_time
from headrace.cluster import Job as FlinkJob
from headrace.cluster.kafka import Lag
from headrace.cluster.model import Split
from headrace.errors import ClusterError
from headrace.ledger import replays
from headrace.ledger.branch import restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES
from headrace.ledger.survey import ClaimStatus, survey
from headrace.offsets import Span
from headrace.operate.parts.flink_jobs import live_jobs
from headrace.operate.workspace import OpenJob, Workspace
from headrace.publish.forecast import Forecast, forecast
from headrace.publish.topics import TopicChange, query_topics


@dataclass(frozen=True)
class EventTime:
    """How far a derive job's sources have read."""

    watermark: datetime | None
    """That of the slowest partition that is not idle."""
    unread: int | None
    """Offsets that it has not read yet; None if Flink does not report it."""
    partitions: tuple[Split, ...]

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "watermark": self.watermark and self.watermark.isoformat(),
            "unread": self.unread,
            "partitions": [
                {**asdict(s), "watermark": s.watermark and s.watermark.isoformat()} for s in self.partitions
            ],
        }


@dataclass(frozen=True)
class FlinkJobStatus:
    """A Flink job that runs the job now."""

    id: str
    state: str
    since: datetime
    metrics_of_now: bool = True
    """False if its workers do not answer: then these are the last known values."""
    restarts: int = 0
    checkpoints_completed: int = 0
    checkpoints_failed: int = 0
    last_checkpoint: datetime | None = None
    state_bytes: int | None = None
    failure: str = ""
    """The root cause of its newest failure; empty if it never failed."""
    event_time: EventTime | None = None
    """Of a derive job."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "id": self.id,
            "state": self.state,
            "since": self.since.isoformat(),
            "metrics_of_now": self.metrics_of_now,
            "restarts": self.restarts,
            "checkpoints": {"completed": self.checkpoints_completed, "failed": self.checkpoints_failed},
            "last_checkpoint": self.last_checkpoint.isoformat() if self.last_checkpoint else None,
            "state_bytes": self.state_bytes,
            "failure": self.failure,
            **(self.event_time.to_json() if self.event_time else {}),
        }


@dataclass(frozen=True)
class Status:
    """The state of a job."""

    job: str
    derived: bool
    """Whether it is a derive job, whose rows have no place in a topic."""
    head: Head = field(default_factory=Head)
    """What is published."""
    flink_jobs: tuple[FlinkJobStatus, ...] = ()
    flink_error: ClusterError | None = None
    """Why Flink did not answer; then ``flink_jobs`` is empty."""
    open_batch: int | None = None
    """A batch that is decided and not finished."""
    topics_changed: tuple[TopicChange, ...] = ()
    """Topics that have changed since the job read them."""
    lag: Lag = field(default_factory=lambda: Lag({}, None))
    """What the topic of an ingest job holds that is not published."""
    branches: tuple[ClaimStatus, ...] = ()
    foreseen: Forecast = field(default_factory=Forecast)
    """What the next publish will stop on."""
    replays: Mapping[int, str] = field(default_factory=dict)
    """Replays that are neither published nor aborted, each with its state."""
    restart_due: bool = False
    """Whether the next start continues from the frontier, as an operator decided."""
    accepted_losses: tuple[Span, ...] = ()
    accepted_tails: tuple[int, ...] = ()
    """Checkpoints of the followed claim up to which publish takes the rows of a topic that is gone."""

    @property
    def followed(self) -> ClaimStatus | None:
        """The claim that publish follows."""
        return next((b for b in self.branches if b.followed), None)

    @property
    def forks(self) -> tuple[ClaimStatus, ...]:
        """Claims that left the chain that publish follows."""
        return tuple(b for b in self.branches if b.state == "fork")

    @property
    def set_aside(self) -> tuple[int, ...]:
        """Claims that an operator decided not to follow."""
        return tuple(b.claim.number for b in self.branches if b.state == "set aside")

    @property
    def unpublished_files(self) -> int:
        """Staged files on the chain that publish follows."""
        ahead = [ms for b in self.branches if b.state == "ahead" for ms in b.manifests.values()]
        return sum(len(m.files) for manifests in ahead for m in manifests)

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        head, followed = self.head, self.followed
        return {
            "job": self.job,
            "derived": self.derived,
            "flink_jobs": [j.to_json() for j in self.flink_jobs],
            "flink_error": self.flink_error and self.flink_error.what,
            "batch": head.batch,
            "open_batch": self.open_batch,
            "versions": head.versions,
            "rows": {o: head.rows[o] for o in head.versions},
            "rows_written": head.written,
            "frontier": head.frontier,
            "topics_changed": [c.to_json() for c in self.topics_changed],
            "lag": self.lag.offsets,
            "lag_records": self.lag.records,
            "claim": followed.claim.number if followed else None,
            "state": followed.state if followed else "no submission",
            "unpublished_files": self.unpublished_files,
            "foreseen": self.foreseen.to_json(),
            "forks": [b.to_json() for b in self.forks],
            "set_aside": list(self.set_aside),
            "replays": dict(self.replays),
            "restart_due": self.restart_due,
            "accepted_losses": [str(s) for s in self.accepted_losses],
            "accepted_tails": list(self.accepted_tails),
        }


def read_status(workspace: Workspace, job: str) -> Status:
    """Report the state of a job. If Flink does not answer, that is part of the result.

    Raises:
        UsageError: there is no such job.
        ClusterError: Kafka or the object store does not answer.
    """
    open_job = workspace.job(job)
    contract, ledger = open_job.program.contract, open_job.ledger
    head = ledger.head()
    topics = query_topics(open_job.tables.source, ledger, head)
    has_lag = contract.has_topic and not any(c.other for c in topics.changes)
    lag = _lag(open_job, head) if has_lag else Lag({}, None)
    staged, decisions = open_job.read_staged(), StandingDecisions.of(ledger.decisions())
    branches = survey(ledger, head, staged)
    flink_jobs, flink_error = _flink_jobs(open_job, timed=contract.job_has_state)
    return Status(
        job=job,
        derived=not contract.has_topic,
        head=head,
        flink_jobs=flink_jobs,
        flink_error=flink_error,
        open_batch=head.batch + 1 if ledger.get(BATCHES, head.batch + 1) else None,
        topics_changed=topics.changes,
        lag=lag,
        branches=tuple(branches),
        foreseen=forecast(ledger, head, open_job.program.outputs, topics, staged),
        replays=_open_replays(ledger),
        restart_due=restart_is_due(ledger, staged),
        accepted_losses=tuple(span for d in decisions.losses for span in d.spans),
        accepted_tails=accepted_tails(decisions, branches),
    )


def accepted_tails(decisions: StandingDecisions, branches: Sequence[ClaimStatus]) -> tuple[int, ...]:
    """Checkpoints of the followed claim up to which publish takes the rows of a topic that is gone."""
    followed = {b.claim.number for b in branches if b.followed}
    return tuple(d.checkpoint for d in decisions.tails if d.claim in followed)


def _open_replays(ledger: Ledger) -> dict[int, str]:
    states = {r.number: replays.state(ledger, r.number) for r in replays.every(ledger)}
    return {number: state for number, state in states.items() if state in ("planned", "begun")}


def _lag(job: OpenJob, head: Head) -> Lag:
    """What the topic holds and is not published. An added partition counts from 0."""
    kafka = job.kafka
    topic = kafka.describe(kafka.topic(job.program.contract.topic))
    start = job.ledger.start()
    first = start.offsets if start else topic.log_start
    frontier = {p: head.frontier.get(p, first.get(p, 0)) for p in topic.log_start}
    return kafka.lag(topic, frontier)


def _flink_jobs(job: OpenJob, *, timed: bool) -> tuple[tuple[FlinkJobStatus, ...], ClusterError | None]:
    """What Flink reports, or why it does not answer: the rest of the status can be shown regardless."""
    try:
        live = live_jobs(job)
        fresh = not live or job.cluster.refresh_metrics()
        return tuple(_flink_job(job.cluster, j, timed=timed, fresh=fresh) for j in live), None
    except ClusterError as e:
        return (), e


def _flink_job(cluster: Cluster, job: FlinkJob, *, timed: bool, fresh: bool) -> FlinkJobStatus:
    done = cluster.checkpoints(job.id)
    return FlinkJobStatus(
        id=job.id,
        state=job.state,
        since=job.started,
        metrics_of_now=fresh,
        restarts=cluster.restarts(job.id),
        checkpoints_completed=done.completed,
        checkpoints_failed=done.failed,
        last_checkpoint=done.last.at if done.last else None,
        state_bytes=done.last.state_bytes if done.last else None,
        failure=cluster.failure(job.id).cause,
        event_time=_event_time(cluster, job) if timed else None,
    )


def _event_time(cluster: Cluster, job: FlinkJob) -> EventTime:
    splits = cluster.splits(job.id)
    return EventTime(event_time(splits), cluster.unread(job.id), tuple(splits))
