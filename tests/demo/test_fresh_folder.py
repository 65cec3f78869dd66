"""The demo begins in an empty folder and deletes nothing: a user's own data may lie in the former one."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.__main__ import _fresh_folder
from headrace.settings import LocalStack, Settings

FORMER = "stack-until-20260101T000000"


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    return Settings(stack=LocalStack(folder=str(tmp_path / "stack")))


def _own_data(folder: Path) -> None:
    (folder / "store").mkdir(parents=True)
    (folder / "store" / "mine").write_bytes(b"x" * 3_000_000)


def test_what_was_there_is_moved_aside_and_whatever_was_aside_is_kept(
    env: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _own_data(tmp_path / "stack")
    _own_data(tmp_path / FORMER)

    _fresh_folder(env)

    assert not (tmp_path / "stack").exists()
    kept = sorted(tmp_path.glob("stack-until-*"))
    assert len(kept) == 2
    assert kept[0].name == FORMER
    assert all((folder / "store" / "mine").stat().st_size == 3_000_000 for folder in kept)
    said = capsys.readouterr()
    assert "2 previous stacks kept, 6 MB in all; to remove: rm -rf stack-until-*" in said.err
    assert said.out == ""


def test_nothing_is_said_where_nothing_was(
    env: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _fresh_folder(env)

    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""
