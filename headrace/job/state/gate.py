"""The state gate: which state of a job goes on when its plan changes, and which does not.

Flink gives a new plan's operators the state that it finds under their ids. :func:`pin` gives each operator of
a new plan the id of the one that means the same in the lock, so that its state goes on whatever moved around
it, and gives what is new an id that was never used. :func:`compare` looks at two plans whose ids are fixed:
a submission may only restore what the comparison accounts for.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.job.state import differences
from headrace.job.state.matching import heirs, matched
from headrace.job.state.meaning import KNOWN, Meaning, Plan, meanings

KEPT, NEW, DROPPED, CHANGED, UNKNOWN = "kept", "new", "dropped", "changed", "unknown"
ASKS = (DROPPED, CHANGED, UNKNOWN)
"""What a person must name: state is lost, or goes on under another meaning."""
NOT_COUNTED = "it begins empty: what was read before is not in it"


@dataclass(frozen=True)
class Verdict:
    """What becomes of one operator's state."""

    id: int
    """Its node id: in the lock, or where it is new in the new plan."""
    verdict: str
    operator: str
    description: str
    """Flink's own words for it: in the new plan, or where it is dropped in the lock."""
    was: str
    """The same in the lock, where the two differ."""
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

    plan: Plan
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
    ids = matched(old, new)
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
    begun = [m for m in new.values() if m.id not in old or not _takes(old[m.id], m)]
    found = [_fate(was, new.get(was.id), begun) for was in old.values()]
    found += [Verdict(m.id, NEW, m.kind, m.description, "", NOT_COUNTED, None, m.meaning) for m in begun]
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


def _fate(was: Meaning, now: Meaning | None, begun: Iterable[Meaning]) -> Verdict:
    if now is None or not _takes(was, now):
        what = differences.dropped(was, heirs(was, begun))
        return Verdict(was.id, DROPPED, was.kind, was.description, "", what, was.meaning, None)
    verdict, what = _of_one(was, now)
    before = was.description if was.description != now.description else ""
    return Verdict(now.id, verdict, now.kind, now.description, before, what, was.meaning, now.meaning)


def _of_one(was: Meaning, now: Meaning) -> tuple[str, str]:
    """What becomes of state that goes on, and why."""
    if now.follows:
        reads = now.kind == "table-source-scan"
        return KEPT, (differences.reads_otherwise if reads else differences.written_otherwise)(was, now)
    if was.meaning == now.meaning:
        return KEPT, ""
    if was.kind not in KNOWN:
        return UNKNOWN, "headrace does not know what this operator keeps"
    return CHANGED, differences.changed(was, now)


def _takes(was: Meaning, now: Meaning) -> bool:
    """Whether the state of one can be that of the other."""
    return (was.id, was.type, was.layout) == (now.id, now.type, now.layout)
