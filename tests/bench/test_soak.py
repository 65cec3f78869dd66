"""What the soak believes must itself be right: where each record lies, and what a mixture looks like."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from bench.load import Sequence
from bench.reader import Seen, judged

FLIGHTS = [json.dumps({"distance": 100 * (1 + n % 9)}).encode() for n in range(70)]
FIRST = {0: 10, 1: 0}


@pytest.mark.parametrize("sent", [4, 999, 4_003])
def test_a_position_determines_the_record_sent_there(sent: int) -> None:
    sequence = Sequence(4, FLIGHTS)
    lies: dict[int, list[int]] = defaultdict(list)
    for k in range(1, sent + 1):
        record = sequence.record(k)
        lies[k % 4].append(0 if record == b"{" else json.loads(record)["distance"])
    for partition, distances in lies.items():
        assert sequence.end(partition, sent) == len(distances)
        assert sequence.distances(partition, 0, len(distances)).tolist() == distances
        assert sequence.distances(partition, 3, len(distances)).tolist() == distances[3:]


def look(least: dict[int, int], last: int = 700) -> list[Seen]:
    """A table that holds, by partition, what has a greater distance than this."""
    sequence, seen = Sequence(2, FLIGHTS), []
    for partition, first in FIRST.items():
        held = [d for d in sequence.distances(partition, first, last).tolist() if d > least[partition]]
        seen.append(Seen(partition, len(held), last - 1, sum(d <= 500 for d in held)))
    return seen


def test_a_look_is_wrong_or_right_as_a_whole_and_else_mixed() -> None:
    sequence = Sequence(2, FLIGHTS)
    whole, half = look({0: 0, 1: 0}), look({0: 0, 1: 500})
    assert judged(look({0: 500, 1: 500}), sequence, FIRST, 500) == "wrong"
    assert judged(whole, sequence, FIRST, 500) == "right"
    assert judged(half, sequence, FIRST, 500) == "mixed"
    lacking = Seen(whole[0].partition, whole[0].rows - 1, whole[0].last, whole[0].short)
    assert judged([lacking, whole[1]], sequence, FIRST, 500) == "mixed"
