"""The same job, to whose topic a partition is added in the moment after its start has looked at it."""

from jobs.events import JOB

from headrace import settings
from headrace.cluster.kafka import Brokers, TopicInfo
from headrace.job.environment import Environment
from headrace.job.start.submit import execute_job


class Before(Brokers):
    """The brokers as they were before the last partition was added."""

    def describe(self, topic: str) -> TopicInfo:
        """The topic without its last partition."""
        state = super().describe(topic)
        last = max(state.log_start)
        del state.log_start[last], state.log_end[last]
        return state


if __name__ == "__main__":
    env = settings.load()
    execute_job(JOB, Environment(env, Before(env.kafka)))
