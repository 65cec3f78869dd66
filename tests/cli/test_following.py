"""``headrace plan`` refuses what a published table cannot follow, while the job still runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from deltalake import DeltaTable, Field
from deltalake.schema import PrimitiveType

from headrace import project
from headrace.cli.main import main
from headrace.contract.load import load_contract
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import Lake, publish_two_batches
from tests.stack.submitting import look_in

PROJECT = Path(__file__).parents[1] / "stack/project"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A project whose ingest job has published."""
    own = Path(shutil.copytree(PROJECT, tmp_path / "project", symlinks=True))
    store = f"file://{tmp_path}/lake"
    monkeypatch.setenv("HEADRACE_PROJECT", str(own))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", store)
    look_in(str(own))
    publishing_lake = Lake(connect(Store(warehouse=store)), load_contract("events"))
    publish_two_batches(publishing_lake)
    yield publishing_lake
    look_in(str(PROJECT))


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Any:
    """``headrace plan`` in this process: exit code, stdout, stderr."""

    def run_plan(*arguments: str) -> tuple[int, str, str]:
        try:
            with pytest.raises(SystemExit) as exited:
                main(["plan", *arguments])
        finally:
            structlog.reset_defaults()
        captured = capsys.readouterr()
        return int(exited.value.code or 0), captured.out, captured.err

    return run_plan


def unfolded(page: str) -> str:
    """A page whose long lines were folded."""
    return " ".join(page.split())


def add_a_column() -> None:
    path = project.contract_path("events")
    column = "      - name: added\n        logicalType: string\n"
    text = path.read_text().replace("    quality:\n", f"{column}    quality:\n")
    path.write_text(text.replace("version: 1.0.0", "version: 1.1.0"))


def test_plan_reports_that_no_table_conflicts(lake: Lake, plan: Any) -> None:
    code, out, err = plan("events")
    assert (code, err) == (0, "")
    assert f"compared with {lake.warehouse.uri}: nothing published or staged conflicts" in unfolded(out)
    tables = json.loads(plan("events", "-o", "json")[1])["tables"]
    assert tables == {"compared": True, "unreached": "", "misfits": []}


def test_a_contract_that_the_table_cannot_follow_is_not_accepted(lake: Lake, plan: Any) -> None:
    add_a_column()
    before = project.lock_path("events").read_text()
    code, out, err = plan("events", "--accept")
    assert (code, out) == (3, "")
    assert err.startswith(
        f"error: {lake.warehouse.uri}: table events: the published table cannot follow:"
        " added (missing in the table, string in the contract)\n  → put that back"
    )
    code, _, err = plan("events", "--accept", "-o", "json")
    assert (code, list(json.loads(err)["facts"]["tables"])) == (3, ["events"])
    assert project.lock_path("events").read_text() == before


def test_a_contract_that_staged_rows_cannot_follow_is_not_accepted(lake: Lake, plan: Any) -> None:
    """None of them is in a table yet, and no publisher could add them."""
    lake.seal(1, range(30, 33))
    add_a_column()
    code, _, err = plan("events", "--accept")
    assert code == 3
    assert "rows that claim 1 has staged are not published yet, and cannot follow: added" in err


def test_a_table_changed_by_another_program_is_named_even_if_the_lock_is_current(
    lake: Lake, plan: Any
) -> None:
    table = DeltaTable(lake.warehouse.table_uri("events"))
    table.alter.add_columns([Field("theirs", PrimitiveType("string"))])
    code, out, err = plan("events")
    assert code == 3
    assert "matches this job" in out
    assert "events cannot follow" in out
    assert "theirs (string in the table, missing in the contract)" in err


@pytest.mark.usefixtures("lake")
def test_without_a_warehouse_plan_reports_that_nothing_was_compared(
    plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", "s3://lake")
    monkeypatch.setenv("HEADRACE__STORE__ENDPOINT", "http://127.0.0.1:9")
    for key in ("access_key", "secret_key"):
        (tmp_path / key).write_text("any")
        monkeypatch.setenv(f"HEADRACE__STORE__{key.upper()}", f"file:{tmp_path / key}")
    code, out, err = plan("events")
    assert (code, err) == (0, "")
    assert "not compared with s3://lake; `run` and `publish` will compare them:" in unfolded(out)
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", "gs://lake")
    tables = json.loads(plan("events", "-o", "json")[1])["tables"]
    assert (tables["compared"], tables["misfits"]) == (False, [])
    assert "a warehouse is an s3:// address" in tables["unreached"], "nor where the address is wrong"
