"""Starts a job: one code path, however it is submitted (``flink run``, the operator, ``headrace run``).

``main`` may run again at any failover of the JobManager, so each step can be repeated: the start is
recorded once, a claim is a new number, and the state itself says what it holds.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import structlog

from headrace import log
from headrace.delta.commit import refuse_other_columns
from headrace.errors import HeadraceError
from headrace.job import lock
from headrace.job.assemble import assemble
from headrace.job.declaration import Job
from headrace.job.environment import Environment, open_environment
from headrace.job.program import Placement, Program
from headrace.job.start.begin import Start, choose_fork_start, choose_start, record_starts
from headrace.job.start.options import (
    FORBIDDEN,
    PARAMETERS,
    SAVEPOINT,
    SUBMISSION,
    refuse_overrides,
    refuse_own,
    startup,
)
from headrace.job.state.meaning import ADDED
from headrace.job.state.restore import check_state
from headrace.ledger import replays
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Replay, SetAside
from headrace.publish.fit import refuse_other_key
from headrace.report import report_error
from headrace.savepoint.retained import checkpoint_folder
from headrace.storage.warehouse import Warehouse

logger = structlog.get_logger()

_BOUNDED = {"scan.bounded.mode": "latest-offset"}
REPLAY = "HEADRACE_REPLAY"
"""Names a replay in the environment: the job is then that replay's fork. `headrace replay run` sets it."""
PATCH = "HEADRACE_PATCH"
"""Names a patch for :mod:`headrace.job.judge` in the environment: job, number and submission."""


def run(job: Job) -> None:
    """Execute the job as its ``main``. Exits with the error's code, its message on stderr."""
    log.configure()
    try:
        execute_job(job, open_environment())
    except HeadraceError as e:
        raise SystemExit(report_error(e)) from e


def execute_job(job: Job, environment: Environment, *, bounded: bool = False) -> str:
    """Claim, resume and execute the locked plan; return the id that Flink gave the job.

    Args:
        job: the declaration.
        environment: where it starts.
        bounded: end at the topic's current end. Only for a fresh start: a restored source ignores it.

    Raises:
        DecisionNeeded: the lock is stale, the topic was recreated, or no state can be found to continue from.
        JobError: Flink is configured in a way that breaks the chain.
    """
    # pyflink takes seconds, and only this function needs it
    from headrace.job import flink  # noqa: PLC0415
    from headrace.job.functions import ship_functions  # noqa: PLC0415

    env, kafka = environment.settings, environment.kafka
    program = assemble(job)
    plan = lock.require_current(program)
    warehouse, ledger = environment.warehouse, environment.ledger(job.name)
    topics = {c.id: kafka.describe(kafka.topic(c.topic)) for c in program.reads}
    given = flink.submitted_options([SAVEPOINT, *FORBIDDEN])
    refuse_overrides(job.name, given | env.flink.options)
    refuse_own(program, env.flink.options)
    _refuse_other_tables(program, ledger)
    replay = _replay_to_run(ledger)
    offsets = record_starts(ledger, topics)
    if replay is not None:
        start = choose_fork_start(program, plan, ledger, warehouse, offsets, replay)
    else:
        start = choose_start(program, ledger, warehouse, offsets, given[SAVEPOINT] or None)
    restorable = check_state(ledger, warehouse, plan, start.savepoint)
    options = (
        env.flink.options
        | _submission_options(start, job, warehouse, env.flink.parallelism, env.flink.options)
        | restorable.options
    )
    claim = ledger.record_claim(
        start.submission,
        start.savepoint,
        program.contract.version,
        begins_after=start.after.manifests if start.after else None,
        replay=start.replay,
        plan=ledger.store_plan(plan.plan),
    )
    at = Placement(
        bootstrap=env.kafka.bootstrap,
        topic_prefix=env.kafka.topic_prefix,
        warehouse=warehouse.uri,
        submission=start.submission,
        claim=claim.number,
        numbered_from=start.after.checkpoint if start.after else restorable.numbered_from,
        startup={
            c: startup(o, start.submission) | (_BOUNDED if bounded else {}) for c, o in start.offsets.items()
        },
    )
    try:
        with ship_functions(program.functions, options) as all_options:
            job_id = _execute(flink.create_environment(program, at, all_options), plan)
    except Exception as e:
        # Publish waits for the newest claim's first manifest, and this claim will never have one.
        ledger.record_decision(
            SetAside(why=f"not submitted: {type(e).__name__}", claim=claim.number, newest_claim=0)
        )
        raise
    logger.info(
        "submitted", job=job.name, flink_job=job_id, claim=claim.number, restored_from=start.savepoint
    )
    return job_id


def _refuse_other_tables(program: Program, ledger: Ledger) -> None:
    """Refuse a contract that the job's tables cannot follow."""
    for output in program.outputs:
        refuse_other_columns(ledger.warehouse, output.id, output.columns)
        refuse_other_key(ledger.warehouse, ledger.head(), output)


def _replay_to_run(ledger: Ledger) -> Replay | None:
    """The replay that the environment names; None for the job itself.

    A published replay is the job itself: if its `main` runs again, it continues like any other job.

    Raises:
        UsageError: it was aborted or rolled back.
    """
    number = int(os.environ.get(REPLAY, "0"))
    is_fork = number and replays.state(ledger, number) != "published"
    return replays.require_open(ledger, number) if is_fork else None


def _submission_options(
    start: Start, job: Job, warehouse: Warehouse, parallelism: int, options: Mapping[str, str]
) -> dict[str, str]:
    """Settings of this one submission: they differ each time, so they are not in the lock."""
    own = f"{warehouse.uri}/{checkpoint_folder(job.name, start.submission)}"
    placed = {
        "pipeline.name": replays.flink_name(job.name, start.replay) if start.replay else job.name,
        "parallelism.default": str(parallelism),
        "execution.checkpointing.dir": f"{own}/checkpoints",
        PARAMETERS: ",".join(filter(None, [options.get(PARAMETERS), f"{SUBMISSION}:{start.submission}"])),
    }
    if start.savepoint:
        placed[SAVEPOINT] = start.savepoint
    return placed


def _execute(table_env: object, plan: lock.Lock) -> str:
    """Execute the lock's plan; Flink takes a compiled plan by its path only."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "plan.json"
        path.write_text(json.dumps({k: v for k, v in plan.plan.items() if k not in ADDED}))
        result = table_env.execute_sql(f"EXECUTE PLAN '{path}'")  # type: ignore[attr-defined]
        return str(result.get_job_client().get_job_id())
