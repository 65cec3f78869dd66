"""A derive job of the tests: late rows are kept apart."""

from headrace.job import Derive, run

JOB = Derive(reads=["events"], steps=["by_hour"], writes=["events_by_hour_kept"], checkpoint_every="500ms")

if __name__ == "__main__":
    run(JOB)
