"""Anchors: savepoints that the ledger knows, with what had been read and published at that point.

::

    _headrace/<job>/anchors/0000000001.json   one an anchor; taken by headrace, or adopted
    _headrace/<job>/decisions/…               expire: no replay uses it any more

An anchor is a promise that a replay can begin at it; :mod:`headrace.ledger.anchor_health` reports whether it
still can. The ledger only records: :func:`headrace.savepoint.retained.delete_savepoint` deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headrace.errors import DecisionNeeded, UsageError
from headrace.ledger import replays
from headrace.ledger.fork import at_manifests, last_published_replay
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import ANCHORS, Anchor, ExpireAnchor
from headrace.ledger.restore import newest_on_branch
from headrace.ledger.stamp import current_user, now
from headrace.savepoint.retained import read_savepoint
from headrace.storage.warehouse import Warehouse


def record_savepoint(
    warehouse: Warehouse,
    ledger: Ledger,
    path: str,
    topics: Mapping[str, str],
    *,
    flink: str,
    why: str,
    adopted: bool,
) -> Anchor:
    """Record a savepoint or checkpoint as an anchor; the same one again gives the anchor that it has.

    Args:
        warehouse: where it is.
        ledger: the job's.
        path: its folder.
        topics: contract → topic, of what the job reads.
        flink: version of Flink.
        why: what it is for.
        adopted: whether other means made it.

    Raises:
        UsageError: it is not a savepoint, is of another job, or its submission is not in the ledger.
    """
    savepoint = read_savepoint(warehouse, path)
    for known in unexpired(ledger):
        if known.path == savepoint.path:
            return known
    claim = ledger.claim_of(savepoint.submission)
    if claim is None:
        raise UsageError(
            f"the savepoint is not of job {ledger.job}: its ledger has no submission {savepoint.submission}",
            where=savepoint.path,
            remedy=f"headrace branch ls {ledger.job} lists its submissions",
        )
    head = ledger.head()
    anchor = Anchor(
        path=savepoint.path,
        adopted=adopted,
        at=now(),
        by=current_user(),
        why=why,
        checkpoint=savepoint.number,
        submission=savepoint.submission,
        claim=claim.number,
        manifests=dict(savepoint.manifests),
        positions={contract: savepoint.positions(topic) for contract, topic in topics.items()},
        watermarks=savepoint.watermarks(),
        batch=head.batch,
        versions=head.versions,
        contract_version=claim.contract_version,
        plan=claim.plan,
        flink=flink,
    )
    return anchor.model_copy(update={"number": ledger.append(ANCHORS, anchor)})


def every(ledger: Ledger) -> list[Anchor]:
    """All anchors, oldest first, expired ones too."""
    return [one(ledger, n) for n in range(1, ledger.newest(ANCHORS) + 1)]


def unexpired(ledger: Ledger) -> list[Anchor]:
    """All anchors that have not expired."""
    gone = expired_numbers(ledger)
    return [a for a in every(ledger) if a.number not in gone]


def replay_command(ledger: Ledger, early: Callable[[Anchor], bool]) -> str:
    """The command that plans a replay from the newest anchor that is early enough, if one is."""
    for anchor in reversed(unexpired(ledger)):
        if early(anchor) and _on_branch(ledger, anchor):
            return f"headrace replay plan {ledger.job} --from {anchor.number} --why TEXT"
    return f"no anchor is early enough; those that there are: headrace anchor ls {ledger.job}"


def reads_from(contract: str, offsets: Mapping[int, int]) -> Callable[[Anchor], bool]:
    """Whether a replay from an anchor reads a topic from these offsets on, or earlier."""
    return lambda anchor: all(anchor.positions.get(contract, {}).get(p, 0) <= o for p, o in offsets.items())


def _on_branch(ledger: Ledger, anchor: Anchor) -> bool:
    try:
        at_manifests(ledger, anchor.manifests)
    except (DecisionNeeded, UsageError):
        return False
    return True


def needed_savepoints(ledger: Ledger) -> set[str]:
    """Savepoints that may still be restored: by a replay, the next start, or the start after a rollback."""
    unfinished = [r for r in replays.every(ledger) if replays.state(ledger, r.number) in ("planned", "begun")]
    newest = newest_on_branch(ledger.warehouse, ledger)
    before_replay = [a.path for a in unexpired(ledger) if a.batch < last_published_replay(ledger)]
    return {
        *(r.savepoint for r in unfinished if r.savepoint),
        *([newest.path] if newest else []),
        *before_replay[-1:],
    }


def expired_numbers(ledger: Ledger) -> set[int]:
    """Numbers of the expired anchors."""
    return {d.anchor for d in ledger.decisions() if isinstance(d, ExpireAnchor)}


def one(ledger: Ledger, number: int) -> Anchor:
    """The anchor of that number.

    Raises:
        UsageError: it does not exist.
    """
    return ledger.requested(ANCHORS, number, "anchor")


def record_expiry(ledger: Ledger, anchor: Anchor, why: str) -> None:
    """Record that no replay uses an anchor any more: its savepoint may be deleted."""
    ledger.record_decision(ExpireAnchor(why=why, anchor=anchor.number))
