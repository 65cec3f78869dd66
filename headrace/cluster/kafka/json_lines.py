"""A file of JSON lines as records, read to its end before the first record is yielded.

A truncated file, or one that is not JSON lines, must be detected before any of it is in the topic. A pipe,
which can be read only once, is copied first.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, NoReturn, cast

from headrace.cluster.kafka.producer import Message
from headrace.errors import UsageError


class Line(NamedTuple):
    """A record and the number of its line, from 1."""

    number: int
    message: Message


@dataclass
class JsonLines:
    """A file that has been read once and is valid."""

    path: Path
    file: IO[bytes]
    key: str | None
    as_is: bool
    lines: int = 0
    empty: int = 0
    """Empty lines, which are not records."""

    def __iter__(self) -> Iterator[Line]:
        """The lines that are not empty, byte for byte, without line ends."""
        self.file.seek(0)
        for number, value in _numbered(islice(self.file, self.lines), self.path):
            if value:
                yield Line(number, Message(value, _key(value, self.key) if self.key else None))


@contextmanager
def json_lines(path: Path, *, key: str | None = None, as_is: bool = False) -> Iterator[JsonLines]:
    """Open the file and read it to its end.

    Args:
        path: the file, or a pipe; compressed with gzip if its name ends in ``.gz``.
        key: a field of the objects whose value becomes the record's key.
        as_is: also accept lines that are not JSON objects.

    Raises:
        UsageError: the file cannot be read or holds no record, or a line is not an object (with that field).
    """
    with tempfile.TemporaryFile() as copy:
        file = JsonLines(path, _open(path, cast("IO[bytes]", copy)), key, as_is)
        with file.file:
            _check(file)
            yield file


def _open(path: Path, copy: IO[bytes]) -> IO[bytes]:
    """The file's lines, opened so that they can be read twice."""
    try:
        file: IO[bytes] = path.open("rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            with file:
                shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
    except OSError as e:
        raise _unreadable(path, e) from e
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file


def _check(file: JsonLines) -> None:
    for number, value in _numbered(file.file, file.path):
        file.lines = number
        file.empty += not value
        if value and not (file.as_is and file.key is None):
            _check_line(value, file, f"{file.path}:{number}")
    if file.lines == file.empty:
        raise UsageError("the file holds no records", where=str(file.path), remedy="check what wrote it")


def _check_line(value: bytes, file: JsonLines, where: str) -> None:
    try:
        fields = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        remedy = "write one object per line (jq -c); to send a broken record on purpose: --as-is"
        raise UsageError("the line is not a JSON object; nothing was sent", where=where, remedy=remedy)
    if file.key is not None and file.key not in fields:
        what = f"the line has no field {file.key!r}; nothing was sent"
        raise UsageError(what, where=where, remedy="omit --key, or name a field of every record")


def _no_number(text: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``, which Python would accept."""
    raise ValueError(text)


def _numbered(lines: Iterator[bytes] | IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        for number, line in enumerate(lines, 1):
            yield number, line.rstrip(b"\r\n")
    except (OSError, EOFError) as e:
        raise _unreadable(path, e) from e


def _unreadable(path: Path, error: Exception) -> UsageError:
    return UsageError(f"the file cannot be read: {error}", where=str(path), remedy="nothing was sent")


def _key(line: bytes, field: str) -> bytes:
    value = json.loads(line)[field]
    return (value if isinstance(value, str) else json.dumps(value)).encode()
