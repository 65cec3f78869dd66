"""Patterns in the SQL of a derive job: a record must not be able to stop it, so each is judged or refused.

The SQL is read as tokens, as in :mod:`headrace.table.steps`. A pattern that is not a single string literal
cannot be judged, because it is not known before the job runs; nothing here judges the language of SIMILAR TO.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from headrace.contract.pattern import judge_like, judge_search
from headrace.contract.typed import RefusalError

PATTERNS = {
    **dict.fromkeys(("REGEXP", "REGEXP_COUNT", "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL"), (1,)),
    **dict.fromkeys(("REGEXP_INSTR", "REGEXP_REPLACE", "REGEXP_SUBSTR"), (1,)),
    "STR_TO_MAP": (1, 2),
    "PARSE_URL": (2,),
}
"""Flink's functions that take a Java pattern, and which of their arguments it is, counted from 0."""

_OPENS = {TokenType.L_PAREN, TokenType.L_BRACKET}
_CLOSES = {TokenType.R_PAREN, TokenType.R_BRACKET}


def refused_patterns(sql: str, tokens: Sequence[Token]) -> Iterator[tuple[Token, RefusalError]]:
    """Each pattern that can take too long or cannot be judged, and its token."""
    for at, token in enumerate(tokens):
        if refused := _refusal(sql, token, tokens[at + 1 :]):
            yield token, refused


def _refusal(sql: str, token: Token, behind: Sequence[Token]) -> RefusalError | None:
    try:
        _judge(sql, token, behind)
    except RefusalError as e:
        return e
    return None


def _judge(sql: str, token: Token, behind: Sequence[Token]) -> None:
    name, kind = token.text.upper(), token.token_type
    if kind is TokenType.STRING:
        _refuse_quoted(sql[token.start : token.end + 1])
    elif kind is TokenType.LIKE:
        _judge_like(sql, behind[:3])
    elif kind is TokenType.SIMILAR_TO or name == "RLIKE":
        raise RefusalError(f"{name} is not judged", "use LIKE, or REGEXP")
    elif name in PATTERNS and behind[:1] and behind[0].token_type in _OPENS:
        _judge_call(sql, name, _arguments(behind[1:]))


def _refuse_quoted(raw: str) -> None:
    """Flink ends a string there, and the tokenizer does not: the rest would not be seen."""
    if "\\'" in raw:
        raise RefusalError(
            f"the string {raw} has a backslash before its closing quote", "write it as … || CHR(92)"
        )


def _judge_like(sql: str, behind: Sequence[Token]) -> None:
    kinds = [t.token_type for t in behind]
    if kinds[:1] != [TokenType.STRING] or TokenType.DPIPE in kinds[1:2] or kinds[1:2] == [TokenType.STRING]:
        raise RefusalError(
            "the pattern of LIKE is not a string literal: its cost is unknown", "write a string literal"
        )
    escape = ""
    if kinds[1:2] == [TokenType.ESCAPE]:
        escape = _text(sql, behind[2]) if kinds[2:] == [TokenType.STRING] else ""
        if len(escape) != 1:
            raise RefusalError(
                "the value after ESCAPE is not one character", "write a string of one character"
            )
    judge_like(_text(sql, behind[0]), escape)


def _judge_call(sql: str, name: str, arguments: Sequence[Sequence[Token]]) -> None:
    for number in PATTERNS[name]:
        given = arguments[number] if number < len(arguments) else ()
        if not given:
            continue  # Flink's default, or a call that Flink refuses
        if [t.token_type for t in given] != [TokenType.STRING]:
            raise RefusalError(
                f"the pattern of {name} is not a string literal: its cost is unknown",
                "write a string literal",
            )
        pattern = _text(sql, given[0])
        try:
            judge_search(pattern)
        except RefusalError as e:
            raise RefusalError(f"{name} searches for {pattern!r}: {e.what}", e.remedy) from None


def _arguments(tokens: Sequence[Token]) -> list[list[Token]]:
    """The arguments of a call, up to its closing parenthesis."""
    arguments: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        if depth < 0:
            break
        if depth == 0 and token.token_type is TokenType.COMMA:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return arguments


def _text(sql: str, token: Token) -> str:
    """A string as Flink reads it: unlike in the tokenizer, a backslash is an ordinary character."""
    raw = sql[token.start : token.end + 1]
    _refuse_quoted(raw)
    return raw[1:-1]
