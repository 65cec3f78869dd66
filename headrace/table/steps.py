"""The SQL of a derive job: one SELECT a file in ``sql/<job>/``, each a view under the file's name."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import expressions

from headrace import project
from headrace.contract.sql import identifier
from headrace.errors import JobError


@dataclass(frozen=True)
class Step:
    """One query; later steps read it by its name."""

    name: str
    sql: str

    def view(self) -> str:
        """``CREATE VIEW`` of the step."""
        return f"CREATE VIEW {identifier(self.name)} AS\n{self.sql}"


def read_step(job: str, name: str) -> Step:
    """The step of that name.

    Raises:
        JobError: there is no such file, or it is not one SELECT.
    """
    path = project.sql_path(job, name)
    where = f"sql/{job}/{name}.sql"
    if not path.is_file():
        raise JobError(f"step {name} has no file", where=where, remedy="write one SELECT into it")
    text = path.read_text()
    try:
        parsed = sqlglot.parse(text, dialect="spark")
    except sqlglot.ParseError as e:
        first = e.errors[0]
        raise JobError(
            f"step {name} is not SQL: {first['description']}",
            where=f"{where}:{first['line']}",
            remedy="write one SELECT",
        ) from e
    if len(parsed) != 1 or not isinstance(parsed[0], expressions.Query):
        raise JobError(
            f"step {name} is not one SELECT",
            where=where,
            remedy="tables, views, functions and inserts are rendered from contracts and declarations",
        )
    return Step(name, text.strip().removesuffix(";"))
