"""Patterns in the SQL of a derive job: a record must not be able to stop it, so each is judged or refused.

The SQL is seen as tokens, as in :mod:`headrace.table.steps`. A pattern that is not one text in place cannot
be judged, because nobody knows it before the job runs; SIMILAR TO has a language that nothing here judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from headrace.contract.pattern import judge_like, judge_search
from headrace.contract.typed import Refused

PATTERNS = {
    **dict.fromkeys(("REGEXP", "REGEXP_COUNT", "REGEXP_EXTRACT", "REGEXP_EXTRACT_ALL"), (1,)),
    **dict.fromkeys(("REGEXP_INSTR", "REGEXP_REPLACE", "REGEXP_SUBSTR"), (1,)),
    "STR_TO_MAP": (1, 2),
    "PARSE_URL": (2,),
}
"""Flink's functions with a pattern of Java's, and which of their arguments it is, from 0 on."""

_OPENS = {TokenType.L_PAREN, TokenType.L_BRACKET}
_CLOSES = {TokenType.R_PAREN, TokenType.R_BRACKET}


def refused_patterns(sql: str, tokens: Sequence[Token]) -> Iterator[tuple[Token, Refused]]:
    """Each pattern that can take too long, or cannot be judged, and where it stands."""
    for at, token in enumerate(tokens):
        if refused := _refusal(sql, token, tokens[at + 1 :]):
            yield token, refused


def _refusal(sql: str, token: Token, behind: Sequence[Token]) -> Refused | None:
    try:
        _judge(sql, token, behind)
    except Refused as e:
        return e
    return None


def _judge(sql: str, token: Token, behind: Sequence[Token]) -> None:
    name, kind = token.text.upper(), token.token_type
    if kind is TokenType.STRING:
        _refuse_quoted(sql[token.start : token.end + 1])
    elif kind is TokenType.LIKE:
        _judge_like(sql, behind[:3])
    elif kind is TokenType.SIMILAR_TO or name == "RLIKE":
        raise Refused(f"{name} is not judged", "use LIKE, or REGEXP")
    elif name in PATTERNS and behind[:1] and behind[0].token_type in _OPENS:
        _judge_call(sql, name, _arguments(behind[1:]))


def _refuse_quoted(raw: str) -> None:
    """Flink ends a text there, and the tokenizer does not: what comes behind it would not be seen."""
    if "\\'" in raw:
        raise Refused(f"the text {raw} has a backslash before its end", "write it as … || CHR(92)")


def _judge_like(sql: str, behind: Sequence[Token]) -> None:
    kinds = [t.token_type for t in behind]
    if kinds[:1] != [TokenType.STRING] or TokenType.DPIPE in kinds[1:2] or kinds[1:2] == [TokenType.STRING]:
        raise Refused("the pattern of LIKE is not one text: nobody can say how long it takes", "write a text")
    escape = ""
    if kinds[1:2] == [TokenType.ESCAPE]:
        escape = _text(sql, behind[2]) if kinds[2:] == [TokenType.STRING] else ""
        if len(escape) != 1:
            raise Refused("what stands behind ESCAPE is not one character", "write a text of one character")
    judge_like(_text(sql, behind[0]), escape)


def _judge_call(sql: str, name: str, arguments: Sequence[Sequence[Token]]) -> None:
    for number in PATTERNS[name]:
        given = arguments[number] if number < len(arguments) else ()
        if not given:
            continue  # a default of Flink's, or a call that Flink refuses
        if [t.token_type for t in given] != [TokenType.STRING]:
            raise Refused(
                f"the pattern of {name} is not one text: nobody can say how long it takes", "write a text"
            )
        pattern = _text(sql, given[0])
        try:
            judge_search(pattern)
        except Refused as e:
            raise Refused(f"{name} looks for {pattern!r}: {e.what}", e.remedy) from None


def _arguments(tokens: Sequence[Token]) -> list[list[Token]]:
    """Those of a call, as far as its closing parenthesis."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        if depth < 0:
            break
        if depth == 0 and token.token_type is TokenType.COMMA:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _text(sql: str, token: Token) -> str:
    """A text as Flink reads it: there a backslash is a character like others, unlike to the tokenizer."""
    raw = sql[token.start : token.end + 1]
    _refuse_quoted(raw)
    return raw[1:-1]
