"""What Flink refuses, in its own innermost words, at the file and line that its statement was made from.

Flink's own lines count in the statement, which nobody has written: a step stands in it after ``CREATE VIEW``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlglot

from headrace.errors import JobError
from headrace.job.derive import DeriveProgram
from headrace.job.program import Program
from headrace.table.steps import SqlStep

SHOWN = 400
"""Characters of Flink's words that are shown: a node of a plan names all its columns."""
_PLACE = re.compile(
    r"\s*\b(?:from|at) line (\d+), column \d+(?: to line \d+, column \d+)?:?\s*", re.IGNORECASE
)
_CREATED = re.compile(r"CREATE \w+ `?(\w+)`?")
_TABLE = re.compile(r"default_catalog\.default_database\.(\w+)")
_NODE = re.compile(r"produced by node (\w+)\(")
_WRITTEN = {
    "GroupAggregate": "GROUP BY",
    "Join": "JOIN",
    "Rank": "ROW_NUMBER",
    "Deduplicate": "ROW_NUMBER",
}
"""What makes these nodes of a plan in SQL."""


def refused(program: Program, statement: str, messages: Sequence[str]) -> JobError:
    """The error for a statement that Flink does not accept.

    Args:
        program: what is compiled.
        statement: the CREATE statement; empty for the statement set.
        messages: those of the exception and of its causes, the innermost last.
    """
    place = next((found for text in messages if (found := _PLACE.search(text))), None)
    return JobError(
        f"Flink does not accept this: {_said(messages)}",
        where=_made_from(program, statement, int(place[1]) if place else 1)
        if statement
        else _written_in(program, " ".join(messages)),
        remedy=f"correct it there; then headrace plan {program.job.name} --accept",
    )


def _said(messages: Sequence[str]) -> str:
    """The innermost message without the statement's lines, and without all that might have stood there."""
    innermost = messages[-1].partition("\nWas expecting")[0] if messages else "no reason given"
    said = " ".join(_PLACE.sub(" ", innermost).split()).removesuffix(" .")
    return said if len(said) <= SHOWN else f"{said[:SHOWN]} …"


def _made_from(program: Program, statement: str, line: int) -> str:
    """The file and line that a line of a CREATE statement comes from."""
    for step in _steps(program):
        if statement == step.view():
            return _at(program, step, line - 1)
    created = _CREATED.match(statement)
    contract = created[1].partition("__")[0] if created else ""
    paths = [c.path for c in program.contracts if c.id == contract]
    return f"contracts/{paths[0].name}" if paths else f"jobs/{program.job.name}.py"


def _written_in(program: Program, said: str) -> str:
    """Where the SQL is: the only line that can make the node that Flink names, or the step of the sink."""
    node = _NODE.search(said)
    keyword = _WRITTEN.get(node[1], "") if node else ""
    lines = [(step, line) for step in _steps(program) for line in _lines(step, keyword)] if keyword else []
    if len(lines) == 1:
        return _at(program, *lines[0])
    if isinstance(program, DeriveProgram):
        making = dict(zip((c.id for c in program.writes), program.steps[-len(program.writes) :], strict=True))
        named = [making[table] for table in _TABLE.findall(said) if table in making]
        if named:
            return _at(program, named[0], 1)
    return f"jobs/{program.job.name}.py"


def _lines(step: SqlStep, keyword: str) -> list[int]:
    return [t.line for t in sqlglot.tokenize(step.sql, dialect="spark") if t.text.upper() == keyword]


def _at(program: Program, step: SqlStep, line: int) -> str:
    return f"sql/{program.job.name}/{step.name}.sql:{max(line, 1) + step.begins - 1}"


def _steps(program: Program) -> tuple[SqlStep, ...]:
    return program.steps if isinstance(program, DeriveProgram) else ()
