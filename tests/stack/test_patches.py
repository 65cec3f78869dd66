"""Records that were refused, or that Kafka no longer has, are added by one batch, with one home each."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.operate.parts import judge
from tests.stack.client import FlinkClient
from tests.stack.json_output import run_json
from tests.stack.road import Road, event, every
from tests.stack.runbook import steps

MakeRoad = Callable[..., Road]
ZEROS, NESTED, BROKEN = range(20, 30), range(40, 46), range(60, 63)


@pytest.fixture
def strict(
    make_road: MakeRoad,
    project: Path,
    tmp_path: Path,
    compiled_by_client: None,  # noqa: ARG001 - it is set
) -> Road:
    """A road of 200 published records, of which 19 are refused; the contract allows an amount of 0 since."""
    own = tmp_path / "project"
    shutil.copytree(project, own, symlinks=True)
    road = make_road(project=own)
    wrong = {n: event(n, "0") for n in ZEROS}
    wrong |= {n: json.dumps({**json.loads(event(n)), "amount": {"usd": 1.5}}).encode() for n in NESTED}
    wrong |= dict.fromkeys(BROKEN, b"{broken")
    road.submit()
    road.send([wrong.get(n, event(n)) for n in range(200)])
    road.publish_until(200)
    assert len(road.rows("events__quarantine")) == 19
    contract = own / "contracts/events.odcs.yaml"
    lenient = contract.read_text().replace("amount > 0", "amount >= 0")
    contract.write_text(lenient.replace("version: 1.0.0", "version: 1.1.0"))
    road.headrace("plan", road.job, "--accept")
    return road


def test_refused_records_are_redriven_as_the_runbook_says(strict: Road, client: FlinkClient) -> None:
    road, words = strict, {"flights": strict.job, "distance_is_positive": "amount_is_positive"}
    words |= {"repairs.flights.number": "repairs.events.number"}
    before = road.ledger.head()
    redrive, *rest = steps("a-contract-was-too-strict", 0, words)
    held = run_json(road, *redrive)
    assert (held["state"], held["records"], held["rows"]["events"], held["refused"]) == ("judged", 10, 10, [])
    assert road.ledger.head() == before, "it is only judged"
    road.submit_by = client  # one by `flink run` is enough
    for step in rest:
        road.headrace(*step)
    assert road.homes() == every({0: 200})
    assert len(road.rows("events__quarantine")) == 9
    assert road.ledger.head().frontier == before.frontier

    mended, discard, ls = steps("a-contract-was-too-strict", 1, words)
    done = run_json(road, *mended)
    assert (done["state"], done["rows"]["events"], done["refused"]) == ("published", 6, [])
    by = road.rows("events", ("_offset", "_repaired_by"))
    assert [(o, who) for o, who in by if who] == [(n, "repairs.events.number (redrive 2)") for n in NESTED]
    assert run_json(road, *discard)["records"] == 3
    assert "discarded" in road.headrace(*ls)
    assert [(bad["count"], bad["discarded"]) for bad in run_json(road, *ls)] == [(3, 3)]
    refused = road.headrace("quarantine", "redrive", road.job, "--why", "again", expect=2)
    assert "all 3 of these records are discarded" in refused
    assert road.verified()["verdict"] == "proved"

    road.produce(range(200, 400), partition=0)
    road.publish_until(400)
    run_json(road, "patch", "rollback", road.job, "2", "--why", "test")
    assert len(road.rows("events__quarantine")) == 9
    assert road.verified()["verdict"] == "proved", "after the rollback, with what was published meanwhile"


@pytest.mark.usefixtures("by_client")
def test_a_killed_redrive_continues_and_names_what_is_refused_again(
    strict: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = strict

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(judge, "check_and_record_judged", killed)
        road.headrace("quarantine", "redrive", road.job, "--why", "all of them", expect=130)
    assert road.homes() == every({0: 200})
    done = run_json(road, "patch", "apply", road.job, "1")
    assert (done["records"], done["rows"]["events"]) == (19, 10)
    reasons = {r["reason"]: (r["count"], r["example"]) for r in done["refused"]}
    assert reasons == {"wrong_type": (6, "0:40"), "malformed_json": (3, "0:60")}
    assert run_json(road, "patch", "apply", road.job, "1")["batch"] == done["batch"], (
        "a second time changes nothing"
    )
    assert road.homes() == every({0: 200})
    kept = road.rows("events__quarantine", ("reason", "contract_version"))
    assert set(kept) == {("wrong_type", "1.0.0"), ("malformed_json", "1.0.0")}, "as they were"
    assert road.verified()["verdict"] == "proved"

    contract = road.project / "contracts/events.odcs.yaml"
    contract.write_text(contract.read_text().replace("amount >= 0", "amount >= -1"))
    output = road.headrace(
        "quarantine", "redrive", road.job, "--why", "an edit that nobody accepted", expect=3
    )
    assert "the job has changed since its lock was written" in output
    for wrong in (
        ("quarantine", "redrive", road.job),
        ("quarantine", "discard", road.job, "--why", "which?"),
        ("quarantine", "discard", road.job, "--why", "x", "--undo", "9"),
        ("quarantine", "redrive", road.job, "--why", "x", "--at", "zero"),
        ("patch", "apply", road.job, "7"),
        ("patch", "rollback", road.job, "1"),
        ("patch", "abort", road.job, "1", "--why", "it is in"),
        ("backfill", road.job, "s3://lake/nowhere.jsonl"),
    ):
        road.headrace(*wrong, expect=2)


@pytest.mark.usefixtures("by_client")
def test_rows_of_files_are_backfilled_as_the_runbook_says(make_road: MakeRoad, tmp_path: Path) -> None:
    road = make_road()
    lines = [event(n) for n in range(50)] + [b'{"id": 1}', b"", event(50, "0")]
    obstore.put(road.warehouse.objects, "incoming/day.jsonl", b"\n".join(lines) + b"\n")
    address = f"{road.warehouse.uri}/incoming/day.jsonl"
    words = {"flights": road.job, "s3://partner/2013-02-07.jsonl": address}
    backfill, *rest = steps("a-partners-file-came-late", 0, words)
    held = run_json(road, *backfill)
    assert (held["state"], held["records"], held["rows"]) == (
        "judged",
        53,
        {"events__quarantine": 3, "events": 50},
    )
    road.headrace(*backfill, expect=2)  # these very bytes were taken already
    road.submit()
    road.produce(range(100))
    road.publish_until(100)
    for step in rest:
        road.headrace(*step)
    rows = [(-1, n) for n in range(53)]
    assert road.homes() == sorted(rows + every({0: 50, 1: 50}))
    refused = road.rows("events__quarantine", ("_offset", "reason", "_topic"))
    assert [(o, r) for o, r, _ in refused] == [
        (50, "required_missing"),
        (51, "empty_payload"),
        (52, "rule_failed"),
    ]
    assert {topic for *_, topic in refused} == {address}

    parquet = tmp_path / "more.parquet"
    at = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    amounts = [Decimal("1.25"), Decimal(-1), None]
    table = pa.table({"id": [1, 2, 3], "at": [at] * 3, "amount": pa.array(amounts, pa.decimal128(6, 2))})
    pq.write_table(table, parquet)
    more = run_json(road, "backfill", road.job, str(parquet), "--why", "typed")
    assert (more["state"], more["rows"]) == ("published", {"events__quarantine": 1, "events": 2})
    proof = road.verified()
    counted = {p["partition"]: (p["records"], p["data"], p["quarantine"]) for p in proof["partitions"]}
    assert counted == {-2: (3, 2, 1), -1: (53, 50, 3), 0: (50, 50, 0), 1: (50, 50, 0)}

    run_json(road, "patch", "rollback", road.job, "2", "--why", "test")
    road.headrace(*steps("a-partners-file-came-late", 1, words)[0])
    assert road.homes() == every({0: 50, 1: 50})
    assert road.verified()["verdict"] == "proved"
    assert run_json(road, *backfill)["state"] == "judged", "an undone patch may be requested again"


@pytest.mark.usefixtures("by_client")
def test_a_range_of_the_topic_is_judged_again(strict: Road) -> None:
    road = strict
    plan = ("replay", "plan", road.job, "--from-offsets", "0:15", "--why", "zeros are right")
    road.headrace(*plan, "--to-offsets", "0:300", expect=2)  # not published
    road.headrace(*plan, "--to-offsets", "1:300", expect=2)  # another partition
    patch = run_json(road, *plan, "--to-offsets", "0:43")
    assert (patch["state"], patch["records"]) == ("requested", 28)
    run_json(road, "patch", "judge", road.job, "1")
    diff = run_json(road, "patch", "diff", road.job, "1")
    assert (diff["compared"], diff["moved"]) == (28, {"events__quarantine → events": 10})
    assert diff["changed"] == {}
    run_json(road, "patch", "apply", road.job, "1")
    assert run_json(road, "patch", "diff", road.job, "1")["moved"] == diff["moved"], (
        "available afterwards too"
    )
    assert road.homes() == every({0: 200})
    bad = road.rows("events__quarantine", ("_offset", "contract_version"))
    assert bad == [(n, "1.1.0" if n < 43 else "1.0.0") for n in [*NESTED, *BROKEN]]
    assert road.verified()["verdict"] == "proved"
    road.produce(range(200, 300), partition=0)
    assert road.publish_until(300).frontier == {0: 300, 1: 0}
