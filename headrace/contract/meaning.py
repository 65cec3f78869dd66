"""What a contract means, as one digest: a version stands for one meaning, so an edit needs a new version.

Texts for people do not count: descriptions, purpose, owner, comments, and the reason why state may grow.
Nor does how many partitions the topic is made with: that is a size, and rows do not depend on it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from decimal import Decimal
from typing import Any

from headrace.contract.column_type import Bits, ColumnType, TypeVisitor
from headrace.contract.model import Contract

_NOT_MEANT = frozenset(
    {"version", "path", "digest", "description", "owner", "line", "text", "topic_partitions"}
)


def meaning(contract: Contract) -> str:
    """SHA-256 over all that a contract promises.

    What a contract does not say is left out, so that a property that a later headrace knows does not change
    the digest of contracts that lack it.
    """
    promises = {**_said(contract), "unbounded_state": bool(contract.unbounded_state)}
    del promises["kind"]  # it follows from the rest: a topic or a late policy
    return hashlib.sha256(json.dumps(promises, sort_keys=True).encode()).hexdigest()


def _said(value: Any) -> Any:
    """A value of the model as JSON has it."""
    if isinstance(value, ColumnType):
        return value.accept(_TypeFacts())
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {k: _said(v) for k, v in fields.items() if k not in _NOT_MEANT and _is_said(v)}
    if isinstance(value, tuple):
        return [_said(v) for v in value]
    if isinstance(value, Decimal):
        return str(value.normalize())  # 1.0 and 1 are one bound
    return value if isinstance(value, str | int | float) else str(value)


def _is_said(value: Any) -> bool:
    return not (value is None or value is False or value in ("", ()))


class _TypeFacts(TypeVisitor[dict[str, Any]]):
    """A type as JSON: locks hold digests over this very form, so it does not change."""

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
