"""When a fork has progressed as far as the branch."""

import pytest

from headrace.publish.progress import JobProgress

BRANCH = JobProgress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}, {"hourly": 100})


@pytest.mark.parametrize(
    ("fork", "covers"),
    [
        (JobProgress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}, {"hourly": 100}), True),
        (JobProgress({"flights": {0: 11, 1: 20}, "weather": {0: 9}}, {"hourly": 101}), True),
        (JobProgress({"flights": {0: 10, 1: 19}, "weather": {0: 5}}, {"hourly": 100}), False),
        (JobProgress({"flights": {0: 10}, "weather": {0: 5}}, {"hourly": 100}), False),
        (JobProgress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}, {"hourly": 99}), False),
        (JobProgress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}), False),
        (JobProgress({"flights": {0: 10, 1: 20}, "weather": {}}, {"hourly": 100}), True),
        (JobProgress({"flights": {}, "weather": {}}, {"hourly": 100}), False),
        (JobProgress(), False),
    ],
    ids=[
        "as far",
        "farther",
        "behind",
        "a partition",
        "event time",
        "no event time",
        "not read now",
        "no",
        "new",
    ],
)
def test_a_fork_covers_a_branch(fork: JobProgress, *, covers: bool) -> None:
    assert fork.covers(BRANCH) is covers
