"""SQL over published tables: what may be asked, what is refused, and how values are said."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import typer
from deltalake import write_deltalake
from typer.testing import CliRunner

from headrace.cli import query as command
from headrace.errors import NeverPublishedError, UsageError
from headrace.read.query import published_names, query
from headrace.read.text import escaped, readable, to_json, to_text
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect

if TYPE_CHECKING:
    from click.testing import Result

NAMES = published_names(["flights", "weather"])
UTC = dt.timezone.utc


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    store = connect(Store(warehouse=f"file://{tmp_path}/lake"))
    rows = {
        "carrier": ["AA", "UA", None],
        "scheduled": pa.array([dt.datetime(2013, 1, 1, 5, 15, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
        "fare": pa.array([Decimal("1.20"), Decimal("-3.00"), None], pa.decimal128(9, 2)),
        "day": [dt.date(2013, 1, 1), dt.date(2013, 1, 2), dt.date(2013, 1, 2)],
    }
    write_deltalake(store.table_uri("flights"), pa.table(rows), partition_by=["day"])
    bad = pa.table({"payload": [b"\xff\x00"], "_partition": [0]})
    write_deltalake(store.table_uri("flights__quarantine"), bad)
    return store


def rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return list(query(warehouse, NAMES, sql).rows)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT carrier FROM flights ORDER BY carrier LIMIT 1", [("AA",)]),
        ("select count(*) from flights where day = '2013-01-02'", [(2,)]),
        (
            "WITH flights AS (SELECT * FROM flights WHERE carrier = 'UA') SELECT fare FROM flights",
            [(Decimal("-3.00"),)],
        ),
        ("WITH few AS (SELECT 1 AS n) SELECT n FROM few UNION ALL SELECT 2 ORDER BY 1", [(1,), (2,)]),
        ("SELECT count(*) FROM flights f JOIN flights__quarantine q ON q._partition = 0", [(3,)]),
        ("SELECT max(value) FROM generate_series(1, 3)", [(3,)]),
        ("SELECT to_timestamp_nanos(1357016400000000001)", [(dt.datetime(2013, 1, 1, 5),)]),  # noqa: DTZ001
        ("SELECT carrier FROM flights WHERE 1 = 2;", []),
    ],
)
def test_what_can_be_asked(warehouse: Warehouse, sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows(warehouse, sql) == expected


CARRIER = "there is no column carier; did you mean carrier?"
OF_FLIGHTS = "columns there: carrier, fare, scheduled, day"


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT carier FROM flights", f"table flights: {CARRIER}\n  → {OF_FLIGHTS}"),
        ("SELECT count(*) FROM flights GROUP BY carier", f"table flights: {CARRIER}\n  → {OF_FLIGHTS}"),
        (
            "SELECT f.carier FROM flights f",
            f"table f: there is no column f.carier; did you mean carrier?\n  → {OF_FLIGHTS}",
        ),
        (
            'SELECT "CARRIER" FROM flights',
            f"table flights: there is no column CARRIER; did you mean carrier?\n  → {OF_FLIGHTS}",
        ),
        (
            "SELECT zebra FROM flights__quarantine",
            "table flights__quarantine: there is no column zebra\n  → columns there: payload, _partition",
        ),
        (
            "SELECT q.payl FROM flights JOIN flights__quarantine q ON true",
            (
                "table q: there is no column q.payl; did you mean payload?\n  → columns there: payload,"
                " _partition"
            ),
        ),
        (
            "SELECT paylod FROM flights JOIN flights__quarantine q ON true",
            (
                "there is no column paylod; did you mean q.payload?\n  → columns there: q.payload,"
                " flights.day, q._partition, flights.scheduled, flights.fare, flights.carrier"
            ),
        ),
        (
            "WITH x AS (SELECT fare AS amount FROM flights) SELECT amunt FROM x",
            "table x: there is no column amunt; did you mean amount?\n  → columns there: amount",
        ),
    ],
)
def test_a_column_that_is_not_there_is_told_with_the_nearest(
    warehouse: Warehouse, sql: str, says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        query(warehouse, NAMES, sql)

    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM flihgts", "there is no table flihgts; did you mean flights?"),
        ('SELECT * FROM "Flights"', "there is no table Flights; did you mean flights?"),
        ("SELECT * FROM Flights", "there is no table Flights; did you mean flights?"),
        ("SELECT * FROM flights_quarantine", "did you mean flights__quarantine?"),
        ("SELECT * FROM zebras", "there is no table zebras\n"),
        ("SELECT cast(carrier AS INT) FROM flights", "Cannot cast"),
        ("SELEC carrier FROM flights", "only one SELECT|not SQL"),
        ("SELECT 'a", "not SQL"),
        ("", "only one SELECT"),
        ("SELECT 1; SELECT 2", "only one SELECT"),
    ],
)
def test_what_cannot_be_asked_names_the_tables_there_are(
    warehouse: Warehouse, sql: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        rows(warehouse, sql)
    assert "\x1b" not in str(caught.value)
    if message.startswith("there is no table"):
        assert "flights, flights__quarantine, weather, weather__quarantine" in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{path}'",
        "COPY flights TO '{path}' STORED AS CSV",
        "INSERT INTO flights SELECT * FROM flights",
        "DELETE FROM flights",
        "UPDATE flights SET carrier = 'x'",
        "DROP TABLE flights",
        "CREATE TABLE mine AS SELECT * FROM flights",
        "CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION '{path}'",
        "SELECT carrier INTO mine FROM flights",
        "WITH gone AS (DELETE FROM flights RETURNING *) SELECT * FROM gone",
        "SET datafusion.execution.target_partitions = 1",
        "EXPLAIN ANALYZE COPY flights TO '{path}'",
    ],
)
def test_nothing_is_written(warehouse: Warehouse, tmp_path: Path, sql: str) -> None:
    path = tmp_path / "written.csv"
    with pytest.raises(UsageError, match="only one SELECT"):
        rows(warehouse, sql.format(path=path))
    assert not path.exists()


def test_a_table_that_was_never_published_is_said(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match="weather__quarantine was never published") as caught:
        rows(warehouse, "SELECT * FROM weather__quarantine")
    assert isinstance(caught.value, NeverPublishedError)
    assert caught.value.table == "weather__quarantine"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.datetime(2013, 1, 1, 5, tzinfo=UTC), "2013-01-01T05:00:00+00:00"),
        (dt.date(2013, 1, 1), "2013-01-01"),
        (Decimal("0.0000001"), "0.0000001"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (b"\xff", "/w=="),
        ({"a": [Decimal(1), None, b""]}, {"a": ["1", None, ""]}),
        (True, True),
        (2**60, 2**60),
        ("ü", "ü"),
    ],
)
def test_values_as_json(value: Any, expected: Any) -> None:
    assert to_json(value) == expected
    json.dumps(to_json(value), allow_nan=False)


def test_nothing_from_a_table_can_move_the_cursor() -> None:
    assert to_text("a\x1b[2Jb\nc\\d") == r"a\x1b[2Jb\nc\\d"
    assert readable(b'{"a":1}') == '{"a":1}'
    assert readable(b"\xff\x00") == "0xff00"
    assert escaped("\u202eüber\u200b") == r"\u202eüber\u200b"
    assert (to_text(None), to_text([1, "x"])) == ("NULL", "[1, 'x']")


def ask(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, *args: str) -> Result:
    project = Path(warehouse.uri.removeprefix("file://")).parent
    for folder in ("contracts", "deploy/env"):
        (project / folder).mkdir(parents=True, exist_ok=True)
    (project / "contracts" / "flights.odcs.yaml").write_text("")
    (project / "deploy/env/local.yaml").write_text(f"store: {{warehouse: '{warehouse.uri}'}}")
    monkeypatch.setenv("HEADRACE_PROJECT", str(project))
    for name in ("HEADRACE_ENV", "HEADRACE__STORE__WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, list(args))


def test_the_command_answers_people_and_machines(
    monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse
) -> None:
    sql = "SELECT carrier, scheduled, fare FROM flights ORDER BY carrier LIMIT 1"
    text = ask(monkeypatch, warehouse, sql)
    assert ("2013-01-01T05:15:00+00:00" in text.stdout, "1 row" in text.stdout) == (True, True), text.output
    machine = ask(monkeypatch, warehouse, sql, "-o", "json")
    assert json.loads(machine.stdout) == [
        {"carrier": "AA", "scheduled": "2013-01-01T05:15:00+00:00", "fare": "1.20"}
    ]


def test_text_stops_at_a_hundred_rows_and_json_does_not(
    monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse
) -> None:
    sql = "SELECT '[red]' || value AS n FROM generate_series(1, 150)"
    text = ask(monkeypatch, warehouse, sql).stdout
    assert ("[red]100" in text, "[red]101" in text, "the first 100 rows; add LIMIT" in text) == (
        True,
        False,
        True,
    )
    assert len(json.loads(ask(monkeypatch, warehouse, sql, "-o", "json").stdout)) == 150


def test_json_does_not_lose_one_of_two_columns(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> None:
    sql = "SELECT a.carrier, b.carrier FROM flights a, flights b"
    refused = ask(monkeypatch, warehouse, sql, "-o", "json").exception
    assert isinstance(refused, UsageError)
    assert "two columns are called carrier" in str(refused)
