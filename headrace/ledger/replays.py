"""Replays in the ledger: the plan, and what has become of it.

The record holds the plan and never changes. What came of it is recorded where it happened: in the claims
that its submissions made, in the decision that aborted it, in the batch that made its fork the branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from headrace.errors import UsageError
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.fork import swaps
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    BATCHES,
    REPLAYS,
    AbortReplay,
    Claim,
    Decision,
    ReplaceBranch,
    Replay,
    RollBack,
    RollbackBatch,
    SwapBatch,
)
from headrace.ledger.stamp import current_user, now

ReplayState = Literal["planned", "begun", "published", "rolled back", "aborted"]


def record_replay(ledger: Ledger, planned: Replay) -> Replay:
    """Write a plan; returns it with its number."""
    stamped = planned.model_copy(update={"by": current_user(), "at": now()})
    return stamped.model_copy(update={"number": ledger.append(REPLAYS, stamped)})


def one(ledger: Ledger, number: int) -> Replay:
    """The replay of that number.

    Raises:
        UsageError: it does not exist.
    """
    return ledger.requested(REPLAYS, number, "replay")


def every(ledger: Ledger) -> list[Replay]:
    """All replays, oldest first."""
    return [one(ledger, n) for n in range(1, ledger.newest(REPLAYS) + 1)]


def claims(ledger: Ledger, number: int) -> list[Claim]:
    """The submissions of a replay, oldest first."""
    return [c for c in ledger.claims() if c.replay == number]


def state(ledger: Ledger, number: int) -> ReplayState:
    """What has become of a replay by now."""
    decisions = ledger.decisions()
    standing = StandingDecisions.of(decisions)
    if number in standing.published_replays or number in standing.rolled_back:
        return "published" if number in standing.published_replays else "rolled back"
    if any(isinstance(d, AbortReplay) and d.replay == number for d in decisions):
        return "aborted"
    return "begun" if claims(ledger, number) else "planned"


def require_open(ledger: Ledger, number: int, *, or_published: bool = False) -> Replay:
    """A replay that can still be run and published.

    Args:
        ledger: of the job.
        number: of the replay.
        or_published: accept a published one: a concurrent call may have published it.

    Raises:
        UsageError: it is published, or was aborted.
    """
    replay, now = one(ledger, number), state(ledger, number)
    if now not in ("planned", "begun") and not (or_published and now == "published"):
        raise UsageError(
            f"replay {number} is {now}; planned {replay.at} by {replay.by}: {replay.why}",
            where=f"job {ledger.job}",
            remedy=f"{replan_command(ledger.job, replay)} makes another",
        )
    return replay


def replan_command(job: str, replay: Replay) -> str:
    """The command that plans another replay from where this one began."""
    if replay.anchor is not None:
        return f"headrace replay plan {job} --from {replay.anchor} --why TEXT"
    return f"headrace replay plan {job} --from-offsets {as_option(replay.frontier)} --why TEXT"


def as_option(offsets: Mapping[int, int]) -> str:
    """Offsets as ``replay plan`` takes them."""
    return ",".join(f"{p}:{o}" for p, o in sorted(offsets.items()))


def batch_of(ledger: Ledger, number: int) -> int:
    """The batch that published a replay; 0 if none did."""
    return next((at for at in swaps(ledger) if published_by(ledger, at) == number), 0)


def published_by(ledger: Ledger, batch: int) -> int:
    """The replay that a batch published; 0 if it rolled one back."""
    record = ledger.required(BATCHES, batch)
    return record.replay if isinstance(record, SwapBatch) else 0


def decisions_about(ledger: Ledger, number: int) -> dict[ReplayState, Decision]:
    """What was decided about a replay: the state that it led to → the decision."""
    states: dict[type[Decision], ReplayState] = {
        ReplaceBranch: "published",
        RollBack: "rolled back",
        AbortReplay: "aborted",
    }
    kinds = (ReplaceBranch, RollBack, AbortReplay)
    about = (d for d in ledger.decisions() if isinstance(d, kinds) and d.replay == number)
    return {states[type(d)]: d for d in about}


def rolled_back_by(ledger: Ledger, batch: int) -> int:
    """The replay that a batch rolled back; 0 if it published one."""
    record = ledger.required(BATCHES, batch)
    return record.replay if isinstance(record, RollbackBatch) else 0


def rollback_of(ledger: Ledger, number: int) -> int:
    """The batch that rolled a replay back; 0 if none did."""
    return next((at for at in swaps(ledger) if rolled_back_by(ledger, at) == number), 0)


def flink_name(job: str, number: int) -> str:
    """The name of a replay's job in Flink."""
    return f"{job}@replay-{number}"


def of_flink_name(name: str) -> tuple[str, int | None]:
    """The job, and the replay if it is one's."""
    job, _, number = name.partition("@replay-")
    return job, int(number) if number.isdecimal() else None
