"""Reads the topic PIPELINE into a table and its quarantine."""

from headrace.job import Ingest, run

JOB = Ingest(contract="PIPELINE", checkpoint_every="10s")

if __name__ == "__main__":
    run(JOB)
