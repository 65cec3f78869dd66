"""The same job, to whose topic a partition is added in the moment after its start has looked at it."""

from importlib import import_module
from typing import Any

from jobs.events import JOB

from headrace.cluster.kafka import TopicInfo, describe

starting: Any = import_module("headrace.job.start.submit")


def before(bootstrap: str, topic: str) -> TopicInfo:
    """The topic without its last partition."""
    found = describe(bootstrap, topic)
    last = max(found.log_start)
    del found.log_start[last], found.log_end[last]
    return found


if __name__ == "__main__":
    starting.describe = before
    starting.run(JOB)
