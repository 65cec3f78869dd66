"""Matches the operators of a new plan with those of the lock: by meaning, else by similarity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from headrace.job.state.meaning import Meaning

MatchKey = tuple[str, ...]


def match_ids(old: Mapping[int, Meaning], new: Mapping[int, Meaning]) -> dict[int, int]:
    """New node → id in the lock. Nodes that are not in it continue no state."""
    matching = _Matching()
    matching.pair(old, new, lambda m: [(m.type, m.layout, m.meaning, p) for p in sorted(m.places)])
    matching.pair(old, new, lambda m: [(m.type, m.layout, m.meaning)])
    matching.pair_changed(_with_state(old), _with_state(new))
    return matching.ids


def goes_on_from(was: Meaning, now: Meaning) -> bool:
    """Whether one can restore the other's state, and both have a place in common."""
    return (was.type, was.layout) == (now.type, now.layout) and bool(was.places & now.places)


def heirs(was: Meaning, started: Iterable[Meaning]) -> list[Meaning]:
    """New operators in the place of one whose state is lost: of its kind, if there are any."""
    near = [m for m in started if _before(m) & _before(was) or m.id == was.id]
    return [m for m in near if m.kind == was.kind] or near


def _before(m: Meaning) -> set[str]:
    """Its places without itself."""
    return {place.rpartition("/")[0] for place in m.places}


def likeness(was: Meaning, now: Meaning) -> float:
    """The similarity of two operators, between 0 and 1."""
    return len(was.shapes & now.shapes) / (len(was.shapes | now.shapes) or 1)


class _Matching:
    def __init__(self) -> None:
        self.ids: dict[int, int] = {}
        self._taken: set[int] = set()

    def pair(
        self,
        old: Mapping[int, Meaning],
        new: Mapping[int, Meaning],
        keys: Callable[[Meaning], list[MatchKey]],
    ) -> None:
        """Pair unpaired operators that have a key in common; of several with the same meaning, any."""
        waiting: dict[MatchKey, list[int]] = defaultdict(list)
        for m in old.values():
            for key in keys(m):
                waiting[key].append(m.id)
        for m in new.values():
            if m.id in self.ids:
                continue
            found = next((i for k in keys(m) for i in waiting.get(k, ()) if i not in self._taken), None)
            if found is not None:
                self._take(found, m.id)

    def pair_changed(self, old: list[Meaning], new: list[Meaning]) -> None:
        """Pair each changed operator with the most similar one.

        If two are equally similar, neither is paired: a loss of state asks for a decision just as a change
        does, but state must never be given to another query.
        """
        while True:
            mutual = _mutually_closest(
                [m for m in old if m.id not in self._taken], [m for m in new if m.id not in self.ids]
            )
            if not mutual:
                return
            for number, was in mutual.items():
                self._take(was.id, number)

    def _take(self, was: int, now: int) -> None:
        self.ids[now] = was
        self._taken.add(was)


def _mutually_closest(old: list[Meaning], new: list[Meaning]) -> dict[int, Meaning]:
    """New node → the old one, where each is the most similar to the other."""
    closest = {now.id: was for now in new if (was := _closest(now, old))}
    return {n: was for n, was in closest.items() if (now := _closest(was, new)) and now.id == n}


def _closest(one: Meaning, others: Iterable[Meaning]) -> Meaning | None:
    """The most similar of the matching operators; None if two are equally similar."""
    ranked = sorted(((likeness(one, o), o.id, o) for o in others if goes_on_from(one, o)), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][2]


def _with_state(found: Mapping[int, Meaning]) -> list[Meaning]:
    return [m for m in found.values() if m.stateful]
