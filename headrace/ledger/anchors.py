"""Anchors: savepoints that the ledger knows, with what had been read and published at that point.

::

    _headrace/<job>/anchors/0000000001.json   one an anchor; taken by headrace, or adopted
    _headrace/<job>/decisions/…               expire: no replay uses it any more, its savepoint is removed

An anchor is a promise that a replay can begin at it. :func:`examine` checks whether it still can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from headrace.errors import DecisionNeeded, UsageError
from headrace.files import StagedFile
from headrace.ledger import replays
from headrace.ledger.fork import at_manifests, last_published_replay
from headrace.ledger.ledger import Ledger, current_user, now
from headrace.ledger.manifests import Staged
from headrace.ledger.records import ANCHORS, BATCHES, Anchor, ExpireAnchor
from headrace.ledger.restore import newest_on_branch
from headrace.offsets import Offsets
from headrace.savepoint.metadata import Checkpoint, parse, positions, watermarks
from headrace.storage.warehouse import Warehouse

_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BESIDE = re.compile(rb"(?<![\x05\x0b].{7})\x06\x00\x24(" + _UUID + rb")", re.DOTALL)
_ELSEWHERE = re.compile(rb"\x02(.{7}[^\x01])..[a-z0-9]+://[^\x00-\x1f]+/(" + _UUID + rb")", re.DOTALL)
"""How `_metadata` names a state file (MetadataV2V3SerializerBase): a RelativeFileStateHandle has tag 6 and a
name, a FileStateHandle tag 2, a size and an address. What is small stands in it, under the address that it
would have had, with tag 1 before it: a size that ends in 1 cannot be distinguished from that, and is
not looked for. An incremental state (tag 5 or 11) begins with its checkpoint's number, and the id of its
backend: that of checkpoint 6, 262, … ends in 6, and is not a tag."""
_OWN_FILE = range(20_000, 1 << 40)


def record(
    warehouse: Warehouse,
    ledger: Ledger,
    path: str,
    topics: Mapping[str, str],
    *,
    flink: str,
    why: str,
    adopted: bool,
) -> Anchor:
    """Write a savepoint or checkpoint into the ledger; the same one again gives the anchor that it has.

    Args:
        warehouse: where it lies.
        ledger: the job's.
        path: its folder.
        topics: contract → topic, of what the job reads.
        flink: version of Flink.
        why: what it is for.
        adopted: whether other means made it.

    Raises:
        UsageError: it is not a savepoint, is of another job, or its submission is not in the ledger.
    """
    raw, found = read_savepoint(warehouse, path)
    path = found.path
    for known in unexpired(ledger):
        if known.path == path:
            return known
    claim = ledger.claim_of(found.submission)
    if claim is None:
        raise UsageError(
            f"the savepoint is not of job {ledger.job}: its ledger has no submission {found.submission}",
            where=path,
            remedy=f"headrace branch ls {ledger.job} lists its submissions",
        )
    head = ledger.head()
    anchor = Anchor(
        path=path,
        adopted=adopted,
        at=now(),
        by=current_user(),
        why=why,
        checkpoint=found.number,
        submission=found.submission,
        claim=claim.number,
        manifests=dict(found.manifests),
        positions={contract: positions(raw, topic) for contract, topic in topics.items()},
        watermarks=watermarks(raw),
        batch=head.batch,
        versions=head.versions,
        contract_version=claim.contract_version,
        plan=claim.plan,
        flink=flink,
    )
    return anchor.model_copy(update={"number": ledger.append(ANCHORS, anchor)})


def read_savepoint(warehouse: Warehouse, path: str) -> tuple[bytes, Checkpoint]:
    """The bytes of a savepoint's ``_metadata``, and the checkpoint that they describe.

    Raises:
        UsageError: it does not lie in the warehouse, or is no savepoint of ours.
    """
    folder = path.removesuffix("/_metadata").rstrip("/")
    if not folder.startswith(f"{warehouse.uri}/"):
        raise UsageError(
            "an anchor has to be in the warehouse, where its state is kept",
            where=path,
            remedy=f"copy its whole folder under {warehouse.uri}/_flink/ first",
        )
    try:
        raw = warehouse.read(f"{folder.removeprefix(f'{warehouse.uri}/')}/_metadata")
    except FileNotFoundError:
        raise UsageError(
            "there is no checkpoint or savepoint here: it has no _metadata",
            where=folder,
            remedy="give the folder that holds _metadata",
        ) from None
    found = parse(raw, folder)
    if found is None:
        raise UsageError(
            "this is not a savepoint of a headrace job, or it is damaged", where=f"{folder}/_metadata"
        )
    return raw, found


def every(ledger: Ledger) -> list[Anchor]:
    """All anchors, oldest first, expired ones too."""
    return [one(ledger, n) for n in range(1, ledger.newest(ANCHORS) + 1)]


def unexpired(ledger: Ledger) -> list[Anchor]:
    """All anchors that have not expired."""
    gone = expired(ledger)
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


def expired(ledger: Ledger) -> set[int]:
    """Numbers of the expired anchors."""
    return {d.anchor for d in ledger.decisions() if isinstance(d, ExpireAnchor)}


def one(ledger: Ledger, number: int) -> Anchor:
    """The anchor of that number.

    Raises:
        UsageError: it does not exist.
    """
    return ledger.requested(ANCHORS, number, "anchor")


@dataclass(frozen=True)
class Health:
    """What was looked at, and what is wrong; all is well when ``problems`` is empty."""

    state_files: int = 0
    data_files: int = 0
    problems: list[str] = field(default_factory=list)


def examine(warehouse: Warehouse, ledger: Ledger, anchor: Anchor, log_start: Mapping[str, Offsets]) -> Health:
    """Look whether a replay could begin here now: state, files whose commit it may repeat, Kafka's offsets.

    Args:
        warehouse: where all of it lies.
        ledger: the job's.
        anchor: the anchor.
        log_start: per contract the first offset that Kafka still has; a topic that was made anew is left out.
    """
    problems: list[str] = []
    if anchor.number in expired(ledger):
        problems.append("it has expired")
    state = _state(warehouse, anchor, problems)
    files = _files(warehouse, ledger, anchor)
    keys = [f"{output}/{f.path}" for output, found in files.items() for f in found]
    gone = [key for key in keys if not warehouse.has(key)]
    if gone:
        problems.append(f"{len(gone)} files whose commit it may repeat are gone, {gone[0]} among them")
    problems += _kafka(anchor, log_start)
    return Health(state, sum(map(len, files.values())), problems)


def _state(warehouse: Warehouse, anchor: Anchor, problems: list[str]) -> int:
    """How many files hold its state; what is missing is added to ``problems``."""
    try:
        raw, found = read_savepoint(warehouse, anchor.path)
    except UsageError as e:
        problems.append(e.what)
        return 0
    if dict(found.manifests) != anchor.manifests:
        problems.append("its address now holds another savepoint")
    folder = anchor.path.removeprefix(f"{warehouse.uri}/")
    # A savepoint holds its files beside it; an incremental checkpoint shares some with its neighbours.
    around = folder.rpartition("/")[0]
    beside = {key.rpartition("/")[2] for key in warehouse.keys(f"{around}/")}
    named = {name.decode() for name in _BESIDE.findall(raw)}
    named |= {n.decode() for size, n in _ELSEWHERE.findall(raw) if int.from_bytes(size, "big") in _OWN_FILE}
    if lost := sorted(named - beside):
        problems.append(f"{len(lost)} of its {len(named)} state files are gone, {lost[0]} among them")
    return len(named)


def _files(warehouse: Warehouse, ledger: Ledger, anchor: Anchor) -> dict[str, list[StagedFile]]:
    """Per output the files of the manifest that it follows, as far as that was committed yet."""
    found: dict[str, list[StagedFile]] = {}
    for output, manifest in anchor.manifests.items():
        batch = ledger.published(output, manifest)
        if batch is None:
            staged = Staged(warehouse, output).read().get(manifest)
            found[output] = list(staged.files) if staged else []
            continue
        own = [f for f in ledger.required(BATCHES, batch).outputs[output].files if f.manifest == manifest]
        found[output] = [StagedFile(path=f.path, size=f.size) for f in own]
    return found


def _kafka(anchor: Anchor, log_start: Mapping[str, Offsets]) -> Iterable[str]:
    for contract, reached in anchor.positions.items():
        starts = log_start.get(contract)
        if starts is None:
            yield f"the topic of {contract} was deleted, or made anew: its offsets mean other records"
            continue
        for partition, offset in sorted(reached.items()):
            first = starts.get(partition, 0)
            if 0 <= offset < first:
                yield (
                    f"Kafka deleted what it would read: partition {partition} of {contract}"
                    f" begins at {first:,}, the anchor is at {offset:,}"
                )


def expire(ledger: Ledger, anchor: Anchor, why: str) -> None:
    """Record that no replay uses an anchor any more; then delete the savepoint, if headrace took it."""
    ledger.decide(ExpireAnchor(why=why, anchor=anchor.number))
    delete_savepoint(ledger, anchor)


def delete_savepoint(ledger: Ledger, anchor: Anchor) -> None:
    """Delete the savepoint of an expired anchor, if headrace took it."""
    if not anchor.adopted:
        for key in list(ledger.warehouse.keys(f"{anchor.path.removeprefix(f'{ledger.warehouse.uri}/')}/")):
            ledger.warehouse.delete(key)
