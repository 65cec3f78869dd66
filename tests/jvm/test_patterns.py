"""What ``check`` says of a pattern is so in Java: counted reads, on a stack smaller than a task's."""

from __future__ import annotations

import base64
import random
import subprocess
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from headrace import project, settings
from headrace.contract.pattern import judge_like
from headrace.contract.pattern.paths import build
from headrace.contract.pattern.syntax import read
from headrace.contract.typed import RefusalError
from headrace.stack import jvm
from headrace.stack.java import QUICK, jdk
from tests.contract.random_patterns import Hard, accepted, hard_texts, is_accepted, matches

HALF_A_STACK = 512 << 10
"""Flink's tasks run on threads of Java's default stack, 1 MB, and stand on some of it themselves."""
LENGTHS = (1_000, 10_000, 100_000)
SEED = 20_131_231

LINEAR = [
    r"\d{4}-\d{2}-\d{2}-[0-9A-Z]{2}-\d{1,4}-[A-Z]{3}",
    ".*",
    ".*x",
    r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+){1,20}",
    "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    "[^,]*,.*",
    r"https?://[^\s/]+(?:/[^\s/]*){0,50}",
    "[^a]{0,900}b",
    "(?:ab?|c){0,100}",
    "(?:(?:a|b){0,8}c){0,10}",
    "((((((((((a))))))))))",
    "[a-z]{0,5000}",
    "(?!ab)(?=[a-z]{1,50}1)[a-z]+[0-9]?",
]
BAD = {
    r"(a+){1,1000}b": Hard("", "a", ""),
    r"(?:a|a){0,1000}b": Hard("", "a", ""),
    r".*.*.*.*.*.*x": Hard("", "a", ""),
    r".*@.*\..*": Hard("", "@", ""),
    r"[^@\s]+@[^@\s]+\.[^@\s]+": Hard("a@", "a.", "@"),
    r"(a|b)*": Hard("", "ab", ""),
    r"(a|b)+?": Hard("", "ab", "c"),
    r"(?:ab?){2,}": Hard("", "aba", ""),
    r"(?:[^a]{1,2}a)*": Hard("", "xa", ""),
    r".*\bx": Hard("", "\u0301", ""),
}
BAD_LIKE = {"%_a%_a%_a%_b": Hard("", "a", ""), "%a_%b": Hard("", "a", "")}


class Read(NamedTuple):
    """What Java said, and how many characters it read for it."""

    verdict: str
    reads: int


class Question(NamedTuple):
    """One text for one pattern."""

    kind: str
    pattern: str
    text: Hard
    times: int

    def line(self) -> str:
        texts = [self.pattern, self.text.prefix, self.text.pump]
        fields = [base64.b64encode(t.encode()).decode() for t in (*texts, self.text.suffix)]
        return " ".join([self.kind, *fields[:3], str(self.times), fields[3]])


def test_accepted_patterns_are_read_in_linear_time() -> None:
    rng = random.Random(SEED)  # noqa: S311 - the same patterns in every run
    patterns = [*LINEAR, *accepted(rng, 150)]
    texts = [(whole(p), text) for p in patterns for text in hard_texts(p, rng, 3)]
    questions = [
        Question("regex", p, text, length // len(text.pump)) for p, text in texts for length in LENGTHS
    ]

    found = ask(questions, HALF_A_STACK)

    growth = {}
    for i, key in enumerate(texts):
        short, middle, long = found[3 * i : 3 * i + 3]
        assert {r.verdict for r in (short, middle, long)} <= {"matched", "missed"}, key
        growth[key] = (long.reads - middle.reads, 10 * (middle.reads - short.reads))
    # Ten times the text costs ten times the reads; a few more where the short text did not reach a count yet.
    assert {k: v for k, v in growth.items() if v[0] > 1.1 * v[1] + 100 * LENGTHS[0]} == {}


def test_no_accepted_pattern_fills_the_stack_of_an_interpreter() -> None:
    rng = random.Random(SEED + 1)  # noqa: S311 - the same patterns in every run
    patterns = [*LINEAR, *accepted(rng, 100)]
    questions = [
        Question("regex", whole(p), text, 2_000 // len(text.pump))
        for p in patterns
        for text in hard_texts(p, rng, 2)
    ]

    found = ask(questions, HALF_A_STACK, "-Xint")

    assert {r.verdict for r in found} == {"matched", "missed"}


def test_the_largest_accepted_patterns_fit_the_stack() -> None:
    """Frames differ in size: each kind of part, repeated up to the limit."""
    parts = [
        "(?:a|b){0,%d}",
        "(?:ab?){0,%d}",
        "(?:(a)){0,%d}",
        "(a[ab]?){0,%d}?",
        "[^c]{0,%d}",
        "(?:a{1,2}b|b){0,%d}",
    ]
    largest = [
        p % (bisect_left(range(1000), 1, key=lambda n, p=p: not is_accepted(p % n)) - 1) for p in parts
    ]
    texts = [Hard("", "ab", ""), Hard("", "a", ""), Hard("", "a😀", "c")]

    found = ask(
        [Question("regex", whole(p), t, 2_000) for p in largest for t in texts], HALF_A_STACK, "-Xint"
    )

    assert {r.verdict for r in found} <= {"matched", "missed"}


@pytest.mark.parametrize("kind", ["regex", "like"])
def test_what_is_refused_is_more_than_linear(kind: str) -> None:
    bad = BAD if kind == "regex" else BAD_LIKE
    assert [p for p in bad if (is_accepted(p) if kind == "regex" else is_like(p))] == []

    found = ask(
        [
            Question(kind, whole(p) if kind == "regex" else p, text, times)
            for p, text in bad.items()
            for times in (1_000, 10_000)
        ],
        1 << 20,
    )

    for i, pattern in enumerate(bad):
        short, long = found[2 * i : 2 * i + 2]
        assert long.verdict in ("overflow", "endless") or long.reads > 50 * short.reads, (
            pattern,
            short,
            long,
        )


def test_accepted_likes_are_read_in_linear_time() -> None:
    likes = ["%_", "_%", "a%_b", "%a_b%", "%_@_%", "_" * 30 + "%", "%" + "_" * 15]
    assert [p for p in likes if not is_like(p)] == []
    texts = [Hard("", "a", ""), Hard("a", "@", "b"), Hard("", "\n", ""), Hard("a", "a_b", "")]
    keys = [(p, text) for p in likes for text in texts]

    found = ask([Question("like", p, t, length) for p, t in keys for length in LENGTHS], HALF_A_STACK)

    for i, key in enumerate(keys):
        short, middle, long = found[3 * i : 3 * i + 3]
        assert {r.verdict for r in (short, middle, long)} <= {"matched", "missed"}, key
        assert long.reads - middle.reads <= 10.5 * (middle.reads - short.reads) + LENGTHS[0], key


def test_java_reads_an_accepted_pattern_as_the_proof_does() -> None:
    rng = random.Random(SEED + 2)  # noqa: S311 - the same patterns in every run
    asked: list[tuple[Question, bool]] = []
    for pattern in [p for p in (*LINEAR, *accepted(rng, 200)) if "(?" not in p.replace("(?:", "")]:
        automaton = build(read(pattern))
        for text in hard_texts(pattern, rng, 6):
            times = rng.randint(0, 4)
            word = text.prefix + text.pump * times + text.suffix
            asked.append((Question("regex", whole(pattern), text, times), matches(automaton, word)))

    found = ask([q for q, _ in asked], HALF_A_STACK)

    wrong = [
        (q, r) for (q, ours), r in zip(asked, found, strict=True) if r.verdict != ("missed", "matched")[ours]
    ]
    assert wrong == []
    assert {r.verdict for r in found} == {"missed", "matched"}


def whole(pattern: str) -> str:
    r"""As rules compile it: ``\A`` keeps Java from looking for a later beginning."""
    return rf"\A(?:{pattern})\z"


def is_like(text: str) -> bool:
    try:
        judge_like(text)
    except RefusalError:
        return False
    return True


def ask(questions: Iterable[Question], stack: int, *options: str) -> list[Read]:
    """Java's answers, from one JVM whose matching thread has that many bytes of stack."""
    source = project.root() / "jvm" / "src" / "test" / "java" / "headrace" / "pattern" / "Reads.java"
    flink = ":".join(map(str, jvm.fetch_compile_path(settings.load().stack)))
    done = subprocess.run(
        [jdk().tool("java"), *QUICK, *options, "-cp", flink, str(source), str(stack)],
        input="\n".join(q.line() for q in questions),
        capture_output=True,
        text=True,
        check=True,
    )
    return [Read(verdict, int(reads)) for verdict, reads in map(str.split, done.stdout.splitlines())]
