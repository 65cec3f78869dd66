"""The options of one submission, and those that an environment must not set."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.errors import JobError
from headrace.job.defaults import SOURCES
from headrace.job.program import Program

SAVEPOINT = "execution.state-recovery.path"


SUBMISSION = "headrace.submission"
"""Names the submission in its Flink job's parameters, so that `stop` finds the claim of what it ends."""


PARAMETERS = "pipeline.global-job-parameters"


FORBIDDEN = {
    "execution.checkpointing.unaligned.enabled": "true",
    "execution.checkpointing.mode": "AT_LEAST_ONCE",
    "execution.runtime-mode": "BATCH",
}
"""On the command line or in the cluster's configuration these would break the chain, so they are refused."""


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
"""What an environment may set although the job does: they change when, not what."""


def refuse_own(program: Program, options: Mapping[str, str]) -> None:
    """Refuse an environment that takes away what a job depends on.

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
