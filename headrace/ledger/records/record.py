"""What the records of the ledger have in common, and how one is read from its bytes.

Bytes are written once and never again, and a record's hash is that of its bytes as stored. So a model may
gain a field with a default: records that lack it still read, and every hash still holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from headrace.errors import LedgerError
from headrace.record import Record

R = TypeVar("R", bound="Record")
NAMED = 3
"""Wrong fields that an error names."""


class Numbered(Record):
    """A record under a number of its kind."""

    number: int = 0
    """Given by the ledger when it writes the record; 0 before that."""


@dataclass(frozen=True)
class Stored(Generic[R]):
    """A record as it was read, with the SHA-256 of its bytes: another record names it by that."""

    record: R
    digest: str

    @classmethod
    def of(cls, record: R, raw: bytes) -> Stored[R]:
        """The record that these bytes hold."""
        return cls(record, hashlib.sha256(raw).hexdigest())


@dataclass(frozen=True)
class RecordKind(Generic[R]):
    """Records of one form: the folder that holds them, and their model."""

    folder: str
    model: TypeAdapter[R]
    stamped: tuple[str, ...] = ()
    """Fields that the ledger fills when it writes a record. No stored one may lack them."""

    def write(self, record: R) -> bytes:
        """The bytes to be stored."""
        return self.model.dump_json(record)

    def read(self, raw: bytes, where: str) -> R:
        """The record that these bytes hold.

        Args:
            raw: the bytes as stored.
            where: their address, for the error.

        Raises:
            LedgerError: they do not fit the model; names the fields.
        """
        try:
            record = self.model.validate_json(raw)
        except ValidationError as e:
            raise misfit(self.folder, [f"{_field(x['loc'])}{x['msg']}" for x in e.errors()], where) from e
        if lacking := [name for name in self.stamped if name not in record.model_fields_set]:
            raise misfit(self.folder, [f"{name}: Field required" for name in lacking], where)
        return record


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def misfit(folder: str, wrong: list[str], where: str) -> LedgerError:
    """The error of a record that does not fit its model."""
    more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return LedgerError(
        f"a record of {folder} does not fit its model: {'; '.join(wrong[:NAMED])}{more}",
        where=where,
        remedy="if it was damaged, restore it from the bucket's versions; if another version of this"
        " program wrote it, use that one",
        fields=wrong,
    )
