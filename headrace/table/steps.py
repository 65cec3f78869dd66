"""The SQL of a derive job: one SELECT a file in ``sql/<job>/``, each a view under the file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import Token, TokenType

from headrace import project
from headrace.contract.model import Contract
from headrace.contract.sql import identifier, literal
from headrace.errors import JobError
from headrace.table.patterns import refused_patterns

_GAP = re.compile(r"\$\{(\w*)\}")
_FINAL = {"SYSTEM_TIME": "a temporal join", "MATCH_RECOGNIZE": "MATCH_RECOGNIZE", "OVER": "an OVER window"}
"""What drops a row behind the watermark, whatever the allowed lateness: only grouped windows amend."""
_WINDOWS = {"TUMBLE", "HOP", "CUMULATE", "SESSION"}
_SETS = {TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT}


@dataclass(frozen=True)
class Step:
    """One query; later steps read it by its name."""

    name: str
    sql: str
    begins: int = 1
    """The line of its file at which the text begins."""

    def view(self) -> str:
        """``CREATE VIEW`` of the step."""
        return f"CREATE VIEW {identifier(self.name)} AS\n{self.sql}"


def read_step(job: str, name: str, contract: Contract) -> Step:
    """The step of that name; ``${horizon}`` in it is the contract's, as an interval.

    The text is only cut into tokens: Flink's SQL has more than a parser of other dialects knows.

    Raises:
        JobError: there is no such file, or it is not one SELECT.
    """
    path = project.sql_path(job, name)
    where = f"sql/{job}/{name}.sql"
    if not path.is_file():
        raise JobError(f"step {name} has no file", where=where, remedy="write one SELECT into it")
    whole = path.read_text()
    text = whole.strip().removesuffix(";")
    top = whole[: len(whole) - len(whole.lstrip())].count("\n")
    try:
        tokens = sqlglot.tokenize(text, dialect="spark")
    except sqlglot.TokenError as e:
        raise JobError(f"step {name} is not SQL: {e}", where=where, remedy="write one SELECT") from e
    second = [t.line for t in tokens if t.token_type is TokenType.SEMICOLON]
    begins = next((t for t in tokens if t.token_type is not TokenType.L_PAREN), None)
    if second or begins is None or begins.token_type not in (TokenType.SELECT, TokenType.WITH):
        line = second[0] if second else begins.line if begins else 1
        raise JobError(
            f"step {name} is not one SELECT",
            where=f"{where}:{line + top}",
            remedy="tables, views, functions and inserts are rendered from contracts and declarations",
        )
    final = next((t for t in tokens if t.text.upper() in _FINAL), None)
    if final and contract.amends:
        raise JobError(
            f"{_FINAL[final.text.upper()]} cannot amend: it drops a row that comes behind the watermark",
            where=f"{where}:{final.line + top}",
            remedy=f"write latePolicy: keep into contract {contract.id}: such rows are then kept apart",
        )
    _judge_patterns(text, tokens, where, top)
    _refuse_sets_in_windows(tokens, where, top)
    return Step(name, _filled(text, contract, where, top), top + 1)


def _judge_patterns(text: str, tokens: list[Token], where: str, top: int) -> None:
    """A record must not be able to stop the job: what is looked for is judged as in a contract."""
    for token, refused in refused_patterns(text, tokens):
        raise JobError(refused.what, where=f"{where}:{token.line + top}", remedy=refused.remedy)


def _refuse_sets_in_windows(tokens: list[Token], where: str, top: int) -> None:
    """Flink 2.3 plans ``TUMBLE((a UNION ALL b), …)`` as ``TUMBLE((a), …)``: rows of b vanish silently."""
    for at, window in enumerate(tokens):
        opened = [t.token_type for t in tokens[at + 1 : at + 3]] == [TokenType.L_PAREN] * 2
        if not (opened and window.text.upper() in _WINDOWS):
            continue
        if lost := _first_set(tokens[at + 3 :]):
            raise JobError(
                f"Flink reads only what stands before this {lost.text.upper()}: all other rows would be lost",
                where=f"{where}:{lost.line + top}",
                remedy="make that query a step of its own, and name it: TABLE STEP in place of the query",
            )


def _first_set(tokens: list[Token]) -> Token | None:
    """The first UNION, EXCEPT or INTERSECT between sides of the query itself, not within one of them."""
    before = TokenType.L_PAREN
    opened: list[bool] = []  # of each open parenthesis: whether it stands around the query, or a side of it
    for token in tokens:
        if token.token_type is TokenType.L_PAREN:
            opened.append(before in {TokenType.L_PAREN, TokenType.ALL, TokenType.DISTINCT, *_SETS})
        elif token.token_type is TokenType.R_PAREN:
            if not opened:
                return None
            opened.pop()
        elif token.token_type in _SETS and all(opened):
            return token
        before = token.token_type
    return None


def _filled(text: str, contract: Contract, where: str, top: int) -> str:
    values = {} if contract.horizon is None else {"horizon": literal(contract.horizon)}
    for found in _GAP.finditer(text):
        if found[1] not in values:
            raise JobError(
                f"{found[0]} is not known here",
                where=f"{where}:{text.count(chr(10), 0, found.start()) + top + 1}",
                remedy=f"${{horizon}} is the horizon of contract {contract.id}, where it has one",
            )
    return _GAP.sub(lambda found: values[found[1]], text)
