"""Patterns in the SQL of a derive job: judged, or refused, and never passed over."""

from __future__ import annotations

import pytest
import sqlglot

from headrace.contract.pattern import judge_like, judge_search
from headrace.contract.typed import RefusalError
from headrace.table.patterns import PATTERNS, refused_patterns


def refused(expression: str) -> list[str]:
    sql = f"SELECT {expression} AS x FROM t"  # noqa: S608 - it is cut into tokens, and never run
    return [e.what for _, e in refused_patterns(sql, sqlglot.tokenize(sql, dialect="spark"))]


@pytest.mark.parametrize(
    "expression",
    [
        r"REGEXP(a, '^[A-Z]{2}\d+$')",
        "regexp_extract(a, 'N([0-9]{1,5})', 1)",
        "REGEXP_REPLACE(a, '[^a-z]', ',')",
        "REGEXP_EXTRACT(CONCAT(a, '(', b), '[0-9]+')",
        "STR_TO_MAP(a)",
        "STR_TO_MAP(a, ',', '=')",
        "PARSE_URL(a, 'QUERY', 'id')",
        "a LIKE '%foo%'",
        "a LIKE '100!%' ESCAPE '!'",
        "a LIKE '!_!!_%' ESCAPE '!'",
        "regexp",
        "'REGEXP(a, b)'",
    ],
)
def test_what_is_linear_is_taken(expression: str) -> None:
    assert refused(expression) == []


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("REGEXP(a, '[0-9]+x')", "REGEXP searches for '[0-9]+x': "),
        ("REGEXP(a, '(a+){1,1000}b')", "REGEXP searches for "),
        ("`REGEXP`(a, '(a|b)*c')", "REGEXP searches for "),
        (r"REGEXP_REPLACE(a, '^\s+|\s+$', '')", "REGEXP_REPLACE searches for "),
        ("REGEXP(a, b)", "the pattern of REGEXP is not a string literal"),
        ("REGEXP(a, 'x' || b)", "the pattern of REGEXP is not a string literal"),
        ("REGEXP(a, 'x' 'y')", "the pattern of REGEXP is not a string literal"),
        ("REGEXP(a, ('x'))", "the pattern of REGEXP is not a string literal"),
        ("REGEXP(a, 'it''s')", "the pattern of REGEXP is not a string literal"),
        (r"a || '\''", "the string "),
        ("REGEXP(REGEXP_REPLACE(a, b, ''), 'x')", "the pattern of REGEXP_REPLACE is not a string literal"),
        ("STR_TO_MAP(a, ',', b)", "the pattern of STR_TO_MAP is not a string literal"),
        ("PARSE_URL(a, 'QUERY', b)", "the pattern of PARSE_URL is not a string literal"),
        ("a SIMILAR TO 'x'", "SIMILAR TO is not judged"),
        ("a NOT SIMILAR TO 'x'", "SIMILAR TO is not judged"),
        ("a RLIKE 'x'", "RLIKE is not judged"),
        ("a LIKE b", "the pattern of LIKE is not a string literal"),
        ("a LIKE 'x' || b", "the pattern of LIKE is not a string literal"),
        ("a LIKE CONCAT('%', b)", "the pattern of LIKE is not a string literal"),
        ("a LIKE '%_a%_b'", "LIKE '%_a%_b' becomes a regular expression: "),
        ("a LIKE '%a%!%b' ESCAPE '!'", "LIKE '%a%!%b' becomes a regular expression: "),
        ("a LIKE 'x' ESCAPE b", "the value after ESCAPE is not one character"),
    ],
)
def test_what_is_not_linear_or_not_known_is_refused(expression: str, says: str) -> None:
    (said, *more) = refused(expression)

    assert said.startswith(says)
    assert not more


@pytest.mark.parametrize("function", PATTERNS)
def test_each_function_with_a_pattern_is_judged(function: str) -> None:
    arguments = ["a", "','", "'='"]
    arguments[PATTERNS[function][-1]] = "'(a+){1,1000}b'"

    assert len(refused(f"{function}({', '.join(arguments)})")) == 1


LINEAR = ("[0-9]+", "x*", ".*", "^a.*b.*", "^[0-9]+x", "a|b", "([A-Z]{2})-([0-9]+)", r"\s+")
NOT_LINEAR = ("[0-9]+x", "[^,]*,", "a{0,30}b", r"^x|\s+$", "(?:^x|[0-9]+)y", "(a+)+", "(?:a|a){0,1000}b")


@pytest.mark.parametrize("pattern", LINEAR)
def test_a_search_that_is_linear(pattern: str) -> None:
    judge_search(pattern)


@pytest.mark.parametrize("pattern", [*NOT_LINEAR, "(?i)a"])
def test_a_search_that_is_not(pattern: str) -> None:
    with pytest.raises(RefusalError):
        judge_search(pattern)


def test_an_escape_of_something_else_is_refused() -> None:
    with pytest.raises(RefusalError, match="escapes neither"):
        judge_like("a!b", "!")
