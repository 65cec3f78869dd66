"""The negative control of the guard: the same job, with exceptions of functions not caught."""

from jobs.events_told import JOB

from headrace.job import guard, run

if __name__ == "__main__":
    guard._EXPECTED = ()
    run(JOB)
