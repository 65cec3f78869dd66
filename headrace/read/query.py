"""SQL over published tables, read only: DataFusion, with only the tables that the statement names."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlglot
from deltalake import QueryBuilder
from deltalake.exceptions import DeltaError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from headrace.errors import NeverPublishedError, UsageError
from headrace.read.tables import open_table, table_as_of
from headrace.read.values import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.storage.warehouse import Warehouse

DIALECT = "postgres"
"""The nearest to DataFusion's that sqlglot has; it finds table names, and what a statement does."""

SPOKEN = "The dialect is DataFusion SQL: https://datafusion.apache.org/user-guide/sql"

COLUMNS_SHOWN = 8
"""Of a table's columns, where one that it does not have was named: the nearest."""

ALIKE = 0.6
"""From this likeness on, a name may be the one that was meant: difflib's own bound."""

_NAME = r'(?:"[^"]*"|\w+)(?:\.(?:"[^"]*"|\w+))?'
"""A column as DataFusion writes it, with its table or without."""

WRITES = (exp.Into, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy, exp.DDL, exp.Command)


@dataclass(frozen=True)
class Answer:
    """A result that is still being read: its columns, and its rows as they come."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def published_names(topics: Sequence[str], derived: Sequence[str] = ()) -> list[str]:
    """The tables that contracts may have: their rows, and what was kept apart from them."""
    return [name for c in topics for name in (c, f"{c}__quarantine")] + [
        name for c in derived for name in (c, f"{c}__late")
    ]


def query(
    warehouse: Warehouse,
    names: Sequence[str],
    sql: str,
    *,
    version: int | None = None,
    moment: dt.datetime | None = None,
) -> Answer:
    """Run one SELECT over published tables.

    Args:
        warehouse: where the tables are.
        names: the tables that may be named.
        sql: one statement.
        version: the version of the one table that it names; the newest if None.
        moment: each table as readers saw it then.

    Raises:
        UsageError: it is not one SELECT, names an unknown table or column, or fails while it runs.
        ClusterError: the object store does not answer.
    """
    engine = QueryBuilder()
    wanted = _tables_in(_parse(sql, names), names)
    if version is not None and len(wanted) != 1:
        raise UsageError(
            f"version {version} of {', '.join(wanted) or 'no table'}: each table has versions of its own",
            remedy="name one table, or give a time: --at 2026-11-26T09:00",
        )
    for name in wanted:
        table = (
            open_table(warehouse, name, version) if moment is None else table_as_of(warehouse, name, moment)
        )
        if table is None:
            raise NeverPublishedError(name, where=warehouse.table_uri(name))
        engine.register(name, table)
    try:
        reader = pa.RecordBatchReader.from_stream(engine.execute(sql))
    except DeltaError as e:
        raise _query_error(e) from e
    return Answer(tuple(reader.schema.names), _rows(reader))


def _parse(sql: str, names: Sequence[str]) -> exp.Query:
    try:
        statements = [s for s in sqlglot.parse(sql, read=DIALECT) if s is not None]
    except SqlglotError as e:
        raise UsageError(f"this is not SQL: {_plain(str(e))}", remedy=SPOKEN) from e
    if len(statements) != 1 or not isinstance(statements[0], exp.Query) or statements[0].find(*WRITES):
        raise UsageError(
            "only one SELECT can be run: tables are written by publish and by nothing else",
            remedy=_example(sql, names),
        )
    return statements[0]


def _example(sql: str, names: Sequence[str]) -> str:
    """A SELECT that can be run, over a table that the statement names if it names one."""
    name = next((n for n in names if re.search(rf"\b{n}\b", sql)), names[0] if names else "")
    if not name:
        return _tables(names)
    return f'headrace query "SELECT * FROM {name} LIMIT 5"'  # noqa: S608 - only printed


def _tables_in(statement: exp.Query, names: Sequence[str]) -> list[str]:
    """The published tables that a statement names; a name of its own (WITH …) is not one of them."""
    own = {cte.alias for cte in statement.find_all(exp.CTE)}
    tables = set()
    for table in statement.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue  # a function of tables, like generate_series
        if table.name in names:  # case matters, as it does in this build of DataFusion
            tables.add(table.name)
        elif table.name not in own:
            what = f"there is no table {table.name}{_nearest(table.name, names)}"
            raise UsageError(what, remedy=_tables(names))
    return sorted(tables)


def _rows(reader: pa.RecordBatchReader) -> Iterator[tuple[Any, ...]]:
    try:
        for batch in reader:
            yield from zip(*(_values(column) for column in batch.columns), strict=True)
    except (DeltaError, pa.ArrowException, OSError) as e:
        raise _query_error(e) from e


def _values(column: pa.Array) -> list[Any]:
    # Python knows no nanoseconds; without pandas, pyarrow refuses to hand them over.
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return values(column)


def _query_error(e: Exception) -> UsageError:
    message = str(e)
    if unknown := re.search(rf"No field named ({_NAME})", message):
        return _no_column(unknown[1], message.partition("Valid fields are ")[2])
    return UsageError(f"DataFusion reports: {_plain(message).rstrip('.')}", remedy=SPOKEN)


def _no_column(name: str, valid: str) -> UsageError:
    """An unknown column, and the known ones, the most similar first.

    Args:
        name: as it was written, with its table or without.
        valid: DataFusion's list of the fields that it knows at that place.
    """
    *of, column = _parts(name)
    candidates = _candidates(of, valid)
    tables = {field[0] for field in candidates if len(field) > 1}
    likeness = {
        (field[-1] if len(tables) == 1 else ".".join(field)): _likeness(column, field[-1])
        for field in candidates
    }
    nearest = sorted(likeness, key=lambda shown: -likeness[shown])
    meant = f"; did you mean {nearest[0]}?" if nearest and likeness[nearest[0]] >= ALIKE else ""
    return UsageError(
        f"there is no column {'.'.join([*of, column])}{meant}",
        where=f"table {tables.pop()}" if len(tables) == 1 else "",
        remedy=f"columns there: {_few(nearest)}",
    )


def _candidates(of: list[str], valid: str) -> list[tuple[str, ...]]:
    """The fields that could have been meant: those of the named table, if there are any."""
    fields = [tuple(_parts(field)) for field in dict.fromkeys(re.findall(_NAME, valid))]
    qualified = [field for field in fields if len(field) > 1] or fields  # the rest is what the query computes
    return [field for field in qualified if [field[0]] == of] or qualified


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _parts(name: str) -> list[str]:
    """``f."a b"`` as ``f`` and ``a b``."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\w+)', name)]


def _few(names: Sequence[str]) -> str:
    more = len(names) - COLUMNS_SHOWN
    return ", ".join(names[:COLUMNS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _nearest(name: str, known: Sequence[str]) -> str:
    """A question after the name that was probably meant; empty where none comes near."""
    by_lower = {k.lower(): k for k in known}
    nearest = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[nearest[0]]}?" if nearest else ""


def _tables(names: Sequence[str]) -> str:
    return f"tables of this project: {', '.join(names) or 'none (contracts/ is empty)'}"


def _plain(message: str) -> str:
    """One line, without the colours and the underlining of a parser."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", message).split())
