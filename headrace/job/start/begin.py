"""Chooses where a submission begins: at a savepoint, at the frontier, or at the beginning of its topics."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from headrace.cluster.kafka import TopicInfo
from headrace.errors import DecisionNeeded
from headrace.job import lock
from headrace.job.program import Program
from headrace.ledger import replays
from headrace.ledger.branch import ByOutput, followed_claim, fork_point, restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import BATCHES, DONE, ForkBatch, Replay
from headrace.ledger.restore import newest_on_branch
from headrace.savepoint.retained import newest_checkpoint
from headrace.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Start:
    """How a submission begins."""

    submission: str
    savepoint: str | None
    offsets: dict[str, dict[int, int]]
    """The offsets to start at if there is no savepoint, by contract."""
    after: Head | None = None
    """The place on the branch after which the job begins, at its frontier and without state."""
    replay: int | None = None


def choose_start(
    program: Program,
    ledger: Ledger,
    warehouse: Warehouse,
    offsets: dict[str, dict[int, int]],
    given: str | None,
) -> Start:
    """Choose where the job continues.

    Args:
        program: the job's program.
        ledger: the job's ledger.
        warehouse: where checkpoints are stored.
        offsets: where it began on its topics, as :func:`record_starts` returns it.
        given: the savepoint that was passed to Flink, if any.

    Raises:
        DecisionNeeded: a swap is not finished, or no state can be found to continue from.
    """
    open_ = ledger.get(BATCHES, ledger.newest(DONE) + 1)
    if isinstance(open_, ForkBatch):
        raise DecisionNeeded(
            "a replay is decided, but not all of its tables are swapped yet",
            where=f"{warehouse.uri}/{ledger.folder}/batches",
            remedy=f"headrace publish {ledger.job} finishes it; then run again",
        )
    submission = _new_submission()
    staged = {o.id: StagedManifests(warehouse, o.id).read() for o in program.outputs}
    savepoint = given or newest_restorable(
        ledger, warehouse, staged, has_state=program.contract.job_has_state
    )
    if savepoint is None and restart_is_due(ledger, staged):
        head = ledger.head()
        frontier = {ledger.job: offsets[ledger.job] | head.frontier}
        return Start(submission, None, frontier, after=head)
    return Start(submission, savepoint, offsets)


def choose_fork_start(
    program: Program,
    plan: lock.Lock,
    ledger: Ledger,
    warehouse: Warehouse,
    offsets: dict[str, dict[int, int]],
    replay: Replay,
) -> Start:
    """Choose where a replay's fork continues: at its newest checkpoint, or first where it was planned.

    Raises:
        DecisionNeeded: the job was edited since.
    """
    number = replay.number
    own_claims = replays.claims(ledger, number)
    other_plan = bool(own_claims) and own_claims[0].plan != plan.plan_digest
    if other_plan or replay.program != program.digest():
        raise DecisionNeeded(
            f"the job was edited since replay {number} was {'begun' if own_claims else 'planned'}:"
            " one replay runs one contract and one plan",
            where=f"jobs/{ledger.job}.lock.json",
            remedy=f"restore them; or headrace replay abort {ledger.job} {number} --why TEXT, and plan"
            " another one",
        )
    submissions = [c.submission for c in own_claims]
    if own := newest_checkpoint(warehouse, ledger.job, submissions):
        return Start(_new_submission(), own.path, offsets, replay=number)
    if replay.savepoint:
        return Start(_new_submission(), replay.savepoint, offsets, replay=number)
    at = {program.contract.id: offsets[program.contract.id] | replay.frontier}
    return Start(_new_submission(), None, at, after=Head(manifests=replay.fork.manifests), replay=number)


def _new_submission() -> str:
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def record_starts(ledger: Ledger, topics: Mapping[str, TopicInfo]) -> dict[str, dict[int, int]]:
    """Record where the job begins on topics that it reads for the first time.

    Args:
        ledger: the job's ledger.
        topics: the topics as they are now, by contract.

    Returns:
        By contract, the offset of each partition at which the job began, now or earlier. A partition added
        since then begins at its current log start. What retention deleted from it by then is still a loss:
        publish counts it from 0.

    Raises:
        DecisionNeeded: a topic was recreated.
    """
    offsets = {}
    for contract, topic in topics.items():
        start = ledger.record_start(topic.name, topic.id, topic.log_start, contract=contract)
        require_same_topic(ledger, topic, contract)
        offsets[contract] = topic.log_start | start.offsets
    return offsets


def require_same_topic(ledger: Ledger, topic: TopicInfo, contract: str = "") -> None:
    """Refuse a topic other than the one that the job began on, whatever its name.

    Raises:
        DecisionNeeded: it was deleted and created again.
    """
    start = ledger.start(contract)
    if start and start.topic != topic.name:
        raise DecisionNeeded(
            f"the job began on topic {start.topic}, but would read {topic.name} now:"
            " offsets and state of one do not apply to the other",
            where=f"contract {contract or ledger.job}, physicalName",
            remedy="restore the name, or give the other topic a contract and a table of its own",
        )
    if start and start.topic_id != topic.id:
        raise DecisionNeeded(
            f"topic {topic.name} was deleted and created again: its offsets refer to other records now",
            where=f"topic id {topic.id}, the job began on {start.topic_id}",
            remedy="give the new topic a contract and a table of its own",
        )


def newest_restorable(
    ledger: Ledger, warehouse: Warehouse, staged: ByOutput, *, has_state: bool
) -> str | None:
    """The newest good checkpoint on the branch; None if the branch is empty or restarts at the frontier."""
    newest, head = newest_on_branch(warehouse, ledger), ledger.head()
    restart = f"; or `headrace branch restart {ledger.job} --why TEXT`: it reads on from the frontier"
    if has_state:  # offsets cannot restore it
        restart = ""
    if newest is None:
        _refuse_lost_state(ledger, warehouse, staged, restart)
        return None
    if (point := fork_point(ledger, head, staged, dict(newest.manifests))) is not None:
        claim = followed_claim(ledger.claims(), StandingDecisions.of(ledger.decisions()))
        raise DecisionNeeded(
            f"the newest submission forked from the published branch, at {point or 'the very beginning'}:"
            " continuing from its checkpoint would repeat published rows",
            where=newest.path,
            remedy=f"`headrace branch set-aside {ledger.job} {claim.number if claim else '…'} --why TEXT`,"
            " then run again: it continues on the branch before the fork",
        )
    if newest.number < head.checkpoint:
        raise DecisionNeeded(
            f"the newest checkpoint found ({newest.number}) is older than what is published"
            f" ({head.checkpoint}): from this one the job would repeat rows",
            where=newest.path,
            remedy=f"give a newer savepoint: headrace run {ledger.job} --savepoint PATH{restart}",
        )
    return newest.path


def _refuse_lost_state(ledger: Ledger, warehouse: Warehouse, staged: ByOutput, restart: str) -> None:
    """Refuse to begin without a checkpoint, unless the branch is empty or restarts at the frontier."""
    head = ledger.head()
    all_left = followed_claim(ledger.claims(), StandingDecisions.of(ledger.decisions())) is None
    if restart_is_due(ledger, staged) or (head.batch == 0 and all_left):
        return
    if head.batch or any(staged.values()):
        raise DecisionNeeded(
            "the job has written rows, but none of its checkpoints or savepoints can be found",
            where=f"{warehouse.uri}/_flink/{ledger.job}/",
            remedy=f"restore the bucket, or give a savepoint: headrace run {ledger.job} --savepoint PATH"
            f"{restart}",
        )
