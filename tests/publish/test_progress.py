"""When a fork has come as far as the branch."""

import pytest

from headrace.publish.progress import Progress

BRANCH = Progress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}, {"hourly": 100})


@pytest.mark.parametrize(
    ("fork", "covers"),
    [
        (Progress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}, {"hourly": 100}), True),
        (Progress({"flights": {0: 11, 1: 20}, "weather": {0: 9}}, {"hourly": 101}), True),
        (Progress({"flights": {0: 10, 1: 19}, "weather": {0: 5}}, {"hourly": 100}), False),
        (Progress({"flights": {0: 10}, "weather": {0: 5}}, {"hourly": 100}), False),
        (Progress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}, {"hourly": 99}), False),
        (Progress({"flights": {0: 10, 1: 20}, "weather": {0: 5}}), False),
        (Progress({"flights": {0: 10, 1: 20}, "weather": {}}, {"hourly": 100}), True),
        (Progress({"flights": {}, "weather": {}}, {"hourly": 100}), False),
        (Progress(), False),
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
def test_a_fork_covers_a_branch(fork: Progress, *, covers: bool) -> None:
    assert fork.covers(BRANCH) is covers
