"""Which derived tables were computed from rows that were replaced."""

from functools import partial
from pathlib import Path

import pytest

from headrace.job.assemble import load_program
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import DONE
from headrace.replay.stale import stale_tables
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.ledger.sample_records import done

PROJECT = Path(__file__).parents[1] / "stack/project"


def test_published_tables_of_jobs_that_read_the_topic_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.syspath_prepend(str(PROJECT))
    warehouse = connect(Store(warehouse=f"file://{tmp_path}/lake"))
    ledger_of = partial(Ledger, warehouse)
    assert stale_tables(load_program("events"), ledger_of) == ()
    ledger_of("events_by_hour").put(DONE, 1, done())
    assert stale_tables(load_program("events"), ledger_of) == ("events_by_hour",)
    assert stale_tables(load_program("events_by_hour"), ledger_of) == ()
