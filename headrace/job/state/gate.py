"""The state gate: which state of a job is kept when its plan changes, and which is not.

Flink gives a new plan's operators the state that it finds under their ids. :func:`pin` gives each operator of
a new plan the id of the operator in the lock that means the same, so that its state is kept whatever moved
around it, and gives new operators ids that were never used. :func:`compare` compares two plans whose ids are
fixed: a submission may only restore state that the comparison accounts for.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from headrace.job.state import differences
from headrace.job.state.matching import heirs, match_ids
from headrace.job.state.meaning import KNOWN, Meaning, Plan, meanings

StateChange = Literal["kept", "new", "dropped", "changed", "unknown"]
"""What happens to an operator's state."""
KEPT: Final = "kept"
NEW: Final = "new"
DROPPED: Final = "dropped"
CHANGED: Final = "changed"
UNKNOWN: Final = "unknown"
ASKS = (DROPPED, CHANGED, UNKNOWN)
"""What a person must accept by id: state is lost, or kept with another meaning."""
NOT_COUNTED = "it starts empty: rows read before are not in it"


@dataclass(frozen=True)
class StateVerdict:
    """What happens to one operator's state."""

    id: int
    """Its node id: in the lock, or in the new plan if it is new."""
    verdict: StateChange
    operator: str
    description: str
    """Flink's description of it: in the new plan, or in the lock if it is dropped."""
    was: str
    """The description in the lock, if it differs."""
    what: str
    """What exactly changes, and the consequences for results; empty if nothing changes."""
    meant: str | None
    """Digest of its meaning before; None if it is new."""
    means: str | None
    """Digest of its meaning now; None if it is dropped."""

    @property
    def asks(self) -> bool:
        """Whether a person must accept it by id."""
        return self.verdict in ASKS

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``, and for the lock."""
        return asdict(self)


@dataclass(frozen=True)
class Pinned:
    """A new plan under the lock's ids."""

    plan: Plan
    verdicts: list[StateVerdict]
    next_id: int
    """The first id that no plan of the job has used."""


def pin(lock: Plan, plan: Plan, next_id: int) -> Pinned:
    """Give a new plan's nodes the ids of the nodes in the lock whose state they continue.

    Args:
        lock: the plan in force.
        plan: the new one, with the ids from its compilation.
        next_id: the first id that no plan of the job has used.
    """
    old, new = meanings(lock), meanings(plan)
    ids = match_ids(old, new)
    for number in new:
        if number not in ids:
            ids[number], next_id = next_id, next_id + 1
    pinned = copy.deepcopy(dict(plan))
    for node in pinned["nodes"]:
        node["id"] = ids[node["id"]]
    for edge in pinned["edges"]:
        edge["source"], edge["target"] = ids[edge["source"]], ids[edge["target"]]
    return Pinned(pinned, compare(lock, pinned), next_id)


def compare(before: Plan, after: Plan) -> list[StateVerdict]:
    """What happens to each operator's state when ``after`` restores what ``before`` wrote, by id."""
    old = {m.id: m for m in meanings(before).values() if m.stateful}
    new = {m.id: m for m in meanings(after).values() if m.stateful}
    started = [m for m in new.values() if m.id not in old or not _takes(old[m.id], m)]
    verdicts = [_verdict(was, new.get(was.id), started) for was in old.values()]
    verdicts += [
        StateVerdict(m.id, NEW, m.kind, m.description, "", NOT_COUNTED, None, m.meaning) for m in started
    ]
    return verdicts


def unaccounted(verdicts: Iterable[StateVerdict], accepted: Iterable[StateVerdict]) -> list[StateVerdict]:
    """Verdicts that ask for a decision that has not been made, neither in one step nor in several."""
    steps: dict[tuple[int, str | None], set[str | None]] = defaultdict(set)
    for step in accepted:
        steps[step.id, step.meant].add(step.means)

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


def _verdict(was: Meaning, now: Meaning | None, started: Iterable[Meaning]) -> StateVerdict:
    if now is None or not _takes(was, now):
        what = differences.describe_loss(was, heirs(was, started))
        return StateVerdict(was.id, DROPPED, was.kind, was.description, "", what, was.meaning, None)
    verdict, what = _kept_or_changed(was, now)
    before = was.description if was.description != now.description else ""
    return StateVerdict(now.id, verdict, now.kind, now.description, before, what, was.meaning, now.meaning)


def _kept_or_changed(was: Meaning, now: Meaning) -> tuple[StateChange, str]:
    """What happens to state that is kept, and why."""
    if now.follows:
        reads = now.kind == "table-source-scan"
        return KEPT, (differences.source_changes if reads else differences.output_changes)(was, now)
    if was.meaning == now.meaning:
        return KEPT, ""
    if was.kind not in KNOWN:
        return UNKNOWN, "headrace does not know what this operator keeps"
    return CHANGED, differences.describe_change(was, now)


def _takes(was: Meaning, now: Meaning) -> bool:
    """Whether one operator can restore the state of the other."""
    return (was.id, was.type, was.layout) == (now.id, now.type, now.layout)
