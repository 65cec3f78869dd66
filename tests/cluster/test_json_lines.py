"""Files as records: read to their end before anything is handed out."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from headrace.cluster.kafka.json_lines import json_lines
from headrace.cluster.kafka.producer import Message
from headrace.errors import UsageError


@pytest.mark.parametrize("name", ["lines.jsonl", "lines.jsonl.gz"])
def test_lines_are_taken_byte_for_byte(tmp_path: Path, name: str) -> None:
    raw = b'{"a": 1}\r\n\n  {"b": "\xc3\xa9"} \n{"a": 1, "a": 2}'
    file = tmp_path / name
    file.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)

    with json_lines(file) as found:
        assert (found.lines, found.empty) == (4, 1)
        assert list(found) == [
            (1, Message(b'{"a": 1}')),
            (3, Message(b'  {"b": "\xc3\xa9"} ')),
            (4, Message(b'{"a": 1, "a": 2}')),
        ]


def test_keys_are_texts_or_json(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text('{"k": "é"}\n{"k": 7}\n')

    with json_lines(file, key="k") as found:
        assert [message.key for _, message in found] == ["é".encode(), b"7"]


@pytest.mark.parametrize(
    "line",
    [
        b"{broken",
        b"[1]",
        b"42",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b"\xff",
        b"a;b",
        b'{"a": 1} {"a": 2}',
        b"[" * 9999,
    ],
)
def test_a_line_that_is_not_an_object_is_named(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b'{"a": 1}\n\n' + line + b"\n")

    with (
        pytest.raises(UsageError, match="the line is not a JSON object; nothing was sent") as refused,
        json_lines(file),
    ):
        pass

    assert refused.value.where == f"{file}:3"
    assert "--as-is" in refused.value.remedy


def test_broken_lines_can_be_sent_on_purpose(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"{broken \xff\n\n[]\n")

    with json_lines(file, as_is=True) as found:
        assert [message.value for _, message in found] == [b"{broken \xff", b"[]"]


def test_a_line_without_the_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text('{"k": 1}\n{"other": 1}\n')

    for as_is in (False, True):
        with (
            pytest.raises(UsageError, match="no field 'k'") as refused,
            json_lines(file, key="k", as_is=as_is),
        ):
            pass
        assert refused.value.where == f"{file}:2"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:-9])
    (tmp_path / "plain.gz").write_bytes(b"not packed")

    for name in ("absent", "cut.gz", "plain.gz"):
        with pytest.raises(UsageError, match="cannot be read"), json_lines(tmp_path / name):
            pass


@pytest.mark.parametrize("content", ["", "\n\r\n"])
def test_a_file_without_records_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "lines"
    file.write_text(content)

    with pytest.raises(UsageError, match="holds no records"), json_lines(file):
        pass


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'{"n": 1}\n' * 20_000,))
    writer.start()

    with json_lines(pipe) as found:
        assert sum(1 for _ in found) == found.lines == 20_000

    writer.join()
