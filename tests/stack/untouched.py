"""Compares what was sent with the tables (G4): the same values, or quarantine with the same bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from headrace.contract.column_type import ColumnType, DecimalType, IntegerType, TimestampType
from headrace.contract.model import Column
from headrace.read.tables import open_table
from tests.stack.road import Position, Road

Row = dict[str, Any]


def assert_untouched(road: Road, sent: Mapping[Position, bytes]) -> None:
    """Each record is in data with its values, or in quarantine with a reason and its bytes; nothing else is.

    Whether a record that could have been data is in quarantine is not judged here.
    """
    data, quarantine = _rows(road, "events"), _rows(road, "events__quarantine")
    wrong = [
        f"{at[0]}:{at[1]}: sent {sent.get(at)!r}; {change}"
        for at in sorted({*sent, *data, *quarantine})
        if (change := _changed(road.contract.columns, sent.get(at), data[at], quarantine[at]))
    ]
    assert not wrong, "\n".join(wrong)


def _rows(road: Road, output: str) -> defaultdict[Position, list[Row]]:
    table = open_table(road.warehouse, output)
    assert table is not None, f"table {output} is not there"
    rows = defaultdict(list)
    for row in table.to_pyarrow_table().to_pylist():
        rows[row["_partition"], row["_offset"]].append(row)
    return rows


def _changed(
    columns: Sequence[Column], sent: bytes | None, data: Sequence[Row], quarantine: Sequence[Row]
) -> str:
    """What differs in the tables for one record; empty where it is untouched."""
    if sent is None or len(data) + len(quarantine) != 1:
        return f"{len(data)} rows in data, {len(quarantine)} in quarantine"
    return _changed_in_data(columns, sent, data[0]) if data else _changed_in_quarantine(sent, quarantine[0])


def _changed_in_quarantine(sent: bytes, row: Row) -> str:
    kept = row["payload"] == sent and row["reason"]
    return "" if kept else f"quarantine holds {row['payload']!r}, reason {row['reason']!r}"


def _changed_in_data(columns: Sequence[Column], sent: bytes, row: Row) -> str:
    held = {c.name: row[c.name] for c in columns}
    try:
        document = _document(sent)
        meant = {c.name: _meant(c, document.get(c.name)) for c in columns}
    except ValueError as e:
        return f"data holds {_shown(held)}, although {e}"
    changed = {name: value for name, value in held.items() if value != meant[name]}
    return f"data holds {_shown(changed)}" if changed else ""


def _document(sent: bytes) -> dict[str, Any]:
    """The bytes as one JSON object; numbers keep all their digits."""
    document = json.loads(sent.decode(), parse_float=Decimal, object_pairs_hook=_each_name_once)
    if not isinstance(document, dict):
        raise ValueError("no object was sent")  # noqa: TRY004 - as every other fault of a payload
    return document


def _each_name_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def _meant(column: Column, sent: Any) -> Any:
    return None if sent is None else _MEANT[type(column.type)](sent)


def _whole(sent: Any) -> int:
    if type(sent) is not int:  # True is an int too
        raise ValueError(f"{sent!r} is not a whole number")
    return sent


def _number(sent: Any) -> Decimal:
    """Text that is a number is that number: producers send it so that no reader turns it into a double."""
    value = json.loads(sent, parse_float=Decimal) if isinstance(sent, str) else sent
    if type(value) not in (int, Decimal):
        raise ValueError(f"{sent!r} is not a number")
    return Decimal(value)


def _moment(sent: Any) -> datetime:
    """Unlike ``fromisoformat``, ``strptime`` refuses a seventh digit instead of cutting it off."""
    fraction = ".%f" if "." in str(sent) else ""
    return datetime.strptime(str(sent), f"%Y-%m-%dT%H:%M:%S{fraction}%z")


_MEANT: dict[type[ColumnType], Callable[[Any], Any]] = {
    IntegerType: _whole,
    DecimalType: _number,
    TimestampType: _moment,
}
"""The types of columns that the events contract has."""


def _shown(held: Row) -> str:
    return ", ".join(f"{name} = {value}" for name, value in held.items())
