"""Flights of New York, 2013: one topic, one table, one quarantine."""

from headrace.job import Ingest, run

JOB = Ingest(contract="flights", checkpoint_every="10s")

if __name__ == "__main__":
    run(JOB)
