"""A derive job of the tests: Python functions of each kind, which fail for some records."""

from headrace.job import Derive, run

JOB = Derive(
    reads=["events"],
    functions={
        "spelled": "udfs.failing.spelled",
        "halved": "udfs.failing.halved",
        "counted": "udfs.failing.counted",
    },
    steps=["told", "all_ways"],
    writes=["events_told"],
    checkpoint_every="500ms",
)

if __name__ == "__main__":
    run(JOB)
