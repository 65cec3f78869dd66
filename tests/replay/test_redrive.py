"""Why a redrive finds no records to judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.ledger.records import Refusal
from headrace.offsets import Span
from headrace.read.quarantine import Selection
from headrace.replay.redrive import _nothing_to_judge
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import CONTRACT, Lake, publish_two_batches

FIX = "repairs.events.fix"
FAILED = (Refusal(reason="repair_failed", field=None, rule="ValueError", count=3, example="0:25"),)


@pytest.mark.parametrize(
    ("at", "unrepaired", "message"),
    [
        (
            Span(0, 25, 29),
            FAILED,
            "repairs.events.fix failed on every record: 3 by ValueError, first at 0:25",
        ),
        (Span(0, 25, 27), (), "all 3 of these records are discarded"),
        (Span(0, 0, 9), (), "there are no such records in quarantine"),
    ],
)
def test_the_reason_for_nothing_to_judge_is_reported(
    tmp_path: Path, at: Span, unrepaired: tuple[Refusal, ...], message: str
) -> None:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    publish_two_batches(lake)
    refusal = _nothing_to_judge(lake.ledger, lake.contract, Selection(at=(at,)), FIX, unrepaired)
    assert refusal.what == message
