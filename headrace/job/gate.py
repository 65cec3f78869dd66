"""The state gate: which state of a job goes on when its plan changes, and which does not.

Flink gives a new plan's operators the state that it finds under their ids. :func:`pin` gives each operator of
a new plan the id of the one that means the same in the lock, so that its state goes on whatever moved around
it, and gives what is new an id that was never used. :func:`compare` looks at two plans whose ids are fixed:
a submission may only restore what the comparison accounts for.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.job.meaning import KNOWN, Meaning, Plan, meanings

KEPT, NEW, DROPPED, CHANGED, UNKNOWN = "kept", "new", "dropped", "changed", "unknown"
ASKS = (DROPPED, CHANGED, UNKNOWN)
"""What a person must name: state is lost, or goes on under another meaning."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of one operator's state."""

    id: int
    """Its node id: in the lock, or where it is new in the new plan."""
    verdict: str
    operator: str
    description: str
    what: str
    """What exactly changes, and what follows for results; empty where nothing does."""
    meant: str | None
    """Digest of its meaning before; None where it is new."""
    means: str | None
    """The same now; None where it is dropped."""

    @property
    def asks(self) -> bool:
        """Whether a person must name it."""
        return self.verdict in ASKS

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``, and for the lock."""
        return asdict(self)


@dataclass(frozen=True)
class Pinned:
    """A new plan under the lock's ids."""

    plan: dict[str, Any]
    verdicts: list[Verdict]
    next_id: int
    """The first id that no plan of the job has used."""


def pin(lock: Plan, plan: Plan, next_id: int) -> Pinned:
    """Give a new plan's nodes the ids of those in the lock that they go on from.

    Args:
        lock: the plan in force.
        plan: the new one, under whatever ids it was compiled with.
        next_id: the first id that no plan of the job has used.
    """
    old, new = meanings(lock), meanings(plan)
    ids = _Matching(old, new).ids
    for number in new:
        if number not in ids:
            ids[number], next_id = next_id, next_id + 1
    pinned = copy.deepcopy(dict(plan))
    for node in pinned["nodes"]:
        node["id"] = ids[node["id"]]
    for edge in pinned["edges"]:
        edge["source"], edge["target"] = ids[edge["source"]], ids[edge["target"]]
    return Pinned(pinned, compare(lock, pinned), next_id)


def compare(before: Plan, after: Plan) -> list[Verdict]:
    """What becomes of each operator's state when ``after`` restores what ``before`` wrote; by id."""
    old = {m.id: m for m in meanings(before).values() if m.stateful}
    new = {m.id: m for m in meanings(after).values() if m.stateful}
    found = [_fate(was, new.get(was.id)) for was in old.values()]
    found += [
        _verdict(m, NEW, "it begins empty: what was read before is not in it", None, m.meaning)
        for m in new.values()
        if m.id not in old or not _takes(old[m.id], m)
    ]
    return found


def unaccounted(verdicts: Iterable[Verdict], accepted: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Verdicts that ask for a decision which nobody has taken: not in one step, and not in several."""
    steps: dict[tuple[int, str | None], set[str | None]] = defaultdict(set)
    for step in accepted:
        steps[step["id"], step["meant"]].add(step["means"])

    def leads(number: int, at: str | None, to: str | None) -> bool:
        seen, open_ = set[str | None](), [at]
        while open_:
            here = open_.pop()
            if here == to and here != at:
                return True
            if here not in seen:
                seen.add(here)
                open_ += steps[number, here]
        return False

    return [v for v in verdicts if v.asks and not leads(v.id, v.meant, v.means)]


def _fate(was: Meaning, now: Meaning | None) -> Verdict:
    if now is None or not _takes(was, now):
        why = "" if now is None else ": its keys, or the types of what it keeps, are others now"
        return _verdict(was, DROPPED, f"its state is lost{why}", was.meaning, None)
    if was.meaning == now.meaning or now.follows:
        return _verdict(now, KEPT, "", was.meaning, now.meaning)
    if was.kind not in KNOWN:
        return _verdict(
            now, UNKNOWN, "headrace does not know what this operator keeps", was.meaning, now.meaning
        )
    return _verdict(now, CHANGED, _difference(was, now), was.meaning, now.meaning)


def _takes(was: Meaning, now: Meaning) -> bool:
    """Whether the state of one can be that of the other."""
    return (was.id, was.type, was.layout) == (now.id, now.type, now.layout)


def _verdict(m: Meaning, verdict: str, what: str, meant: str | None, means: str | None) -> Verdict:
    return Verdict(m.id, verdict, m.kind, m.description, what, meant, means)


def _difference(was: Meaning, now: Meaning) -> str:
    """In words: filters that came or went, else the descriptions; and what follows."""
    came = [f for f in now.filters if f not in was.filters]
    went = [f for f in was.filters if f not in now.filters]
    before, after = " ".join(went) or was.description, " ".join(came) or now.description
    said = [f"a filter came: {_short(f, before)}" for f in came]
    said += [f"a filter went: {_short(f, after)}" for f in went]
    if was.description != now.description:
        said.append(f"it was {_short(was.description, now.description)}")
    follows = "what it holds from before stays: results mix both until that has gone"
    return "; ".join([*(said or ["what it reads is computed otherwise"]), follows])


def _short(text: str, other: str = "", most: int = 200) -> str:
    """The text; of a long one the part where it begins to differ from another."""
    if len(text) <= most:
        return text
    alike = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    first = max(0, alike - most // 2)
    last = first + most
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


class _Matching:
    """New node → id in the lock."""

    def __init__(self, old: Mapping[int, Meaning], new: Mapping[int, Meaning]) -> None:
        self.ids: dict[int, int] = {}
        self._taken: set[int] = set()
        self._pair(
            old.values(), new.values(), lambda m: [(m.type, m.layout, m.meaning, p) for p in _places(m)]
        )
        self._pair(old.values(), new.values(), lambda m: [(m.type, m.layout, m.meaning)])
        self._pair(_with_state(old), _with_state(new), lambda m: [(m.type, m.layout, p) for p in _places(m)])

    def _pair(
        self, old: Iterable[Meaning], new: Iterable[Meaning], keys: Callable[[Meaning], list[tuple[str, ...]]]
    ) -> None:
        """Pair what has a key in common and is not paired yet; of several, in the order of the plans."""
        waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for m in old:
            if m.id not in self._taken:
                for key in keys(m):
                    waiting[key].append(m.id)
        for m in new:
            if m.id in self.ids:
                continue
            found = next((i for k in keys(m) for i in waiting.get(k, ()) if i not in self._taken), None)
            if found is not None:
                self.ids[m.id] = found
                self._taken.add(found)


def _places(m: Meaning) -> list[str]:
    return sorted(m.places)


def _with_state(found: Mapping[int, Meaning]) -> list[Meaning]:
    return [m for m in found.values() if m.stateful]
