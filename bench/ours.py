"""The same topic through headrace's own job, with every check on, to the topic's current end."""

from __future__ import annotations

from headrace.job.declaration import Ingest
from headrace.job.environment import open_environment
from headrace.job.start.submit import execute_job

if __name__ == "__main__":
    execute_job(Ingest(contract="flights", checkpoint_every="10s"), open_environment(), bounded=True)
