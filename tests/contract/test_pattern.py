"""Patterns: the common part of Java, ECMA-262 and Python, and nothing that Java runs into the ground."""

from __future__ import annotations

import pytest

from headrace.contract.pattern import fault


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{2}",
        r"\d{4}-\d{2}-\d{2}",
        "^abc$",
        "a|b|",
        "(?:ab|c){0,20}",
        "(?:[a-z]+)?",
        r"[^\]\[]*",
        r"\u00e4\x41\.\\\/",
        "(?=a)(?!b)(?<=a)(?<!b).*?",
        r"[a\-z&]",
        "a{2,}b{3,5}?",
        "((a|b){0,10}c){0,100}",
        "x}",
    ],
)
def test_taken(pattern: str) -> None:
    assert fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[A-Z", "it is not a regular expression: unterminated character set"),
        ("a)|(b", "it is not a regular expression: unbalanced parenthesis"),
        ("(?i)a", "'(?i)' is not a group of all dialects"),
        ("(?x)a #", "'(?x)' is not a group of all dialects"),
        ("(?P<n>a)", "'(?P<' is not a group of all dialects"),
        ("(?#c)a", "'(?#c' is not a group of all dialects"),
        (r"a\Z", r"\Z does not mean the same"),
        (r"\Aa", r"\A does not mean the same"),
        (r"(a)\1", r"\1 does not mean the same"),
        (r"\v", r"\v does not mean the same"),
        ("[[a]", "'[' inside '[…]' opens a class"),
        ("[a&&b]", "'&&' inside '[…]'"),
        (r"[\b]", r"\b inside"),
        ("[]a]", "']' right after '['"),
        ("a{", "'{' needs a backslash"),
        ("a{,3}", "'{' needs a backslash"),
        ("(a|b)*", "groups may be repeated over 1000 times"),
        ("(a|b)+", "groups may be repeated over 1000 times"),
        ("(a|b)*?", "groups may be repeated over 1000 times"),
        ("(?:ab?){2,}", "groups may be repeated over 1000 times"),
        ("(?:a|b){0,2000}", "groups may be repeated over 1000 times"),
        ("((a|b){0,100}){0,100}", "groups may be repeated over 1000 times"),
        ("(a|b){0,600}(a|b){0,600}", "groups may be repeated over 1000 times"),
    ],
)
def test_refused(pattern: str, why: str) -> None:
    assert (fault(pattern) or "").startswith(why)


def test_possessive_quantifiers_are_refused_whatever_python_says() -> None:
    # Python 3.11 knows them, 3.10 calls them a multiple repeat, ECMA-262 has none.
    assert fault("a++") is not None
