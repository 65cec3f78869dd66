"""``headrace init`` and ``new``: the first files of a project; existing files are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.remedies import Terminal


def test_a_project_and_one_more_pipeline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, shop = Terminal(capsys), tmp_path / "shop"

    code, output = terminal.type(f"init {shop} -o json")

    assert code == 0
    written = json.loads(output)["written"]
    assert {"README.md", "contracts/orders.odcs.yaml", "jobs/orders.py"} <= set(written)
    assert all((shop / path).is_file() for path in written)
    again, refused = terminal.type(f"init {shop}")
    assert again == 2
    assert "the folder is not empty" in refused

    monkeypatch.setenv("HEADRACE_PROJECT", str(shop))
    code, output = terminal.type("new payments")
    assert code == 0
    assert "headrace plan payments --accept" in output
    assert (shop / "contracts/payments.odcs.yaml").is_file()
    assert terminal.type("check payments")[0] == 0
