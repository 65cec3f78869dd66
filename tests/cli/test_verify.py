"""``headrace verify TABLE`` proves the given table, or reports that it cannot, and exits 1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from deltalake import DeltaTable

from headrace import settings
from headrace.cli.main import main
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import DONE
from headrace.operate import Workspace
from headrace.settings import Store
from headrace.storage.warehouse import connect
from headrace.verify.topic_scan import Extent, OnOffsets
from tests.cli.derived_lake import OUTPUTS, TOPIC, Lake, Rows, done
from tests.stack.submitting import look_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setenv("HEADRACE_PROJECT", str(ROOT))
    store = f"file://{tmp_path}/lake"
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", store)
    look_in(str(ROOT))
    yield Lake(connect(Store(warehouse=store)))
    look_in(str(ROOT))


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Any:
    """``headrace verify`` in this process."""

    def run_verify(*arguments: str) -> Result:
        try:
            with pytest.raises(SystemExit) as exited:
                main(["verify", *arguments], Workspace(settings.load(), scan=lambda _topic: Topic()))
        finally:
            structlog.reset_defaults()
        captured = capsys.readouterr()
        return Result(int(exited.value.code or 0), captured.out, captured.err)

    return run_verify


THREE: Rows = {
    "flights_deduplicated": [0, 2],
    "flights_retries": [1],
    "flights_conflicts": [3],
    "flights_deduplicated__late": [4],
}


@pytest.mark.parametrize("table", OUTPUTS["flights_deduplicated"])
def test_tables_that_count_the_same_rows_are_proved_and_named_together(
    lake: Lake, verify: Any, table: str
) -> None:
    lake.derived("flights_deduplicated", THREE)
    result = verify(table)
    assert (result.code, result.err) == (0, "")
    others = [n for n in OUTPUTS["flights_deduplicated"] if n != table]
    assert f"verified {table}, together with {' and '.join(others)}:" in result.out
    assert (
        "each of 6 rows read from flights has exactly one home: 2 counted in flights_deduplicated,"
        " 1 counted in flights_retries, 1 counted in flights_conflicts, 1 late, 1 that the watermark"
    ) in result.out
    assert "counts a row is not checked" in result.out
    answer = verify(table, "-o", "json").json
    assert (answer["table"], answer["job"], answer["verdict"]) == (table, "flights_deduplicated", "proved")
    assert answer["counted_in"] == {n: len(THREE[n]) for n in OUTPUTS["flights_deduplicated"][:3]}


def test_a_row_missing_from_the_second_output_is_reported_when_that_is_verified(
    lake: Lake, verify: Any
) -> None:
    lake.derived("flights_deduplicated", {**THREE, "flights_retries": []})
    result = verify("flights_retries")
    assert result.code == 1
    assert "flights_retries, batch 1: rows read are not rows counted plus rows late: 1 missing" in result.err
    assert "verified" not in result.out


@pytest.mark.parametrize(
    ("job", "table", "why", "proved"),
    [
        ("flights_measured", "flight_delays", "flight_delays.odcs", "flights_measured"),
        ("aircraft_rotation", "aircraft_rotation", "aircraft_rotation.odcs", ""),
        ("aircraft_rotation", "aircraft_rotation__late", "aircraft_rotation.odcs", ""),
        (
            "flights_enriched",
            "flights_enriched__late_weather",
            "late rows of",
            "flights_enriched",
        ),
    ],
)
def test_a_table_that_does_not_declare_what_it_counts_is_not_proved_by_another(
    lake: Lake, verify: Any, job: str, table: str, why: str, proved: str
) -> None:
    lake.derived(job, {job: range(6)})
    for arguments in ((table,), (table, "-o", "json")):
        result = verify(*arguments)
        assert (result.code, result.out) == (1, "")
        assert f"table {table} cannot be proved" in result.err
        assert why in result.err
        assert (f"`headrace verify {proved}` proves" in result.err) is bool(proved)
    assert json.loads(result.err)["error"] == "not_provable"


def test_the_first_output_beside_one_that_counts_nothing_is_proved(lake: Lake, verify: Any) -> None:
    lake.derived("flights_measured", {"flights_measured": [0, 1, 2, 3], "flights_measured__late": [4]})
    result = verify("flights_measured")
    assert result.code == 0
    assert (
        "verified flights_measured, together with flights_measured__late: each of 6 rows read" in result.out
    )
    assert "flight_delays" not in result.out


def test_missing_evidence_is_named_with_exit_code_1(lake: Lake, verify: Any) -> None:
    lake.derived("flights_deduplicated", THREE)
    lake.warehouse.delete("_flink/flights_deduplicated/s1/checkpoints/j/chk-1/_metadata")
    result = verify("flights_retries")
    assert result.code == 1
    assert "table flights_retries cannot be proved: no checkpoint of a published batch is kept" in result.err


def test_an_unpublished_table_cannot_be_proved(lake: Lake, verify: Any) -> None:
    assert lake
    result = verify("flights_conflicts")
    assert result.code == 1
    assert "table flights_conflicts cannot be proved: nothing was published yet" in result.err


def test_the_job_that_has_to_publish_first_is_named(lake: Lake, verify: Any) -> None:
    lake.derived("flights_deduplicated", THREE)
    lake.warehouse.delete("_headrace/flights/done/0000000001.json")
    result = verify("flights_retries")
    assert result.code == 1
    assert "table flights_retries cannot be proved: table flights was never published" in result.err
    assert "headrace run flights, if it is not running; then headrace publish flights" in result.err


@pytest.mark.parametrize(("name", "nearest"), [("flights_retrys", "flights_retries"), ("weather", "")])
def test_verifying_a_table_that_no_job_writes_is_a_usage_error(
    lake: Lake, verify: Any, name: str, nearest: str
) -> None:
    assert lake
    result = verify(name)
    assert result.code == 2
    assert (f"did you mean {nearest}?" if nearest else "there is no job 'weather'") in result.err


def test_an_unreadable_job_does_not_affect_others(
    lake: Lake, verify: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.derived("flights_deduplicated", THREE)
    for folder in ("contracts", "deploy", "sql", "udfs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "jobs").mkdir()
    shutil.copy(ROOT / "jobs/flights_deduplicated.py", tmp_path / "jobs")
    (tmp_path / "jobs/broken.py").write_text("raise ValueError\n")
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    look_in(str(tmp_path))
    assert verify("flights_retries").code == 0
    assert "broken.py" in verify("flight_delays").err


class Topic:
    """Six records, as a consumer would give them."""

    name = TOPIC

    def id(self) -> str:
        return "id"

    def scan(self, on_offsets: OnOffsets, _tick: Any) -> dict[int, Extent]:
        on_offsets(0, np.arange(6))
        return {0: Extent(0, 6)}


@pytest.mark.parametrize("table", ["flights", "flights__quarantine"])
def test_a_quarantine_is_proved_with_its_table(lake: Lake, verify: Any, table: str) -> None:
    lake.write("flights", "flights__quarantine", [])
    result = verify(table)
    assert (result.code, result.err) == (0, "")
    other = {"flights", "flights__quarantine"} - {table}
    assert f"verified {table}, together with {other.pop()}: every offset has exactly one home" in result.out
    assert verify(table, "-o", "json").json["table"] == table
    lake.write("flights", "flights__quarantine", [5])
    result = verify(table)
    assert result.code == 1
    assert f"{table}, batch 1: not every offset has exactly one home: 1 doubled" in result.err


def test_a_newer_batch_without_rows_is_named(lake: Lake, verify: Any) -> None:
    lake.write("flights", "flights__quarantine", [])
    assert "newer" not in verify("flights").out
    Ledger(lake.warehouse, "flights").put(DONE, 2, done(["flights"], {0: 6}))
    result = verify("flights").out
    assert "against batch 1" in result
    assert "batch 2 is newer, and changed no table" in result


@pytest.mark.usefixtures("lake")
def test_every_table_of_the_project_is_answered_for(verify: Any) -> None:
    """No table is mistaken for another: before anything is published, each is reported itself."""
    for table in [name for names in OUTPUTS.values() for name in names]:
        result = verify(table)
        assert (result.code, f"table {table} cannot be proved" in result.err) == (1, True), result


def test_a_table_is_opened_as_its_batch_left_it(lake: Lake, verify: Any) -> None:
    lake.derived("flights_deduplicated", THREE)
    lake.write("flights_deduplicated", "flights_retries", [1])
    assert DeltaTable(lake.warehouse.table_uri("flights_retries")).version() == 1
    result = verify("flights_retries")
    assert result.code == 1
    assert "1 too many" in result.err
