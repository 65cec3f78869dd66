"""Remedies that no test runs in the state that produced them; each is parsed, and says here why no more."""

from __future__ import annotations

REASONS = {
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
    "is about the processes of the local stack: tests/stack_local starts and asks them": """
        cluster/flink_run.py: stack logs jobmanager
        cluster/flink_run.py: stack status
        cluster/flink_run.py: stack up
        cluster/kafka/topics.py: stack status
        cluster/ready.py: stack down
        cluster/ready.py: stack logs taskmanager-1
        cluster/ready.py: stack status
        cluster/ready.py: stack up
        contact.py: stack status
        contact.py: stack up
        lake/store.py: stack status
    """,
    "the next steps of a new project: tests/package types its whole README": """
        cli/init.py: check
        cli/init.py: plan □ --accept
        scaffold.py: new PIPELINE
    """,
}
NOT_RUN = {line.strip(): reason for reason, lines in REASONS.items() for line in lines.strip().splitlines()}
"""Remedy → why it is only parsed."""
