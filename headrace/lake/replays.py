"""Replays in the ledger: what one is to do, and what has become of it.

The record says what was planned and never changes. What came of it stands where it happened: in the claims
that its submissions made, in the decision that gave it up, in the batch that made its fork the branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.errors import UsageError
from headrace.lake.branch import Rulings
from headrace.lake.fork import Fork, swaps
from headrace.lake.ledger import Ledger, now, whoever
from headrace.ledger.records import AbortReplay, Claim, Decision, ReplaceBranch, RollBack

KIND = "replays"


@dataclass(frozen=True)
class Replay:
    """One replay as it was planned."""

    number: int
    """0 while it is only looked at."""
    origin: str
    """From where, in words."""
    why: str
    by: str
    at: str
    fork: Fork
    savepoint: str | None
    """What the fork restores; None where it begins at offsets, without state."""
    anchor: int | None
    frontier: dict[int, int]
    """Per partition, the offset up to which the branch is published at the fork point."""
    positions: dict[str, dict[int, int]]
    """Per contract that the job reads, where the fork begins to read."""
    replaces: dict[str, dict[str, int]]
    """Per output: files, rows and bytes behind the fork point when it was planned."""
    records: int
    """How many offsets it had to read again when it was planned: at most so many records."""
    contract_version: str
    program: str
    """Digest of the program that it was planned with: one replay runs one program."""
    stale: tuple[str, ...]
    """Derived tables that read the same topic: the replay does not change them."""
    rate: int = 0
    """Offsets a second at which the job has read what had waited for it; 0 where that was not measured."""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Replay:
        """Out of its record."""
        told = {
            "program": raw.get("program", ""),  # a plan of an older version: no program is that one
            "fork": Fork.of(raw["fork"]),
            "frontier": _numbered(raw["frontier"]),
            "positions": {c: _numbered(found) for c, found in raw["positions"].items()},
            "stale": tuple(raw["stale"]),
        }
        return cls(**{**raw, **told})

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it, and for ``-o json``."""
        told = asdict(self)
        told["frontier"] = _texts(self.frontier)
        told["positions"] = {c: _texts(found) for c, found in self.positions.items()}
        return told


def _texts(offsets: Mapping[int, int]) -> dict[str, int]:
    """JSON has no integer keys."""
    return {str(p): o for p, o in sorted(offsets.items())}


def _numbered(offsets: Mapping[str, int]) -> dict[int, int]:
    return {int(p): o for p, o in offsets.items()}


def record(ledger: Ledger, planned: Replay) -> Replay:
    """Write a plan, and give it its number."""
    told = {**planned.to_json(), "by": whoever(), "at": now()}
    return Replay.of({**told, "number": ledger.append(KIND, told)})


def one(ledger: Ledger, number: int) -> Replay:
    """The replay of that number.

    Raises:
        UsageError: there is none.
    """
    return Replay.of(ledger.asked(KIND, number, "replay"))


def every(ledger: Ledger) -> list[Replay]:
    """All replays, oldest first."""
    return [one(ledger, n) for n in range(1, ledger.newest(KIND) + 1)]


def claims(ledger: Ledger, number: int) -> list[Claim]:
    """The submissions of a replay, oldest first."""
    return [c for c in ledger.claims() if c.replay == number]


def state(ledger: Ledger, number: int) -> str:
    """``planned``, ``begun``, ``published``, ``rolled back`` or ``aborted``."""
    decisions = ledger.decisions()
    rulings = Rulings.of(decisions)
    if number in rulings.replaced or number in rulings.back:
        return "published" if number in rulings.replaced else "rolled back"
    if any(isinstance(d, AbortReplay) and d.replay == number for d in decisions):
        return "aborted"
    return "begun" if claims(ledger, number) else "planned"


def open_one(ledger: Ledger, number: int, *, or_published: bool = False) -> Replay:
    """A replay that can still be run and published.

    Args:
        ledger: of the job.
        number: of the replay.
        or_published: a published one is no harm: somebody else has asked for the same, and was faster.

    Raises:
        UsageError: it is published, or was aborted.
    """
    found, reached = one(ledger, number), state(ledger, number)
    if reached not in ("planned", "begun", *(["published"] if or_published else [])):
        raise UsageError(
            f"replay {number} is {reached}; planned {found.at} by {found.by}: {found.why}",
            where=f"job {ledger.job}",
            remedy=f"{again(ledger.job, found)} makes another",
        )
    return found


def again(job: str, replay: Replay) -> str:
    """The command that plans another replay from where this one began."""
    if replay.anchor is not None:
        return f"headrace replay plan {job} --from {replay.anchor} --why TEXT"
    return f"headrace replay plan {job} --from-offsets {as_option(replay.frontier)} --why TEXT"


def as_option(offsets: Mapping[int, int]) -> str:
    """Offsets as ``replay plan`` takes them."""
    return ",".join(f"{p}:{o}" for p, o in sorted(offsets.items()))


def batch_of(ledger: Ledger, number: int) -> int:
    """The batch that published a replay; 0 if none did."""
    found = (at for at in swaps(ledger) if ledger.required("batches", at).get("replay") == number)
    return next(found, 0)


def decided(ledger: Ledger, number: int) -> dict[str, Decision]:
    """What was decided about a replay: published, taken back, given up → the decision."""
    words = {ReplaceBranch: "published", RollBack: "taken back", AbortReplay: "given up"}
    kinds = (ReplaceBranch, RollBack, AbortReplay)
    about = (d for d in ledger.decisions() if isinstance(d, kinds) and d.replay == number)
    return {words[type(d)]: d for d in about}


def rollback_of(ledger: Ledger, number: int) -> int:
    """The batch that took a replay back; 0 if none did."""
    found = (at for at in swaps(ledger) if ledger.required("batches", at).get("undoes") == number)
    return next(found, 0)


def flink_name(job: str, number: int) -> str:
    """What Flink calls the job of a replay."""
    return f"{job}@replay-{number}"


def of_flink_name(name: str) -> tuple[str, int | None]:
    """The job, and the replay if it is one's."""
    job, _, number = name.partition("@replay-")
    return job, int(number) if number.isdecimal() else None
