"""The same job, ending at the offsets that the topic has when it starts."""

from jobs.events import JOB

from headrace.job.environment import open_environment
from headrace.job.start.submit import execute_job

if __name__ == "__main__":
    execute_job(JOB, open_environment(), bounded=True)
