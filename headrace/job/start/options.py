"""The options of one submission, and the options that an environment must not set."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.errors import JobError
from headrace.job.defaults import SOURCES
from headrace.job.program import Program

SAVEPOINT = "execution.state-recovery.path"


SUBMISSION = "headrace.submission"
"""Names the submission in its Flink job's parameters, so that `stop` finds the claim of the job it ends."""


PARAMETERS = "pipeline.global-job-parameters"


FORBIDDEN = {
    "execution.checkpointing.unaligned.enabled": "true",
    "execution.checkpointing.mode": "AT_LEAST_ONCE",
    "execution.runtime-mode": "BATCH",
}
"""On the command line or in the cluster's configuration, these would break the chain, so they are refused."""


def startup(offsets: Mapping[int, int], submission: str) -> dict[str, str]:
    """Options of a source that begins at these offsets, and in any other partition at its beginning.

    In a partition that is not named, such as one added while the job starts, the connector asks for the
    offsets that a consumer group has committed. Without a group, that fails, and the job restarts endlessly.
    So each submission has a group of its own, which never commits.
    """
    return {
        "scan.startup.mode": "specific-offsets",
        "scan.startup.specific-offsets": offsets_option(offsets),
        "properties.group.id": f"headrace-{submission}",
        "properties.commit.offsets.on.checkpoint": "false",
        **{d.key: d.value for d in SOURCES},
    }


def offsets_option(offsets: Mapping[int, int]) -> str:
    """Offsets by partition in the syntax of the Kafka connector."""
    return ";".join(f"partition:{p},offset:{o}" for p, o in sorted(offsets.items()))


def refuse_overrides(job: str, given: Mapping[str, str]) -> None:
    """Refuse options that would break the chain, before anything starts.

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
"""Options of the job that an environment may still set: they change when rows are written, not which."""


def refuse_own(program: Program, options: Mapping[str, str]) -> None:
    """Refuse an environment that changes what a job depends on.

    Raises:
        JobError: ``flink.options`` sets an option that the job sets.
    """
    if SAVEPOINT in options:
        raise JobError(
            f"{SAVEPOINT} would restore every job here, whatever its claim says",
            where=f"flink.options, job {program.job.name}",
            remedy=f"give a savepoint to one start: headrace run {program.job.name} --savepoint PATH",
        )
    for default in program.settings:
        if default.key in options and default.key not in FREE:
            raise JobError(
                f"{default.key} is set by the job: {default.why}",
                where=f"flink.options, job {program.job.name}",
                remedy="remove it from deploy/env",
            )
