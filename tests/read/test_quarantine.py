"""What was refused: counts, and single records whose bytes are shown as they came."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import typer
from deltalake import write_deltalake
from typer.testing import CliRunner

from headrace.cli import quarantine as command
from headrace.errors import UsageError
from headrace.offsets import Span
from headrace.read.quarantine import QuarantinedRecord, Selection, payloads, reasons, records
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parent.parent.parent
UTC = dt.timezone.utc
NOON = dt.datetime(2013, 1, 1, 12, tzinfo=UTC)


def row(minute: int, offset: int, reason: str, field: str | None, payload: bytes | None) -> dict[str, Any]:
    return {
        "payload": payload,
        "reason": reason,
        "field": field,
        "rule": "distance_is_positive" if reason == "rule" else None,
        "contract_version": "1.0.0",
        "_topic": "flights",
        "_partition": offset % 2,
        "_offset": offset,
        "_kafka_time": NOON + dt.timedelta(minutes=minute),
    }


def at(minute: int) -> dt.datetime:
    return NOON + dt.timedelta(minutes=minute + 1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    store = connect(Store(warehouse=f"file://{tmp_path}/lake"))
    written = [
        row(3, 7, "rule", "distance", b'{"distance": -1}'),
        row(1, 4, "malformed", None, b"\xff\xfe{"),
        row(2, 9, "rule", "distance", b'{"distance": 0}\x1b[31m'),
        row(4, 2, "it's", None, None),
    ]
    schema = pa.schema(
        {
            "payload": pa.binary(),
            **dict.fromkeys(("reason", "field", "rule", "contract_version", "_topic"), pa.string()),
            "_partition": pa.int32(),
            "_offset": pa.int64(),
            "_kafka_time": pa.timestamp("us", "UTC"),
        }
    )
    write_deltalake(store.table_uri("flights__quarantine"), pa.Table.from_pylist(written, schema))
    return store


def test_reasons_are_counted_with_the_oldest_as_the_example(warehouse: Warehouse) -> None:
    counts = reasons(warehouse, "flights", {("rule", "distance", "distance_is_positive"): 1})
    assert [(r.reason, r.field, r.rule, r.count, r.discarded, r.example) for r in counts] == [
        ("rule", "distance", "distance_is_positive", 2, 1, "1:9"),
        ("it's", None, None, 1, 0, "0:2"),
        ("malformed", None, None, 1, 0, "0:4"),
    ]
    assert (counts[0].to_json()["first"], counts[0].to_json()["last"]) == (
        "2013-01-01T12:02:00+00:00",
        "2013-01-01T12:03:00+00:00",
    )


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        (Selection(), ["0:4", "1:9", "1:7", "0:2"]),
        (Selection(reason="rule"), ["1:9", "1:7"]),
        (Selection(reason="it's"), ["0:2"]),
        (Selection(field="distance"), ["1:9", "1:7"]),
        (Selection(rule="distance_is_positive"), ["1:9", "1:7"]),
        (Selection(at=(Span(0, 4, 4),)), ["0:4"]),
        (Selection(at=(Span(1, 0, 8), Span(0, 0, 3))), ["1:7", "0:2"]),
        (Selection(at=(Span(1, 4, 4),)), []),
        (Selection(since=at(1), until=at(3)), ["1:9", "1:7"]),
        (Selection(reason="rule", since=at(2)), ["1:7"]),
        (Selection(reason="x' OR '1'='1"), []),
    ],
)
def test_records_are_found(warehouse: Warehouse, wanted: Selection, positions: list[str]) -> None:
    assert [r.position for r in records(warehouse, "flights", wanted)] == positions
    assert [r.position for r in records(warehouse, "flights", wanted, limit=1)] == positions[:1]
    payload_positions = [f"{p}:{o}" for _, _, p, o, _ in payloads(warehouse, "flights", wanted)]
    assert sorted(payload_positions) == sorted(positions)


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("year", [1500, 1969, 2263, 9999])
def test_a_time_that_no_record_has_is_refused(warehouse: Warehouse, name: str, year: int) -> None:
    wanted = Selection(**{name: dt.datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)})  # type: ignore[arg-type]
    with pytest.raises(
        UsageError, match=rf"{year}-12-31T23:59:59\+00:00 is not a time of a record"
    ) as refused:
        list(records(warehouse, "flights", wanted))
    assert "from 1970-01-01T00:00:00+00:00 to 2262-04-11T23:47:16.854000+00:00" in refused.value.what


@pytest.mark.parametrize("edge", [dt.datetime(1970, 1, 1, tzinfo=UTC), dt.datetime(2262, 4, 11, tzinfo=UTC)])
def test_the_edges_of_time_are_taken(warehouse: Warehouse, edge: dt.datetime) -> None:
    assert len(records(warehouse, "flights", Selection(since=edge))) == (4 if edge < NOON else 0)


def test_a_quarantine_that_was_never_published_is_said(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match="weather__quarantine was never published"):
        reasons(warehouse, "weather", {})


def refused(payload: bytes | None) -> QuarantinedRecord:
    return QuarantinedRecord("0:1", NOON, "malformed", None, None, "1.0.0", payload)


@pytest.mark.parametrize(
    ("payload", "limit", "text"),
    [
        (b'{"a":"\xc3\xbc\x1b[2J\n"}', 0, r'{"a":"ü\x1b[2J\n"}'),
        (b"\xff\x00", 0, "0xff00"),
        (b"abcdef", 4, "abcd … and 2 more bytes"),
        (b"abc\xc3\xbcd", 4, "abc … and 3 more bytes"),
        (b"\xff\xff\xff", 2, "0xffff … and 1 more byte"),
        (b"abc", 3, "abc"),
        (b"", 3, ""),
        (None, 3, "(no payload: a tombstone)"),
    ],
)
def test_a_payload_is_shown_escaped_and_cut(payload: bytes | None, limit: int, text: str) -> None:
    assert refused(payload).text(limit) == text


def test_a_payload_as_json() -> None:
    said = refused(b"abc\xc3\xbcd").to_json(4)
    assert (said["payload"], said["encoding"], said["bytes"], said["cut"]) == ("abc", "utf-8", 6, True)
    assert refused(b"\xff").to_json(0)["payload"] == "ff"
    assert refused(None).to_json(4)["payload"] is None


def ask(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, *args: str) -> Result:
    project = Path(warehouse.uri.removeprefix("file://")).parent
    for folder in ("contracts", "deploy/env"):
        (project / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "contracts/flights.odcs.yaml", project / "contracts")
    (project / "deploy/env/local.yaml").write_text(f"store: {{warehouse: '{warehouse.uri}'}}")
    monkeypatch.setenv("HEADRACE_PROJECT", str(project))
    for name in ("HEADRACE_ENV", "HEADRACE__STORE__WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["quarantine", *args])


def test_the_commands_answer_people_and_machines(
    monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse
) -> None:
    listed = ask(monkeypatch, warehouse, "ls", "flights").stdout
    assert (
        "distance_is_positive" in listed,
        "1:9" in listed,
        "4 records in quarantine, 3 reasons" in listed,
    ) == (True, True, True)
    counts = json.loads(ask(monkeypatch, warehouse, "ls", "flights", "-o", "json").stdout)
    assert [c["count"] for c in counts] == [2, 1, 1]
    shown = ask(monkeypatch, warehouse, "show", "flights", "--reason", "rule").stdout
    assert ('{"distance": 0}\\x1b[31m' in shown, "\x1b[31m" in shown, "2 records" in shown) == (
        True,
        False,
        True,
    )
    one = json.loads(ask(monkeypatch, warehouse, "show", "flights", "--at", "0:4", "-o", "json").stdout)
    assert [(r["position"], r["payload"], r["encoding"]) for r in one] == [("0:4", "fffe7b", "hex")]


@pytest.mark.parametrize("at", ["4", "0:", "a:1", "0:-1", "0:1:2", "\u0660:\u0661"])
def test_a_position_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, at: str
) -> None:
    refused = ask(monkeypatch, warehouse, "show", "flights", "--at", at).exception
    assert isinstance(refused, UsageError)
    assert refused.what == f"{at!r} is not a position"
