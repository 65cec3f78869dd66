"""Which operator of a new plan goes on from which of the lock: by meaning, else by the closest likeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from headrace.job.state.meaning import Meaning

Key = tuple[str, ...]


def matched(old: Mapping[int, Meaning], new: Mapping[int, Meaning]) -> dict[int, int]:
    """New node → id in the lock. What is not in it has nobody to go on from."""
    found = _Matching()
    found.pair(old, new, lambda m: [(m.type, m.layout, m.meaning, p) for p in sorted(m.places)])
    found.pair(old, new, lambda m: [(m.type, m.layout, m.meaning)])
    found.pair_changed(_with_state(old), _with_state(new))
    return found.ids


def goes_on_from(was: Meaning, now: Meaning) -> bool:
    """Whether state of the one can be read as that of the other, and both stand in a place in common."""
    return (was.type, was.layout) == (now.type, now.layout) and bool(was.places & now.places)


def heirs(was: Meaning, begun: Iterable[Meaning]) -> list[Meaning]:
    """New operators that stand where one stood whose state is lost: of its kind, if there are such."""
    near = [m for m in begun if _before(m) & _before(was) or m.id == was.id]
    return [m for m in near if m.kind == was.kind] or near


def _before(m: Meaning) -> set[str]:
    """Its places without itself."""
    return {place.rpartition("/")[0] for place in m.places}


def likeness(was: Meaning, now: Meaning) -> float:
    """How much of what two operators are told by is the same, between 0 and 1."""
    return len(was.shapes & now.shapes) / (len(was.shapes | now.shapes) or 1)


class _Matching:
    def __init__(self) -> None:
        self.ids: dict[int, int] = {}
        self._taken: set[int] = set()

    def pair(
        self, old: Mapping[int, Meaning], new: Mapping[int, Meaning], keys: Callable[[Meaning], list[Key]]
    ) -> None:
        """Pair what has a key in common and is not paired yet; of several that mean the same, any."""
        waiting: dict[Key, list[int]] = defaultdict(list)
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
        """Pair what changed with the one that it is most like.

        Where two are equally like, none is: to lose state asks a person as loudly as to change it, and to
        give it to another query is the one thing that must never happen.
        """
        while True:
            left = [m for m in old if m.id not in self._taken]
            open_ = [m for m in new if m.id not in self.ids]
            found = {now.id: was for now in open_ if (was := _closest(now, left))}
            mutual = {n: was for n, was in found.items() if (now := _closest(was, open_)) and now.id == n}
            if not mutual:
                return
            for number, was in mutual.items():
                self._take(was.id, number)

    def _take(self, was: int, now: int) -> None:
        self.ids[now] = was
        self._taken.add(was)


def _closest(one: Meaning, others: Iterable[Meaning]) -> Meaning | None:
    """The one among those that fit which is more alike than all others; None where two are equally."""
    ranked = sorted(((likeness(one, o), o.id, o) for o in others if goes_on_from(one, o)), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][2]


def _with_state(found: Mapping[int, Meaning]) -> list[Meaning]:
    return [m for m in found.values() if m.stateful]
