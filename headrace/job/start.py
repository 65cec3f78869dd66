"""Starting a job: one code path, whoever submits it (``flink run``, the operator, ``headrace run``).

``main`` may run again at any failover of the JobManager, so each step can be repeated: the start is
recorded once, a claim is a new number, and what the state holds is told by the state itself.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import structlog

from headrace import log, settings
from headrace.cluster.kafka import TopicInfo, describe
from headrace.contract.model import ContractKind
from headrace.delta.commit import refuse_other_columns
from headrace.errors import DecisionNeeded, HeadraceError, JobError, UsageError
from headrace.job import lock
from headrace.job.assemble import assemble
from headrace.job.declaration import Job
from headrace.job.defaults import SOURCES
from headrace.job.gate import DROPPED, compare, unaccounted
from headrace.job.meaning import ADDED
from headrace.job.program import Placement, Program
from headrace.ledger import anchors, replays
from headrace.ledger.branch import ByOutput, followed, fork_point, restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import Staged
from headrace.ledger.records import BATCHES, DONE, ForkBatch, SetAside
from headrace.ledger.restore import newest_on_branch
from headrace.publish.fit import refuse_other_key
from headrace.report import report
from headrace.savepoint.metadata import flink_number
from headrace.savepoint.retained import folder, newest_of
from headrace.storage.warehouse import Warehouse, connect

logger = structlog.get_logger()

SAVEPOINT = "execution.state-recovery.path"
_BOUNDED = {"scan.bounded.mode": "latest-offset"}
REPLAY = "HEADRACE_REPLAY"
"""Names a replay in the environment: the job is then that replay's fork. `headrace replay run` sets it."""
PATCH = "HEADRACE_PATCH"
"""Names in the environment what :mod:`headrace.job.judge` judges: job, number and submission."""
SUBMISSION = "headrace.submission"
"""Names the submission in its Flink job's parameters, so that `stop` finds the claim of what it ends."""
PARAMETERS = "pipeline.global-job-parameters"
FORBIDDEN = {
    "execution.checkpointing.unaligned.enabled": "true",
    "execution.checkpointing.mode": "AT_LEAST_ONCE",
    "execution.runtime-mode": "BATCH",
}
"""Given on the command line or by the cluster, these would break the chain; said before anything starts."""


@dataclass(frozen=True)
class Start:
    """How a submission begins."""

    submission: str
    savepoint: str | None
    offsets: dict[str, dict[int, int]]
    """Where to read from if there is no savepoint, by contract."""
    behind: Head | None = None
    """The place on the branch that the job begins behind, at its frontier and without state."""
    replay: int | None = None


def run(job: Job) -> None:
    """Claim, resume and submit. Exits with the error's code, its message on stderr."""
    log.configure()
    try:
        submit(job)
    except HeadraceError as e:
        raise SystemExit(report(e)) from e


def submit(job: Job, *, bounded: bool = False) -> str:
    """Submit the job and return the id that Flink gave it.

    Args:
        job: the declaration.
        bounded: end at the offsets that the topic has now. Only from the start: a restored source ignores it.

    Raises:
        DecisionNeeded: the lock is stale, or the topic was recreated, or no state can be found to go on from.
        JobError: Flink was told to run in a way that breaks the chain.
    """
    # pyflink takes seconds, and only this function needs it
    from headrace.job import flink  # noqa: PLC0415
    from headrace.job.functions import shipped  # noqa: PLC0415

    env = settings.load()
    program = assemble(job)
    plan = lock.current(program)
    warehouse = connect(env.store)
    ledger = Ledger(warehouse, job.name)
    topics = {c.id: describe(env.kafka.bootstrap, env.kafka.topic(c.topic)) for c in program.reads}
    given = flink.configured([SAVEPOINT, *FORBIDDEN])
    refuse_overrides(job.name, given | env.flink.options)
    refuse_own(program, env.flink.options)
    for output in program.outputs:
        refuse_other_columns(warehouse, output.id, output.columns)
        refuse_other_key(warehouse, ledger.head(), output)
    replayed = int(os.environ.get(REPLAY, "0"))
    # A published one is the job itself: where its `main` runs again, it goes on as any other does.
    if replayed and replays.state(ledger, replayed) != "published":
        start = _forked(program, plan, ledger, warehouse, topics, replayed)
    else:
        start = _start(program, ledger, warehouse, topics, given[SAVEPOINT] or None)
    passed = _gate(ledger, warehouse, plan, start.savepoint)
    options = (
        env.flink.options
        | _placed(start, job, warehouse, env.flink.parallelism, env.flink.options)
        | passed.options
    )
    claim = ledger.claim(
        start.submission,
        start.savepoint,
        program.contract.version,
        begins_behind=start.behind.manifests if start.behind else None,
        replay=start.replay,
        plan=_kept(ledger, plan),
    )
    at = Placement(
        bootstrap=env.kafka.bootstrap,
        topic_prefix=env.kafka.topic_prefix,
        warehouse=warehouse.uri,
        submission=start.submission,
        claim=claim.number,
        numbered_from=start.behind.checkpoint if start.behind else passed.numbered_from,
        startup={
            c: startup(o, start.submission) | (_BOUNDED if bounded else {}) for c, o in start.offsets.items()
        },
    )
    try:
        with shipped(program.functions, options) as all_options:
            job_id = _execute(flink.environment(program, at, all_options), plan)
    except Exception as e:
        # Publish waits for the newest claim's first manifest: this one will never seal any.
        ledger.decide(SetAside(why=f"not submitted: {type(e).__name__}", claim=claim.number, claims_then=0))
        raise
    logger.info(
        "submitted", job=job.name, flink_job=job_id, claim=claim.number, restored_from=start.savepoint
    )
    return job_id


def _start(
    program: Program,
    ledger: Ledger,
    warehouse: Warehouse,
    topics: Mapping[str, TopicInfo],
    given: str | None,
) -> Start:
    offsets = {contract: _begun(ledger, contract, topic) for contract, topic in topics.items()}
    open_ = ledger.get(BATCHES, ledger.newest(DONE) + 1)
    if isinstance(open_, ForkBatch):
        raise DecisionNeeded(
            "a replay is decided, and not all of its tables are swapped yet",
            where=f"{warehouse.uri}/{ledger.folder}/batches",
            remedy=f"headrace publish {ledger.job} finishes it; then run again",
        )
    submission = _submission()
    staged = {o.id: Staged(warehouse, o.id).read() for o in program.outputs}
    savepoint = given or _resume(ledger, warehouse, staged, program.contract.kind)
    if savepoint is None and restart_is_due(ledger, staged):
        head = ledger.head()
        frontier = {ledger.job: offsets[ledger.job] | head.frontier}
        return Start(submission, None, frontier, behind=head)
    return Start(submission, savepoint, offsets)


@dataclass(frozen=True)
class Passed:
    """What the state gate lets a submission restore."""

    options: dict[str, str] = field(default_factory=dict)
    numbered_from: int = 0
    """How far the branch counts ahead of Flink, for an output that is new: its chain begins here."""


def _gate(ledger: Ledger, warehouse: Warehouse, plan: lock.Lock, savepoint: str | None) -> Passed:
    """Let state pass that means the same under the lock's plan, and what a person accepted.

    Raises:
        DecisionNeeded: the plan would lose or change state that was not accepted when its lock was written.
        UsageError: nothing is known of the plan that wrote the savepoint.
    """
    if savepoint is None:
        return Passed()
    raw, found = anchors.opened(warehouse, savepoint)
    claim = ledger.claim_of(found.submission)
    before = ledger.plan(claim.plan) if claim else None
    if before is None:
        raise UsageError(
            "it is not known which plan wrote this savepoint: what its state means cannot be told",
            where=savepoint,
            remedy=f"give one of a submission that `headrace branch ls {ledger.job}` lists; what another job"
            " wrote, or an older headrace, cannot be restored",
        )
    verdicts = compare(before, plan.plan)
    if open_ := unaccounted(verdicts, plan.accepted):
        raise DecisionNeeded(
            "from this savepoint on, state would be lost or mean something else: "
            + "; ".join(f"{v.operator} ({v.id}) is {v.verdict}" for v in open_),
            where=savepoint,
            remedy=f"put back the job and its lock as they were, write the lock anew with"
            f" `headrace plan {ledger.job} --accept`, and name there what may be lost or change",
            state=[v.to_json() for v in open_],
        )
    drops = any(v.verdict == DROPPED for v in verdicts)
    return Passed(
        {"execution.state-recovery.ignore-unclaimed-state": "true"} if drops else {},
        found.number - flink_number(raw),
    )


def _forked(
    program: Program,
    plan: lock.Lock,
    ledger: Ledger,
    warehouse: Warehouse,
    topics: Mapping[str, TopicInfo],
    number: int,
) -> Start:
    """A replay's fork: on from its own newest checkpoint; the first time, from where it was planned."""
    replay = replays.open_one(ledger, number)
    offsets = {contract: _begun(ledger, contract, topic) for contract, topic in topics.items()}
    own_claims = replays.claims(ledger, number)
    other_plan = bool(own_claims) and own_claims[0].plan != plan.plan_digest
    if other_plan or replay.program != program.digest():
        raise DecisionNeeded(
            f"the job was edited since replay {number} was {'begun' if own_claims else 'planned'}:"
            " one replay runs one contract and one plan",
            where=f"jobs/{ledger.job}.lock.json",
            remedy=f"put them back; or headrace replay abort {ledger.job} {number} --why TEXT, and plan"
            " another one",
        )
    submissions = [c.submission for c in own_claims]
    if own := newest_of(warehouse, ledger.job, submissions):
        return Start(_submission(), own.path, offsets, replay=number)
    if replay.savepoint:
        return Start(_submission(), replay.savepoint, offsets, replay=number)
    at = {program.contract.id: offsets[program.contract.id] | replay.frontier}
    return Start(_submission(), None, at, behind=Head(manifests=replay.fork.manifests), replay=number)


def _submission() -> str:
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def _kept(ledger: Ledger, plan: lock.Lock) -> str:
    """Keep the plan that runs, once: its state will be read by it. Gives the plan's digest."""
    return ledger.keep_plan(plan.plan)


def _begun(ledger: Ledger, contract: str, topic: TopicInfo) -> dict[int, int]:
    """Where the job begins to read each partition: as recorded when it first read the topic.

    A partition that was added since begins where it begins now. What retention has deleted of it by then is
    a loss all the same: publish counts it from 0.
    """
    begun = ledger.record_start(topic.name, topic.id, topic.log_start, contract=contract)
    require_same_topic(ledger, topic, contract)
    return topic.log_start | begun.offsets


def require_same_topic(ledger: Ledger, topic: TopicInfo, contract: str = "") -> None:
    """Say no to another topic than the one that the job began on, whatever its name.

    Raises:
        DecisionNeeded: it was deleted and created again.
    """
    begun = ledger.start(contract)
    if begun and begun.topic != topic.name:
        raise DecisionNeeded(
            f"the job began on topic {begun.topic}, and would read {topic.name} now:"
            " offsets and state of the one say nothing about the other",
            where=f"contract {contract or ledger.job}, physicalName",
            remedy="put the name back, or give the other topic a contract and a table of its own",
        )
    if begun and begun.topic_id != topic.id:
        raise DecisionNeeded(
            f"topic {topic.name} was deleted and created again: its offsets mean other records now",
            where=f"topic id {topic.id}, the job began on {begun.topic_id}",
            remedy="give the new topic a contract and a table of its own",
        )


def _resume(ledger: Ledger, warehouse: Warehouse, staged: ByOutput, kind: ContractKind) -> str | None:
    """The newest good checkpoint on the branch; None where it is empty or restarts at the frontier."""
    found, head = newest_on_branch(warehouse, ledger), ledger.head()
    if found is not None and (point := fork_point(ledger, head, staged, dict(found.manifests))) is not None:
        claim = followed(ledger.claims(), StandingDecisions.of(ledger.decisions()))
        raise DecisionNeeded(
            f"the newest submission forked behind what is published, at {point or 'the very beginning'}:"
            " to go on from its checkpoint would repeat published rows",
            where=found.path,
            remedy=f"`headrace branch set-aside {ledger.job} {claim.number if claim else '…'} --why TEXT`,"
            " then run again: it goes on from the branch before the fork",
        )
    if found is not None and found.number >= head.checkpoint:
        return found.path
    restart = f"; or `headrace branch restart {ledger.job} --why TEXT`: it reads on from the frontier"
    if kind == "derive":  # no offset brings its state back
        restart = ""
    if found is not None:
        raise DecisionNeeded(
            f"the newest checkpoint found ({found.number}) is older than what is published"
            f" ({head.checkpoint}): from this one the job would repeat rows",
            where=found.path,
            remedy=f"give a newer savepoint: `flink run -s PATH …`{restart}",
        )
    all_left = followed(ledger.claims(), StandingDecisions.of(ledger.decisions())) is None
    if restart_is_due(ledger, staged) or (head.batch == 0 and all_left):
        return None
    if head.batch or any(staged.values()):
        raise DecisionNeeded(
            "the job has written rows, and no checkpoint or savepoint of it can be found",
            where=f"{warehouse.uri}/_flink/{ledger.job}/",
            remedy=f"restore the bucket, or give a savepoint: `flink run -s PATH …`{restart}",
        )
    return None


def startup(offsets: Mapping[int, int], submission: str) -> dict[str, str]:
    """Options of a source that begins at these offsets; in any other partition, at its beginning.

    The connector asks for the offsets that a consumer group has committed in a partition that is not named,
    such as one that is added while the job starts. Without a group that fails, and the job restarts for ever.
    So there is one, of this submission alone, that never commits.
    """
    return {
        "scan.startup.mode": "specific-offsets",
        "scan.startup.specific-offsets": offsets_option(offsets),
        "properties.group.id": f"headrace-{submission}",
        "properties.commit.offsets.on.checkpoint": "false",
        **{d.key: d.value for d in SOURCES},
    }


def offsets_option(offsets: Mapping[int, int]) -> str:
    """Offsets by partition as the Kafka connector takes them."""
    return ";".join(f"partition:{p},offset:{o}" for p, o in sorted(offsets.items()))


def _placed(
    start: Start, job: Job, warehouse: Warehouse, parallelism: int, options: Mapping[str, str]
) -> dict[str, str]:
    """Settings of this one submission: they differ each time, so they are not in the lock."""
    own = f"{warehouse.uri}/{folder(job.name, start.submission)}"
    placed = {
        "pipeline.name": replays.flink_name(job.name, start.replay) if start.replay else job.name,
        "parallelism.default": str(parallelism),
        "execution.checkpointing.dir": f"{own}/checkpoints",
        PARAMETERS: ",".join(filter(None, [options.get(PARAMETERS), f"{SUBMISSION}:{start.submission}"])),
    }
    if start.savepoint:
        placed[SAVEPOINT] = start.savepoint
    return placed


def refuse_overrides(job: str, given: Mapping[str, str]) -> None:
    """Say no to options that would break the chain, before anything starts.

    Raises:
        JobError: one of them is set.
    """
    for key, value in FORBIDDEN.items():
        if given.get(key, "").upper() == value.upper():
            raise JobError(
                f"{key}={value} would let a manifest be sealed without all its files",
                where=f"job {job}",
                remedy="remove it from the command line, flink.options or the cluster's configuration",
            )


FREE = {"execution.checkpointing.interval", "execution.checkpointing.timeout"}
"""What an environment may set although the job does: they change when, not what."""


def refuse_own(program: Program, options: Mapping[str, str]) -> None:
    """Say no to an environment that takes away what a job depends on.

    Raises:
        JobError: ``flink.options`` sets one of the job's own settings.
    """
    if SAVEPOINT in options:
        raise JobError(
            f"{SAVEPOINT} would restore every job here, whatever its claim says",
            where=f"flink.options, job {program.job.name}",
            remedy="give a savepoint to one start: `flink run -s PATH …`",
        )
    for default in program.settings:
        if default.key in options and default.key not in FREE:
            raise JobError(
                f"{default.key} is the job's own setting: without it, {default.why}",
                where=f"flink.options, job {program.job.name}",
                remedy="remove it from deploy/env",
            )


def _execute(table_env: object, plan: lock.Lock) -> str:
    """Execute the lock's plan; Flink takes a compiled plan by its path only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps({k: v for k, v in plan.plan.items() if k not in ADDED}))
        result = table_env.execute_sql(f"EXECUTE PLAN '{path}'")  # type: ignore[attr-defined]
        return str(result.get_job_client().get_job_id())
