"""Remedies that no test runs in the state that produced them; each is parsed, and says here why no more."""

from __future__ import annotations

REASONS = {
    "asks or starts a job in Flink, or reads what it made": """
        cli/anchor.py: anchor JOB
        cli/anchor.py: anchor adopt □ PATH
        cli/anchor.py: anchor □
        cli/job.py: stop □
        cli/patch.py: patch diff □ □
        cli/patch.py: patch judge □ □
        cli/publish.py: run □
        cli/replay.py: replay publish □ □
        cli/replay.py: replay run □ □
        cli/starting.py: run □
        cli/starting.py: status □ --wait
        cli/starting.py: stop □
        lake/cuts.py: run □
        lake/cuts.py: stop □
        lake/patch.py: patch apply □ □
        lake/publish.py: run □
        lake/publish.py: stop □
        lake/tail.py: run □
        lake/tail.py: stop □
        replay/backfill.py: patch □ □ □
        replay/diff.py: patch judge □ □
        replay/diff.py: replay run □ □
    """,
    "the state comes from a job that Flink runs, or failed to start": """
        cli/job.py: branch show □ □
        cli/job.py: publish □
        cli/standing.py: publish □
        cli/job.py: replay show □ □
        cli/replay.py: patch show □ □
        cli/replay.py: replay diff □ □
        cli/starting.py: branch set-aside □ □ --why TEXT
        job/run.py: branch ls □
        job/run.py: branch restart □ --why TEXT
        job/run.py: branch set-aside □ □ --why TEXT
        job/run.py: publish □
        job/run.py: replay abort □ □ --why TEXT
        lake/replace.py: replay abort □ □ --why TEXT
        lake/replace.py: replay ls □
    """,
    "the state needs a savepoint that Flink wrote": """
        cli/anchor.py: anchor ls □
        lake/anchors.py: branch ls □
        lake/fork.py: anchor ls □
        lake/fork.py: publish □
        lake/fork.py: replay ls □
        replay/plan.py: anchor check □ □
        replay/plan.py: anchor ls □
    """,
    "compiles the job with Flink's planner, or needs a lock that it wrote": """
        cli/check.py: plan □ --accept
        cli/plan.py: plan □ --accept
        cli/plan.py: plan □ --accept□□
        job/lock.py: check □
        job/lock.py: plan □
        job/lock.py: plan □ --accept
        job/refused.py: plan □ --accept
        job/run.py: plan □ --accept
    """,
    "asks Kafka, which this state lets nobody answer for": """
        cli/anchor.py: status □
        cli/conservation.py: verify □
        cli/job.py: status □
        cli/patch.py: verify □
        cli/publish.py: status □
        cli/verify.py: branch ls □
        cli/verify.py: status □
        cluster/session.py: status □
        cli/topic.py: topic create □
        cli/check.py: status □
        lake/publish.py: status □
        lake/verify.py: publish □
        lake/verify.py: verify □
        lake/tail.py: status □
        replay/bounded.py: status □
        replay/plan.py: status □
    """,
    "is about the processes of the local stack: tests/stack_local starts and asks them": """
        cluster/flink_run.py: stack logs jobmanager
        cluster/flink_run.py: stack status
        cluster/flink_run.py: stack up
        cluster/kafka/topics.py: stack status
        cluster/ready.py: stack down
        cluster/ready.py: stack logs jobmanager
        cluster/ready.py: stack logs taskmanager-1
        cluster/ready.py: stack status
        cluster/ready.py: stack up
        contact.py: stack status
        contact.py: stack up
        job/lock.py: stack up
        lake/store.py: stack status
        settings.py: stack env
        stack/jars.py: stack lock
        stack/local.py: stack up
        stack/processes.py: stack logs □
    """,
}
NOT_RUN = {line.strip(): reason for reason, lines in REASONS.items() for line in lines.strip().splitlines()}
"""Remedy → why it is only parsed."""
