"""Reads YAML so that nothing is guessed and every problem has a line number.

Plain ``yaml.safe_load`` expands aliases (306 bytes became 387 million nodes), keeps the last of two equal
keys, reads ``NO`` as false and ``1.10`` as 1.1, and loses line numbers. Here the first three are errors, and
numbers are exact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from headrace.errors import ContractError

MAX_BYTES = 262_144
MAX_DEPTH = 24

Key = str | int
Path = tuple[Key, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times faster
_YAML_1_1 = yaml.SafeLoader("")
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass
class Document:
    """The file's content as plain values, the line of each, and the problems found so far.

    Args:
        name: the file's name in messages.
        data: dicts, lists, strings, booleans, ints, and :class:`~decimal.Decimal` for other numbers.
        lines: the line of every value, by its path; where it has a key, the line of the key.
    """

    name: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[ContractError] = field(default_factory=list)

    def line(self, path: Sequence[Any]) -> int:
        """The line of the value at that path, or of the nearest one around it."""
        at = tuple(path)
        while at not in self.lines and at:
            at = at[:-1]
        return self.lines.get(at, 1)

    def problem(self, path: Sequence[Any], what: str, remedy: str) -> None:
        """Record an error and continue, so that one run reports all of them."""
        where = f"{self.name}:{self.line(path)}"
        self.problems.append(ContractError(what, where=where, remedy=remedy))


def parse(raw: bytes, name: str) -> Document:
    """Read one YAML document whose root is a mapping.

    Raises:
        ContractError: it is not, or it uses a forbidden feature of YAML; ``where`` has the line.
    """
    if len(raw) > MAX_BYTES:
        raise ContractError(
            f"the file has {len(raw):,} bytes; a contract has at most {MAX_BYTES:,}",
            where=f"{name}:1",
            remedy="one contract describes one topic and one table: split it",
        )
    return _DocumentBuilder(name).read(_decoded(raw, name))


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as e:
        line = raw[: e.start].count(b"\n") + 1
        raise ContractError("the file is not UTF-8", where=f"{name}:{line}", remedy="save it as UTF-8") from e


@dataclass
class _Open:
    """A mapping or list that has started and not ended."""

    value: Any
    path: Path
    key: str | None = None
    key_line: int = 0


class _DocumentBuilder:
    """Builds values from parser events, without recursion, so that no file can exhaust the stack."""

    def __init__(self, name: str) -> None:
        self.document = Document(name)
        self._open: list[_Open] = []
        self._documents = 0

    def read(self, text: str) -> Document:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except yaml.MarkedYAMLError as e:
            mark = e.problem_mark or e.context_mark
            self._fail(mark, f"not YAML: {e.problem or e.context}", "correct the syntax")
        except yaml.YAMLError as e:
            self._fail(None, f"not YAML: {e}".split("\n", maxsplit=1)[0], "remove the character")
        if not isinstance(self.document.data, dict):
            self._fail(None, "a contract is one mapping of keys", "begin with apiVersion, kind, id, version")
        return self.document

    def _take(self, event: Any) -> None:
        self._refuse(event)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, self._place(value, event)))
            if len(self._open) > MAX_DEPTH:
                self._fail(event.start_mark, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)

    def _refuse(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._fail(
                    event.start_mark, "a second document begins", "write one contract per file: remove ---"
                )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._fail(event.start_mark, "anchors and aliases are not allowed", "write the value out")
        # A quoted scalar may carry the tag "!", which adds nothing to its quotes.
        if getattr(event, "tag", None) not in (None, "!"):
            self._fail(event.start_mark, f"the tag {event.tag} is not allowed", "write a plain value")

    def _scalar(self, event: Any) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            if event.value in top.value:
                first = self.document.lines[(*top.path, event.value)]
                what = f"the key {event.value!r} appears twice, first in line {first}"
                self._fail(event.start_mark, what, "remove one of them")
            top.key, top.key_line = event.value, event.start_mark.line + 1
        else:
            self._place(self._value(event), event)

    def _place(self, value: Any, event: Any) -> Path:
        """Store a value at the parser's position and return its path."""
        line = event.start_mark.line + 1
        if not self._open:
            path: Path = ()
            self.document.data = value
        else:
            top = self._open[-1]
            if isinstance(top.value, list):
                path = (*top.path, len(top.value))
                top.value.append(value)
            elif top.key is None:
                self._fail(event.start_mark, "a key is a mapping or a list", "write a plain key")
            else:
                path, line = (*top.path, top.key), top.key_line
                top.value[top.key] = value
                top.key = None
        self.document.lines[path] = line
        return path

    def _value(self, event: Any) -> Any:
        """The value of a scalar: a plain one only where all YAML versions agree; quoted ones are strings."""
        text = event.value
        if not event.implicit[0]:
            return text
        old = _YAML_1_1.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]  # type: ignore[no-untyped-call]  # types-PyYAML leaves it out
        if text.lower() in _WORDS and old in ("null", "bool"):
            return _WORDS[text.lower()]
        if _NUMBER.fullmatch(text) and old in ("int", "float"):
            return int(text) if _INTEGER.fullmatch(text) else Decimal(text)
        if old != "str" or _NUMBER.fullmatch(text):
            what = f"{text} is read as a string by some YAML readers and as something else by others"
            self._fail(event.start_mark, what, f"put it in quotes: '{text}'")
        return text

    def _fail(self, mark: Any, what: str, remedy: str) -> Any:
        line = mark.line + 1 if mark else 1
        raise ContractError(what, where=f"{self.document.name}:{line}", remedy=remedy)
