"""What headrace needs from Flink, however it runs: a session cluster, a fake for tests, an operator.

Jobs are identified by Flink's job id. A refusal, or no answer in time, is a
:class:`~headrace.errors.ClusterError`; for an unknown job, its status is 404.
"""

from __future__ import annotations

from typing import Protocol

from headrace.cluster.model import (
    Checkpoints,
    Failure,
    Job,
    JobDetail,
    Slots,
    Split,
    Submission,
    Triggered,
)

SAVEPOINT_WITHIN_S = 300.0
CANCEL_WITHIN_S = 60.0


class Cluster(Protocol):
    """A Flink cluster."""

    @property
    def address(self) -> str:
        """The cluster's address in messages."""

    def submit(self, submission: Submission, /) -> str:
        """Run a job's ``main`` and return Flink's id of the job, which may not be running yet.

        Raises:
            HeadraceError: the job's own error, if it refused to start.
            JobError: it did not start for another reason, which is in the message.
            StackError: there is no client to submit it with.
        """

    def version(self) -> str:
        """Flink's own version."""

    def slots(self) -> Slots:
        """How many slots there are, and which jobs hold them."""

    def jobs(self) -> list[Job]:
        """All jobs that the cluster knows, newest first."""

    def detail(self, job: str, /) -> JobDetail:
        """One job with its vertices."""

    def configuration(self, job: str, /) -> dict[str, str]:
        """The job's own parameters; what looks like a secret is masked."""

    def failure(self, job: str, /) -> Failure:
        """Its most recent failure."""

    def checkpoints(self, job: str, /) -> Checkpoints:
        """Its checkpoints since its submission."""

    def trigger_checkpoint(self, job: str, /) -> str:
        """Request a checkpoint now, and return the request's id for :meth:`triggered`."""

    def triggered(self, job: str, request: str, /) -> Triggered:
        """The outcome so far of that request; an unknown request is an error with status 404."""

    def unacknowledged(self, job: str, /) -> list[str]:
        """The operators that have not finished their part of the oldest checkpoint in progress."""

    def savepoint(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint of a running job, and return its address.

        Args:
            job: the job's id.
            target: the folder for it; None leaves it to Flink's own setting.
            within_s: seconds until the savepoint must be complete.
        """

    def stop(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Stop a job with a savepoint, wait until it has ended, and return the savepoint's address.

        Never drains: that would fire every open window as if time had ended, and rows would be wrong.
        """

    def cancel(self, job: str, /, within_s: float = CANCEL_WITHIN_S) -> None:
        """Cancel a job without a savepoint and wait until it has ended; no effect if it has ended already."""

    def refresh_metrics(self) -> bool:
        """Refresh the workers' metrics; False if no worker answers, so that metrics read next are old."""

    def restarts(self, job: str, /) -> int:
        """How often it was restarted since its submission."""

    def unread(self, job: str, /) -> int | None:
        """How many records in Kafka the sources have not read; None until a source has reported it."""

    def splits(self, job: str, /) -> list[Split]:
        """Every partition that the job reads, the one that holds back event time first."""
