"""How many ways Java may follow at once: the proof that it matches a text in linear time.

Java tries one way through a pattern after the other and remembers none. So its work on a text is the sum over
all ways, including those that fail in the end. The pattern becomes an automaton with one state for each of
its characters (Glushkov's construction), in which each way is one run. All runs are followed in parallel over
every possible text, and counted for each state. If their sum is bounded, Java reads no character more often
than that. This is exact: no pattern with few ways is refused, and none passes because it looks harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from headrace.contract.pattern.characters import ALL, DOT, Characters, samples
from headrace.contract.pattern.tree import Choice, Edge, Group, Look, Node, One, Repeat, Sequence
from headrace.contract.typed import RefusalError

MAX_WAYS = 20
"""How many ways Java may have to follow over the same text."""
MAX_SITUATIONS = 10_000
"""How many situations are examined before a pattern counts as too complex; about a second."""
START, END = -1, -2
ANY = r"[\s\S]"
APART = "let alternatives begin with different characters, and let no part take what the next one begins with"

Situation = tuple[tuple[int, int], ...]
"""The states that are active, and the number of runs in each."""


@dataclass
class Automaton:
    """States are the pattern's characters, in order; ``follow`` counts the ways from one to the next."""

    sets: list[Characters] = field(default_factory=list)
    written: dict[int, Node] = field(default_factory=dict)
    """The part of the pattern that each state represents."""
    follow: dict[int, Counter[int]] = field(default_factory=dict)

    def targets(self, situation: Situation) -> Counter[int]:
        """The possible next states, whatever the character, and END."""
        targets: Counter[int] = Counter()
        for state, runs in situation:
            for target, ways in self.follow[state].items():
                targets[target] += runs * ways
        return targets


@dataclass
class _Part:
    first: Counter[int]
    last: Counter[int]
    empty: int
    """In how many ways it takes no character."""


def prove(node: Node) -> None:
    """Return if Java follows at most :data:`MAX_WAYS` ways over any text.

    Raises:
        RefusalError: it may follow more; the message names the competing parts.
    """
    try:
        _prove(node)
    except RefusalError as e:
        raise RefusalError(e.what, _instead(node) or e.remedy) from None


def _instead(node: Node) -> str:
    """An accepted pattern that means the same except for line ends, if there is one."""
    alternative = _with_open_end(node)
    if alternative is None:
        return ""
    try:
        _prove(alternative)
    except RefusalError:
        return ""
    return f"write {alternative.text}, whose end also matches line ends"


def _prove(node: Node) -> None:
    automaton = build(_without_rest(node))
    begin: Situation = ((START, 1),)
    seen, waiting = {begin}, [begin]
    alphabet = _Alphabet(automaton.sets)
    while waiting:
        for after in _after(automaton, alphabet, waiting.pop()):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
        if len(seen) > MAX_SITUATIONS:
            raise RefusalError(
                "it is too complex to prove that Java matches it in linear time", "use smaller counts"
            )


def build(node: Node) -> Automaton:
    """The automaton of a pattern in which no repeated part can be empty."""
    automaton = Automaton()
    automaton.written[START] = node
    whole = _part(automaton, node, node)
    automaton.follow[START] = whole.first + Counter({END: whole.empty})
    for state, ways in whole.last.items():
        automaton.follow[state][END] += ways
    return automaton


class _Alphabet:
    """One character for each kind that the pattern distinguishes, and the states that accept it."""

    def __init__(self, sets: list[Characters]) -> None:
        self.characters = samples(sets)
        takers = {s: [c in s for c in self.characters] for s in dict.fromkeys(sets)}
        self.takes = [takers[s] for s in sets]


def _after(automaton: Automaton, alphabet: _Alphabet, situation: Situation) -> Iterator[Situation]:
    targets = automaton.targets(situation)
    if targets.pop(END, 0) > MAX_WAYS:
        raise _too_many(automaton, Counter(dict(situation)))
    for kind in range(len(alphabet.characters)):
        taken = {state: runs for state, runs in targets.items() if alphabet.takes[state][kind]}
        if sum(taken.values()) > MAX_WAYS:
            raise _too_many(automaton, Counter(taken))
        if taken:
            yield tuple(sorted(taken.items()))


def _too_many(automaton: Automaton, runs: Counter[int]) -> RefusalError:
    compete: Counter[int] = Counter()
    states: dict[int, int] = {}
    for state, count in runs.items():
        part = automaton.written[state]
        states[id(part)] = state
        compete[id(part)] += count * (MAX_WAYS if isinstance(part, Repeat) and part.most is None else 1)
    first, *second = [states[key] for key, _ in compete.most_common(2)]
    one = automaton.written[first].text
    if not second:
        return RefusalError(
            f"{one} can match the same text in more than {MAX_WAYS} ways, and Java tries each of them",
            APART,
        )
    other = automaton.written[second[0]].text
    return RefusalError(
        f"the same text can be divided between {one} and {f'another {one}' if one == other else other}"
        f" in more than {MAX_WAYS} ways, and Java tries each of them",
        APART,
    )


def _with_open_end(node: Node) -> Node | None:
    """The same pattern with an end that also matches line ends: Java stops once it gets there."""
    parts = node.parts if isinstance(node, Sequence) else (node,)
    match parts[-1:]:
        case (Repeat(body=One(chars=chars), most=None) as rest,) if chars == DOT:
            sign = rest.text.removeprefix(rest.body.text)
            text = f"{node.text.removesuffix(rest.text)}{ANY}{sign}"
            end = Repeat(One(ALL, ANY), rest.least, None, rest.lazy, f"{ANY}{sign}")
            return Sequence((*parts[:-1], end), text)
    return None


def _without_rest(node: Node) -> Node:
    """The pattern without an end that matches anything: a run that gets there has matched."""
    parts = node.parts if isinstance(node, Sequence) else (node,)
    match parts[-1:]:
        case (Repeat(body=One(chars=chars), most=None) as rest,) if chars == ALL:
            once = Repeat(rest.body, rest.least, rest.least, rest.lazy, rest.text)
            return Sequence((*parts[:-1], once), node.text)
    return node


def _part(automaton: Automaton, node: Node, written: Node) -> _Part:
    match node:
        case One():
            state = len(automaton.sets)
            automaton.sets.append(node.chars)
            automaton.written[state] = written
            automaton.follow[state] = Counter()
            return _Part(Counter({state: 1}), Counter({state: 1}), 0)
        case Edge() | Look():
            return _nothing()
        case Group():
            return _part(automaton, node.body, node.body)
        case Sequence():
            joined = _nothing()
            for part in node.parts:
                joined = _joined(automaton, joined, _part(automaton, part, part))
            return joined
        case Choice():
            return _one_of([_part(automaton, b, b) for b in node.branches])
        case Repeat():
            return _repeated(automaton, node)


def _one_of(branches: list[_Part]) -> _Part:
    """Alternatives."""
    first, last = Counter[int](), Counter[int]()
    for branch in branches:
        first.update(branch.first)
        last.update(branch.last)
    return _Part(first, last, sum(b.empty for b in branches))


def _repeated(automaton: Automaton, node: Repeat) -> _Part:
    joined = _nothing()
    for number in reversed(range(max(node.least, 1) if node.most is None else node.most)):
        copy = _part(automaton, node.body, node)
        if node.most is None and not joined.last:
            _link(automaton, copy, copy)
        joined = _joined(automaton, copy, joined)
        joined.empty += number >= node.least
    return joined


def _nothing() -> _Part:
    return _Part(Counter(), Counter(), 1)


def _joined(automaton: Automaton, left: _Part, right: _Part) -> _Part:
    """One part after the other; the arguments must not be used afterwards."""
    _link(automaton, left, right)
    if left.empty:
        left.first.update({state: ways * left.empty for state, ways in right.first.items()})
    if right.empty:
        right.last.update({state: ways * right.empty for state, ways in left.last.items()})
    return _Part(left.first, right.last, left.empty * right.empty)


def _link(automaton: Automaton, left: _Part, right: _Part) -> None:
    for state, ways in left.last.items():
        for target, more in right.first.items():
            automaton.follow[state][target] += ways * more
