"""The job of the tests: a second pipeline, made of a contract and these lines."""

from headrace.job import Ingest, run

JOB = Ingest(contract="events", checkpoint_every="500ms")

if __name__ == "__main__":
    run(JOB)
