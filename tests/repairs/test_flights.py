"""What the project's own repairs change, and what they leave alone; and how a repair is found and called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headrace.errors import UsageError
from headrace.replay.repair import apply_repair, load_repair
from repairs.flights import number


@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        (b'{"distance":"1400","carrier":"12"}', b'{"distance":1400,"carrier":"12"}'),
        (b'{ "dep_delay" : "-3", "arr_delay": "0" }', b'{ "dep_delay" : -3, "arr_delay": 0 }'),
        (b'{"distance":"1,400"}', b'{"distance":"1,400"}'),
        (b'{"distance":"007"}', b'{"distance":"007"}'),
        (b'{"distance":1400}', b'{"distance":1400}'),
        (rb'{"note":"\"distance\":\"1\""}', rb'{"note":"\"distance\":\"1\""}'),
        (b"\xff", b"\xff"),
    ],
)
def test_numbers_that_were_sent_as_text(sent: bytes, mended: bytes) -> None:
    assert number(sent) == mended
    done = apply_repair(number, sent)
    assert (done.payload, done.changed, done.failed) == (mended, sent != mended, "")


def test_a_record_without_a_value_and_one_that_cannot_be_repaired_stay_as_they_are() -> None:
    assert apply_repair(number, None).payload is None
    done = apply_repair(lambda payload: bytes(int(payload)), b"a name")
    assert (done.payload, done.changed, done.failed) == (b"a name", False, "ValueError")
    assert apply_repair(lambda _payload: sys.exit(3), b"x").failed == "SystemExit"
    assert not apply_repair(lambda _payload: None, b"x").changed
    with pytest.raises(UsageError, match="gives a str"):
        apply_repair(lambda payload: payload.decode(), b"x")  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("udfs.delays.flag", "is not the address"),
        ("repairs.nowhere.fix", "no such file"),
        ("repairs.flights.nothing", "has no function nothing"),
        ("repairs.broken.fix", "the file raises SyntaxError"),
    ],
)
def test_what_is_no_repair_is_told(
    path: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repairs").mkdir()
    (tmp_path / "contracts").mkdir()
    (tmp_path / "repairs/broken.py").write_text("def fix(:")
    (tmp_path / "repairs/flights.py").write_text(
        (Path(__file__).parents[2] / "repairs/flights.py").read_text()
    )
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    with pytest.raises(UsageError, match=says):
        load_repair(path)
