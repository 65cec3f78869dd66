"""Patterns: the common part of Java, ECMA-262 and Python, and nothing that Java runs into the ground."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.contract.pattern import judge, judge_like
from headrace.contract.pattern.paths import build
from headrace.contract.pattern.syntax import read
from headrace.contract.typed import RefusalError
from tests.contract.random_patterns import accepted, hard_texts, is_accepted, matches

APART = "let alternatives begin with different characters, and let no part take what the next one begins with"
IPV4 = "(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"

TAKEN = [
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
    "((a|b){0,5}c){0,15}",
    "x}]",
    ".*x",
    "[^@]*@[^.]*\\..*",
    r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+){1,20}",
    "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    r"(?!000)[0-9]{3}",
    "[a-z]{0,5000}",
    r"[^,]*,[\s\S]*",
    r".*,[\s\S]*",
    "[-a][a-]",
]

REFUSED = [
    ("[A-Z", "the '[' at character 1 is not closed", ""),
    ("a)|(b", "')' at character 2 closes nothing", ""),
    ("a|(b", "the '(' at character 3 is not closed", ""),
    ("*a", "'*' repeats nothing", ""),
    ("a**", "a quantifier follows a quantifier", ""),
    ("a++", "a quantifier follows a quantifier", ""),
    ("a{3,2}", "{3,2} counts backwards", "write {2,3}"),
    ("a{\u0663}", "'{' needs a backslash", ""),
    ("a{1\u0663}", "'{' needs a backslash", ""),
    ("(?i)a", "'(?i)' is not a group in all dialects", ""),
    ("(?x)a #", "'(?x)' is not a group in all dialects", ""),
    ("(?P<n>a)", "'(?P<' is not a group in all dialects", ""),
    ("(?<n>a)", "'(?<n' is not a group in all dialects", ""),
    ("(?>a)", "'(?>a' is not a group in all dialects", ""),
    ("(?#c)a", "'(?#c' is not a group in all dialects", ""),
    ("(" * 51 + "a" + ")" * 51, "groups are nested deeper than 50", ""),
    (r"a\Z", r"\Z does not mean the same", ""),
    (r"\Aa", r"\A does not mean the same", ""),
    (r"(a)\1", r"\1 does not mean the same", ""),
    (r"\v", r"\v does not mean the same", ""),
    ("\\\u0663", "\\\u0663 does not mean the same", ""),
    ("a\\", "\\ does not mean the same", r"write \\ for the character"),
    (r"\ud83d\ude00", r"\ud83d is half a character", ""),
    (r"a\b", r"\b depends on letters", ""),
    ("[[a]", "'[' inside '[…]' opens a class", ""),
    ("[a&&b]", "'&&' inside '[…]'", ""),
    (r"[\b]", r"\b depends", ""),
    ("[]a]", "']' right after '['", ""),
    ("[b-a]", "a range inside '[…]' runs backwards", ""),
    (r"[a-\d]", "a range inside '[…]' needs a single character", ""),
    ("[a-z-9]", "'-' inside '[…]'", ""),
    ("[--9]", "a range inside '[…]' needs", ""),
    ("a{", "'{' needs a backslash", ""),
    ("a{,3}", "'{' needs a backslash", ""),
    ("(a|b)*", "(a|b)* repeats a group without limit", "write [ab]*"),
    ("(a|b)+", "(a|b)+ repeats a group without limit", "write [ab]+"),
    ("(a|b)*?", "(a|b)*? repeats a group without limit", "write [ab]*?"),
    (r"(?:[a-z]|\d|-|\.){2,}", "", r"write [a-z\d\-\.]{2,}"),
    ("(?:.)*", "(?:.)* repeats a group without limit", "write .*"),
    ("(?:[^a]|b)*", "(?:[^a]|b)* repeats a group without limit", "write how often at most"),
    ("(?:ab?){2,}", "(?:ab?){2,} repeats a group without limit", "write how often at most"),
    ("(?:a|b){0,2000}", "Java may need over 1000 nested calls", "smaller counts"),
    ("((a|b){0,100}){0,100}", "((a|b){0,100}){0,100} repeats a part that may be empty", ""),
    ("(a|b){0,600}(a|b){0,600}", "the same text can be divided between a and another a", ""),
    ("(?:ab|c){0,600}", "Java may need over 1000 nested calls", "smaller counts"),
    ("[^a]{0,1000}", "Java may need over 1000 nested calls", "maxLength"),
    ("(?:a*)*", "(?:a*)* repeats a part that may be empty", ""),
    ("(?:^)*", "(?:^)* repeats a part that may be empty", ""),
    (".{2,}", ".{2,} needs a nested call for each character", "write .{2}.*"),
    ("a{0,9999}b", "its counts come to over 5,000 characters", "maxLength"),
    ("a" * 2001, "it has over 2000 characters", ""),
    ("(a+){1,1000}b", "a+ can match the same text in more than 20 ways", ""),
    ("(?:a|a){0,100}b", "the same text can be divided between a and another a", ""),
    (".*.*.*.*.*.*x", "the same text can be divided between .* and another .*", ""),
    (r".*@.*\..*", "the same text can be divided between .* and another .*", APART),
    (r"[^@\s]+@[^@\s]+\.[^@\s]+", r"the same text can be divided between [^@\s]+ and another", APART),
    (".*,.*", "", r"write .*,[\s\S]*, whose end also matches line ends"),
    (IPV4, "the same text can be divided between 2 and another 2", APART),
    ("a?" * 20, "the same text can be divided between a? and another a?", APART),
    ("[a-z]*[a-z0-9]*", "the same text can be divided between [a-z0-9]* and [a-z]*", APART),
    (r"\p{L}", r"\p does not mean the same", "Unicode classes are not supported: list the characters"),
    (r"(a)\1b", r"\1 does not mean the same", "write out the text that may be there"),
    (r"a\Z", r"\Z does not mean the same", "leave it out"),
    (
        "(?i)abc",
        "'(?i)' is not a group",
        "flags are not supported: write out what they do, as in [aA] for (?i)a",
    ),
    ("(?<name>a)", "'(?<n' is not a group", "write (…): a group needs no name here"),
    ("(?#c)abc", "'(?#c' is not a group", "leave the comment out"),
    ("(?:|)" * 20, "", ""),
    ("a" + "(?:|)" * 20, "", ""),
    ("[ab]*a[ab]{20}", "", ""),
    ("(?=.*x)a", "(?=.*x) may scan more than 100 characters", ""),
    ("(?=(?:a?){1,9})a", "(?:a?){1,9} repeats a part that may be empty", ""),
    ("(?=[ab]{0,40}[ab]{0,40})a", "", ""),
    ("(?<=a{0,3})b", "(?<=a{0,3}) looks back over texts of different lengths", ""),
]


@pytest.mark.parametrize("pattern", TAKEN)
def test_taken(pattern: str) -> None:
    judge(pattern)


@pytest.mark.parametrize(("pattern", "why", "remedy"), REFUSED)
def test_refused(pattern: str, why: str, remedy: str) -> None:
    with pytest.raises(RefusalError) as refused:
        judge(pattern)

    assert refused.value.what.startswith(why)
    assert remedy in refused.value.remedy
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        ("(a|b)*", "[ab]*"),
        ("(?:.)*", ".*"),
        (".{2,}", ".{2}.*"),
        (r".*@.*\..*", r"[^@]*@[^.]*\..*"),
        (".*,.*", "[^,]*,.*"),
        *((p, "") for p in (".*foo.*", ".*,.*", r"\w+ \w+ \w+.*", "(?:a(?!b)){0,100}.*", ".+,.+?")),
    ],
)
def test_what_is_offered_instead_is_taken_and_means_the_same(pattern: str, instead: str) -> None:
    """Where nothing is given, it is what the refusal offers: the same for texts without line ends."""
    instead = instead or offered(pattern)
    assert is_accepted(instead)
    rng = random.Random(7)  # noqa: S311 - the same patterns in every run
    for _ in range(3000):
        word = "".join(rng.choices("ab@., fo", k=rng.randint(0, 8)))
        assert bool(re.fullmatch(pattern, word)) == bool(re.fullmatch(instead, word)), word


def offered(pattern: str) -> str:
    with pytest.raises(RefusalError) as refused:
        judge(pattern)
    return refused.value.remedy.removeprefix("write ").removesuffix(", whose end also matches line ends")


@given(st.text("ab.[]()|*+?{}1,2^-$\\d&=!<:\u0663", max_size=25))
def test_whatever_is_written_is_taken_or_refused(text: str) -> None:
    if is_accepted(text):
        re.compile(text)


@given(st.integers(0, 10**9))
def test_it_is_read_as_python_reads_it(seed: int) -> None:
    """On texts on which Java and Python agree; ``tests/jvm`` depends Java."""
    rng = random.Random(seed)  # noqa: S311 - the same patterns in every run
    (pattern,) = accepted(rng, 1)
    automaton = build(read(pattern))
    for text in hard_texts(pattern, rng, 5):
        word = text.prefix + text.pump * rng.randint(0, 3) + text.suffix
        if not re.search("[\n\r\u0085\u2028\u2029]", word):
            assert matches(automaton, word) == bool(re.fullmatch(pattern, word, re.ASCII)), (pattern, word)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%",
        "abc",
        'a"%',
        "%\\%",
        "%a%b%",
        "a%b",
        "%%",
        "_",
        "a_b%",
        "%_a",
        "%a_b%",
        "%_@_%",
        "_" * 50 + "%",
    ],
)
def test_likes_taken(text: str) -> None:
    judge_like(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("%_a%_a%_a%_b", "LIKE '%_a%_a%_a%_b' becomes a regular expression: the same text can be divided"),
        ("%a_%b", "LIKE '%a_%b' becomes a regular expression"),
        ("%" + "_" * 30, "LIKE '%___"),
    ],
)
def test_likes_refused(text: str, why: str) -> None:
    with pytest.raises(RefusalError) as refused:
        judge_like(text)

    assert refused.value.what.startswith(why)


def test_the_documented_examples_are_as_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "patterns.md").read_text()
    rows = re.findall(r"^\| `(.+?)` \| .+ \| `(.+?)` \|$", text, re.MULTILINE)
    refused, instead = ([cell.replace(r"\|", "|") for cell in column] for column in zip(*rows, strict=True))

    assert len(rows) == 10
    assert [p for p in refused if is_accepted(p)] == []
    assert [p for p in instead if not is_accepted(p)] == []
