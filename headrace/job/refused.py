"""Flink's refusals: its innermost message, at the file and line from which the statement was rendered.

Flink's line numbers refer to the rendered statement, in which the SQL of a step follows ``CREATE VIEW``.
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
"""Characters of Flink's message that are shown: a node of a plan lists all its columns."""
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
"""The SQL that produces these nodes of a plan."""


def flink_refusal(program: Program, statement: str, messages: Sequence[str]) -> JobError:
    """The error for a statement that Flink does not accept.

    Args:
        program: what is compiled.
        statement: the CREATE statement; empty for the statement set.
        messages: those of the exception and of its causes, the innermost last.
    """
    place = next((found for text in messages if (found := _PLACE.search(text))), None)
    return JobError(
        f"Flink does not accept this: {_message(messages)}",
        where=_made_from(program, statement, int(place[1]) if place else 1)
        if statement
        else _written_in(program, " ".join(messages)),
        remedy=f"correct it there; then headrace plan {program.job.name} --accept",
    )


def _message(messages: Sequence[str]) -> str:
    """The innermost message, without line numbers of the statement and without a list of expected tokens."""
    innermost = messages[-1].partition("\nWas expecting")[0] if messages else "no reason given"
    message = " ".join(_PLACE.sub(" ", innermost).split()).removesuffix(" .")
    return message if len(message) <= SHOWN else f"{message[:SHOWN]} …"


def _made_from(program: Program, statement: str, line: int) -> str:
    """The file and line from which a line of a CREATE statement was rendered."""
    for step in _steps(program):
        if statement == step.view():
            return _at(program, step, line - 1)
    created = _CREATED.match(statement)
    contract = created[1].partition("__")[0] if created else ""
    paths = [c.path for c in program.contracts if c.id == contract]
    return f"contracts/{paths[0].name}" if paths else f"jobs/{program.job.name}.py"


def _written_in(program: Program, message: str) -> str:
    """The place of the SQL: the only line that can produce the node named by Flink, or the sink's step."""
    lines = _producing(program, message)
    if len(lines) == 1:
        return _at(program, *lines[0])
    if isinstance(program, DeriveProgram):
        making = dict(zip((c.id for c in program.writes), program.steps[-len(program.writes) :], strict=True))
        named = [making[table] for table in _TABLE.findall(message) if table in making]
        if named:
            return _at(program, named[0], 1)
    return f"jobs/{program.job.name}.py"


def _producing(program: Program, message: str) -> list[tuple[SqlStep, int]]:
    """The lines of steps that can produce the node that Flink names."""
    node = _NODE.search(message)
    keyword = _WRITTEN.get(node[1], "") if node else ""
    if not keyword:
        return []
    return [(step, line) for step in _steps(program) for line in _lines(step, keyword)]


def _lines(step: SqlStep, keyword: str) -> list[int]:
    return [t.line for t in sqlglot.tokenize(step.sql, dialect="spark") if t.text.upper() == keyword]


def _at(program: Program, step: SqlStep, line: int) -> str:
    return f"sql/{program.job.name}/{step.name}.sql:{max(line, 1) + step.begins - 1}"


def _steps(program: Program) -> tuple[SqlStep, ...]:
    return program.steps if isinstance(program, DeriveProgram) else ()
