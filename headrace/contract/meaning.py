"""The meaning of a contract as one digest: a version has one meaning, so an edit needs a new version.

Texts for people do not count: descriptions, purpose, owner, comments, and the reason why state may grow.
Neither does the number of partitions with which the topic is created: rows do not depend on it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from headrace.contract.column_type import Bits, ColumnType, TypeVisitor
from headrace.contract.model import Contract

_NOT_MEANT = frozenset(
    {"version", "path", "digest", "description", "owner", "line", "text", "topic_partitions"}
)


def meaning(contract: Contract) -> str:
    """SHA-256 of everything that a contract promises.

    Properties that a contract does not set are left out, so that a property added by a later headrace does
    not change the digest of contracts without it.
    """
    promises = {**_as_json(contract), "unbounded_state": bool(contract.unbounded_state)}
    del promises["kind"]  # implied by the rest: a topic or a late policy
    return hashlib.sha256(json.dumps(promises, sort_keys=True).encode()).hexdigest()


def _as_json(value: Any) -> Any:
    """A value of the model as JSON."""
    if isinstance(value, ColumnType):
        return value.accept(_TypeFacts())
    if dataclasses.is_dataclass(value):
        return {k: _as_json(v) for k, v in _meant_fields(value)}
    if isinstance(value, tuple):
        return [_as_json(v) for v in value]
    if isinstance(value, Decimal):
        return str(value.normalize())  # 1.0 and 1 are the same bound
    return value if isinstance(value, str | int | float) else str(value)


def _meant_fields(value: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if field.name not in _NOT_MEANT and _is_set(getattr(value, field.name)):
            yield field.name, getattr(value, field.name)


def _is_set(value: Any) -> bool:
    return not (value is None or value is False or value in ("", ()))


class _TypeFacts(TypeVisitor[dict[str, Any]]):
    """A type as JSON. It must not change: locks hold digests of exactly this form."""

    def _facts(self, kind: str, bits: int = 0, precision: int = 0, scale: int = 0) -> dict[str, Any]:
        return {"kind": kind, "bits": bits, "precision": precision, "scale": scale}

    def string(self) -> dict[str, Any]:
        return self._facts("string")

    def integer(self, bits: Bits) -> dict[str, Any]:
        return self._facts("integer", bits=bits)

    def decimal(self, precision: int, scale: int) -> dict[str, Any]:
        return self._facts("decimal", precision=precision, scale=scale)

    def double(self) -> dict[str, Any]:
        return self._facts("double")

    def boolean(self) -> dict[str, Any]:
        return self._facts("boolean")

    def date(self) -> dict[str, Any]:
        return self._facts("date")

    def timestamp(self, scale: int) -> dict[str, Any]:
        return self._facts("timestamp", scale=scale)

    def binary(self) -> dict[str, Any]:
        return self._facts("binary")
