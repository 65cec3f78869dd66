"""What the demo sends while its jobs run: counted, ended with what it runs beside, no error lost."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import count

import pytest

from demo.__main__ import _meanwhile
from headrace.errors import ClusterError

WITHIN_S = 60


def _counted(items: Iterable[int]) -> int:
    return sum(1 for _ in items)


def test_the_count_comes_when_all_is_sent() -> None:
    with _meanwhile(_counted, iter(range(7))) as sent:
        assert sent.result(WITHIN_S) == 7


def test_it_runs_beside_the_block() -> None:
    go_on = threading.Event()

    def send(items: Iterable[int]) -> int:
        assert go_on.wait(WITHIN_S)
        return _counted(items)

    with _meanwhile(send, iter(range(7))) as sent:
        assert not sent.done()
        go_on.set()
        assert sent.result(WITHIN_S) == 7


def test_its_error_is_the_one_that_is_told() -> None:
    def send(_items: Iterable[int]) -> int:
        raise ClusterError("a record was not accepted")

    with (
        pytest.raises(ClusterError, match="a record was not accepted"),
        _meanwhile(send, iter(range(7))) as sent,
    ):
        sent.result(WITHIN_S)


def test_what_fails_beside_it_ends_it() -> None:
    with pytest.raises(KeyError), _meanwhile(_counted, count()) as sent:
        raise KeyError

    assert sent.done()
