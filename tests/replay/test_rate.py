"""A job's speed is measured while it catches up; an idle job measures nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.ledger.records import CLAIMS, Claim
from headrace.replay.rate import rate
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import AT, CONTRACT, Lake, publish_two_batches

EVERY = timedelta(seconds=2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """All of its records have the Kafka time ``AT``."""
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def started(lake: Lake, days: int) -> int:
    """A submission this many days after the records were sent."""
    claim = Claim(
        submission="s1",
        restored_from=None,
        contract_version="1.0.0",
        at=(AT + timedelta(days=days)).isoformat(),
    )
    number = lake.ledger.append(CLAIMS, claim)
    lake.newest[number] = (0, None)
    return number


def test_records_that_were_waiting_measure_the_job(lake: Lake) -> None:
    job = started(lake, days=1)
    lake.seal(job, range(100))
    lake.seal(job, range(100, 300), bad=range(300, 310))
    lake.seal(job, range(0))
    lake.publish()
    lake.seal(job, range(310, 311))
    lake.publish()

    assert rate(lake.ledger, EVERY) == 310 // (2 * 2), "of three checkpoints two have rows"


def test_records_sent_while_the_job_runs_measure_the_sender(lake: Lake) -> None:
    job = started(lake, days=-1)
    lake.seal(job, range(4))
    lake.publish()
    lake.seal(job, range(4, 50))
    lake.publish()

    assert rate(lake.ledger, EVERY) == 0


def test_patches_and_swaps_measure_nothing(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    before = rate(lake.ledger, EVERY)
    lake.seal(fork, range(10, 3_000))
    lake.replace(number)
    lake.patcher().publish(lake.judge("redrive", range(26, 28)))

    assert rate(lake.ledger, EVERY) == before == 20 // (2 * 2)


def test_nothing_published_measures_nothing(lake: Lake) -> None:
    assert rate(lake.ledger, EVERY) == 0
