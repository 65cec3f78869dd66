"""Random patterns, and texts that are hard for one: what the proof of linear time is tried with."""

from __future__ import annotations

import random
from dataclasses import dataclass

from headrace.contract.pattern import judge
from headrace.contract.pattern.characters import samples
from headrace.contract.pattern.paths import END, START, Automaton, build
from headrace.contract.pattern.syntax import read
from headrace.contract.typed import RefusalError

CHARACTERS = [
    "a",
    "b",
    "c",
    r"\.",
    ".",
    "[ab]",
    "[^a]",
    r"\d",
    "[b-d]",
    r"\s",
    "[^ab]",
    "ä",
    "😀",
    r"\W",
    "-",
    r"[^\s-]",
]
SIGNS = ["*", "+", "?", "{2}", "{0,3}", "{1,40}", "{3,}", "*?", "{0,3}?", "+?"]


@dataclass(frozen=True)
class Hard:
    """A text for a pattern: a beginning, a part that may be repeated, and an end."""

    prefix: str
    pump: str
    suffix: str


def accepted(rng: random.Random, count: int) -> list[str]:
    """That many different patterns that are accepted."""
    patterns: dict[str, None] = {}
    while len(patterns) < count:
        text = _choice(rng, 3)
        if is_accepted(text):
            patterns[text] = None
    return list(patterns)


def is_accepted(text: str) -> bool:
    """Whether a contract may hold it."""
    try:
        judge(text)
    except RefusalError:
        return False
    return True


def hard_texts(text: str, rng: random.Random, count: int) -> list[Hard]:
    """Walks through the pattern's automaton, each around a circle of it if there is one."""
    automaton = build(read(text))
    alphabet = samples(automaton.sets)
    return [_walk(automaton, alphabet, rng) for _ in range(count)]


def matches(automaton: Automaton, text: str) -> bool:
    """The verdict by the definition: all ways at once."""
    states = {START}
    for char in text:
        targets = {t for s in states for t in automaton.follow[s] if t != END}
        states = {t for t in targets if ord(char) in automaton.sets[t]}
    return any(automaton.follow[s][END] for s in states)


def _walk(automaton: Automaton, alphabet: list[int], rng: random.Random) -> Hard:
    states: frozenset[int] = frozenset([START])
    seen, word = {states: 0}, ""
    while True:
        steps = {c: frozenset(_step(automaton, states, c)) for c in alphabet}
        possible = [c for c in alphabet if steps[c]]
        if not possible:
            return Hard("", word, chr(rng.choice(alphabet)))
        # Half of the walks go where most ways are open, the others anywhere.
        char = rng.choice(possible) if rng.random() < 0.5 else max(possible, key=lambda c: len(steps[c]))
        word, states = word + chr(char), steps[char]
        if states in seen and rng.random() < 0.5:
            begin = seen[states]
            return Hard(word[:begin], word[begin:], rng.choice(["", chr(rng.choice(alphabet))]))
        seen.setdefault(states, len(word))


def _step(automaton: Automaton, states: frozenset[int], char: int) -> set[int]:
    targets = {t for s in states for t in automaton.follow[s] if t != END}
    return {t for t in targets if char in automaton.sets[t]}


def _choice(rng: random.Random, levels: int) -> str:
    return "|".join(_sequence(rng, levels) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def _sequence(rng: random.Random, levels: int) -> str:
    return "".join(_part(rng, levels) for _ in range(rng.randint(1, 4)))


def _part(rng: random.Random, levels: int) -> str:
    inner = rng.choice(CHARACTERS)
    if levels and rng.random() < 0.3:
        inner = rng.choice(["(", "(?:"]) + _choice(rng, levels - 1) + ")"
    return inner + (rng.choice(SIGNS) if rng.random() < 0.5 else "")
