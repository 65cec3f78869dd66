"""Query the published tables of this project with SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace import project
from headrace.contract.load import examine
from headrace.errors import UsageError
from headrace.operate.workspace import Workspace
from headrace.read.query import published_names, query
from headrace.read.text import to_json


@dataclass(frozen=True)
class QueryResult:
    """The answer to a query; its rows can be read once."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]

    def to_json(self) -> list[dict[str, Any]]:
        """For ``-o json``: an object for each row.

        Raises:
            UsageError: two columns have the same name.
        """
        if repeated := sorted({c for c in self.columns if self.columns.count(c) > 1}):
            raise UsageError(
                f"two columns are called {repeated[0]}", remedy="give one of them another name with AS"
            )
        return [{c: to_json(v) for c, v in zip(self.columns, row, strict=True)} for row in self.rows]


def query_tables(
    workspace: Workspace, sql: str, *, version: int | None = None, at: datetime | None = None
) -> QueryResult:
    """Run one SELECT over published tables: each contract's table, NAME__quarantine or NAME__late beside it.

    Args:
        workspace: of the environment.
        sql: the statement, in DataFusion SQL.
        version: the version of the one table that it names; by default the newest.
        at: a time, instead of a version: each table as readers saw it then.

    Raises:
        UsageError: it is not one SELECT, names an unknown table or column, or fails while it runs; or both a
            version and a time were given.
        ClusterError: the object store does not answer.
    """
    if version is not None and at is not None:
        raise UsageError("a version or a time, not both", remedy="leave out --version or --at")
    answer = query(workspace.warehouse, _table_names(), sql, version=version, moment=at)
    return QueryResult(answer.columns, answer.rows)


def _table_names() -> list[str]:
    """Every table that a query may name; a broken contract does not hide the tables of the others."""
    names = project.contract_names()
    read = {n: examine(project.root() / "contracts" / f"{n}.odcs.yaml")[0] for n in names}
    derived = [n for n, contract in read.items() if contract and not contract.has_topic]
    return published_names([n for n in names if n not in derived], derived)
