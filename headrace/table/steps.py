"""The SQL of a derive job: one SELECT per file in ``sql/<job>/``, each a view named after its file."""

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
"""What drops a row behind the watermark, whatever the allowed lateness: only windowed aggregates amend."""
_WINDOWS = {"TUMBLE", "HOP", "CUMULATE", "SESSION"}
_SETS = {TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT}


@dataclass(frozen=True)
class SqlStep:
    """One query; later steps read it by name."""

    name: str
    sql: str
    begins: int = 1
    """The line of its file where the text begins."""

    def view(self) -> str:
        """``CREATE VIEW`` of the step."""
        return f"CREATE VIEW {identifier(self.name)} AS\n{self.sql}"


def read_step(job: str, name: str, contract: Contract) -> SqlStep:
    """The step with that name; ``${horizon}`` in it is replaced by the contract's horizon, as an interval.

    The text is only split into tokens: parsers of other dialects do not know all of Flink's SQL.

    Raises:
        JobError: there is no such file, or it is not one SELECT.
    """
    path = project.sql_path(job, name)
    where = f"sql/{job}/{name}.sql"
    if not path.is_file():
        raise JobError(f"step {name} has no file", where=where, remedy="write one SELECT in it")
    whole = path.read_text()
    text = whole.strip().removesuffix(";")
    top = whole[: len(whole) - len(whole.lstrip())].count("\n")
    try:
        tokens = sqlglot.tokenize(text, dialect="spark")
    except sqlglot.TokenError as e:
        raise JobError(f"step {name} is not SQL: {e}", where=where, remedy="write one SELECT") from e
    _refuse_other_statements(name, tokens, where, top)
    if contract.amends:
        _refuse_final(tokens, contract, where, top)
    _judge_patterns(text, tokens, where, top)
    _refuse_sets_in_windows(tokens, where, top)
    return SqlStep(name, _filled(text, contract, where, top), top + 1)


def _refuse_other_statements(name: str, tokens: list[Token], where: str, top: int) -> None:
    """Refuse everything but one SELECT."""
    wrong = [t.line for t in tokens if t.token_type is TokenType.SEMICOLON]
    begins = next((t for t in tokens if t.token_type is not TokenType.L_PAREN), None)
    if begins is None or begins.token_type not in (TokenType.SELECT, TokenType.WITH):
        wrong.append(begins.line if begins else 1)
    if wrong:
        raise JobError(
            f"step {name} is not one SELECT",
            where=f"{where}:{wrong[0] + top}",
            remedy="tables, views, functions and inserts are rendered from contracts and declarations",
        )


def _refuse_final(tokens: list[Token], contract: Contract, where: str, top: int) -> None:
    """Refuse operators that cannot amend their results."""
    final = next((t for t in tokens if t.text.upper() in _FINAL), None)
    if final:
        raise JobError(
            f"{_FINAL[final.text.upper()]} cannot amend: it drops a row that arrives behind the watermark",
            where=f"{where}:{final.line + top}",
            remedy=f"write latePolicy: keep in contract {contract.id}: such rows then go to the late table",
        )


def _judge_patterns(text: str, tokens: list[Token], where: str, top: int) -> None:
    """A record must not be able to stop the job: patterns are judged as in a contract."""
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
                f"Flink reads only the query before this {lost.text.upper()}: all other rows would be lost",
                where=f"{where}:{lost.line + top}",
                remedy="make that query a step of its own, and write TABLE STEP in its place",
            )


def _first_set(tokens: list[Token]) -> Token | None:
    """The first UNION, EXCEPT or INTERSECT of the query itself, not inside one of its operands."""
    before = TokenType.L_PAREN
    opened: list[bool] = []  # for each open parenthesis: whether it encloses the query or one of its operands
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
    for gap in _GAP.finditer(text):
        if gap[1] not in values:
            raise JobError(
                f"{gap[0]} is not defined here",
                where=f"{where}:{text.count(chr(10), 0, gap.start()) + top + 1}",
                remedy=f"${{horizon}} is the horizon of contract {contract.id}, if it has one",
            )
    return _GAP.sub(lambda gap: values[gap[1]], text)
