"""What headrace asks of Flink, whatever runs it: a session cluster, one in memory for tests, an operator.

Jobs are named by the id that Flink gave them. Whatever the cluster refuses, or does not answer in time, is a
:class:`~headrace.errors.ClusterError`; asked about an unknown job, it has status 404.
"""

from __future__ import annotations

from typing import Any, Protocol

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
        """How messages name it."""

    def submit(self, submission: Submission, /) -> str:
        """Run a job's ``main``, and give the id that Flink gave the job. The job may not run yet.

        Raises:
            HeadraceError: the job's own error, which says why it refused to start.
            JobError: it did not start for another reason, which is named.
            StackError: there is no client to submit it with.
        """

    def version(self) -> str:
        """Flink's own version."""

    def slots(self) -> Slots:
        """How many slots there are, and which jobs hold them."""

    def jobs(self) -> list[Job]:
        """All jobs that the cluster remembers, the newest first."""

    def detail(self, job: str, /) -> JobDetail:
        """One job with its vertices."""

    def configuration(self, job: str, /) -> dict[str, str]:
        """The job's own parameters; what looks like a secret is masked."""

    def failure(self, job: str, /) -> Failure:
        """When and why it failed last."""

    def checkpoints(self, job: str, /) -> Checkpoints:
        """How its checkpoints go."""

    def checkpoint_settings(self, job: str, /) -> dict[str, Any]:
        """The checkpoint settings in force, the cluster's included (``mode``, ``interval``, …)."""

    def trigger_checkpoint(self, job: str, /) -> str:
        """Ask for a checkpoint now, and give the request's id for :meth:`triggered`."""

    def triggered(self, job: str, request: str, /) -> Triggered:
        """What has become of that request; one that the cluster does not know has status 404."""

    def unacknowledged(self, job: str, /) -> list[str]:
        """The operators that have not finished their part of the oldest checkpoint in progress."""

    def savepoint(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint while the job goes on, and return its address.

        Args:
            job: the job's id.
            target: the folder for it; None leaves it to Flink's own setting.
            within_s: seconds until the savepoint must be complete.
        """

    def stop(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Stop a job with a savepoint, wait until it has ended, and return the savepoint's address.

        Never drains: draining would fire every open window as if time had ended, and rows would be wrong.
        """

    def cancel(self, job: str, /, within_s: float = CANCEL_WITHIN_S) -> None:
        """Cancel a job without a savepoint and wait until it has ended; an ended one is left as it is."""

    def refresh_metrics(self) -> bool:
        """Ask the workers for their metrics anew; False if none answers, and what follows is older."""

    def restarts(self, job: str, /) -> int:
        """How often it was restarted since this submission began."""

    def unread(self, job: str, /) -> int | None:
        """Records that Kafka holds and the sources have not read; None while no source has reported it."""

    def splits(self, job: str, /) -> list[Split]:
        """Every partition that the job reads, the one that holds event time back first."""
