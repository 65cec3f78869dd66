"""The same job, ending at the offsets that the topic has when it starts."""

from jobs.events import JOB

from headrace.job.start.submit import submit

if __name__ == "__main__":
    submit(JOB, bounded=True)
